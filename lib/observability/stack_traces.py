"""Stack traces for log lines: places and types, never texts, which may quote data."""

import traceback
from collections.abc import Iterator
from itertools import islice
from types import TracebackType

#: The maximum number of calls that are listed: the innermost ones.
MAX_FRAMES = 40

#: The maximum number of errors of a chain or a group that are listed: the first ones.
MAX_ERRORS = 10

#: The maximum number of errors that are listed in total, for groups within groups.
MAX_PARTS = 100


def describe_stack(problem: BaseException) -> str:
    """Return the places and types of an error and of its causes, outermost first.

    The members of a group follow it. Calls no methods of the errors, so it never raises.
    """
    return "".join(islice(_tell(problem), MAX_PARTS))


def name_type(problem: BaseException) -> str:
    """Return the name of an error's type, even if its metaclass refuses to give it."""
    return str(type.__getattribute__(type(problem), "__name__"))


def forget_stack(problem: BaseException) -> None:
    """Remove the stacks of an error, of its causes, and of a group's members.

    An error object that is raised again keeps the frames of all its raises, and all their local
    variables. Calls no methods of the errors, so it never raises.
    """
    todo: list[BaseException | None] = [problem]
    seen: set[int] = set()
    while todo:
        each = todo.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        BaseException.with_traceback(each, None)
        todo += (each.__cause__, each.__context__)
        if isinstance(each, BaseExceptionGroup):
            todo += each.exceptions


def _tell(problem: BaseException) -> Iterator[str]:
    for number, each in enumerate(reversed(list(_chain_of(problem)))):
        frames = _format(_innermost(each.__traceback__))
        yield "".join(["\nand then\n" if number else "", *frames, name_type(each)])
        if isinstance(each, BaseExceptionGroup):
            for member in each.exceptions[:MAX_ERRORS]:
                yield "\nin it\n"
                yield from _tell(member)


def _chain_of(problem: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    present: BaseException | None = problem
    while present is not None and id(present) not in seen and len(seen) < MAX_ERRORS:
        yield present
        seen.add(id(present))
        cause, hidden = present.__cause__, present.__suppress_context__
        present = present.__context__ if cause is None and not hidden else cause


def _format(stack: TracebackType | None) -> list[str]:
    """Return a stack's calls as Python shows them, without the position marks, which are slow."""
    calls = traceback.walk_tb(stack)
    places = [(f.f_code.co_filename, line, f.f_code.co_name, None) for f, line in calls]
    return traceback.StackSummary.from_list(places).format()


def _innermost(stack: TracebackType | None) -> TracebackType | None:
    """Return the last calls of a stack; an error object that is raised often may have thousands."""
    ahead = stack
    for _ in range(MAX_FRAMES):
        ahead = ahead and ahead.tb_next
    while stack is not None and ahead is not None:
        stack, ahead = stack.tb_next, ahead.tb_next
    return stack
