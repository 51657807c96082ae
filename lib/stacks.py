"""Where an error came from, for a log line: places and types, never texts, which quote data."""

import traceback
from collections.abc import Iterator
from types import TracebackType

#: Of a deeper stack the innermost calls are told.
MAX_FRAMES = 40

#: Of a longer chain, or of a larger group, the first errors are told.
MAX_ERRORS = 10


def describe_stack(problem: BaseException) -> str:
    """Return the places and types of an error and of what it was raised from, outermost first.

    Of a group its members follow it.
    """
    chain = list(_chain_of(problem))
    return "\nand then\n".join(map(_describe_one, reversed(chain)))


def _chain_of(problem: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    present: BaseException | None = problem
    while present is not None and present not in seen and len(seen) < MAX_ERRORS:
        yield present
        seen.append(present)
        hidden = present.__suppress_context__
        present = present.__cause__ or (None if hidden else present.__context__)


def _describe_one(problem: BaseException) -> str:
    frames = traceback.format_tb(_innermost(problem.__traceback__))
    described = "".join(frames) + type(problem).__name__
    if isinstance(problem, BaseExceptionGroup):
        members = problem.exceptions[:MAX_ERRORS]
        described += "".join(f"\nin it\n{describe_stack(each)}" for each in members)
    return described


def _innermost(stack: TracebackType | None) -> TracebackType | None:
    """Return the last calls of a stack; one error object that is raised often has thousands."""
    ahead = stack
    for _ in range(MAX_FRAMES):
        ahead = ahead and ahead.tb_next
    while stack is not None and ahead is not None:
        stack, ahead = stack.tb_next, ahead.tb_next
    return stack
