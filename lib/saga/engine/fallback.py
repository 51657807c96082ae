"""What is recorded when Datastore refuses a commit for what it holds: less and less, never nothing.

An action is not run again because its outcome could not be recorded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lib.errors import AmendsError, NotBegun, Unavailable
from lib.observability.unexpected import log_unexpected
from lib.saga.machine.causes import Cause, Reason
from lib.saga.machine.inputs import AttemptEnded, Input, Requested, Result, SignalReceived


class Refused(Exception):
    """A decision cannot be made or committed, however often it is tried; the `__cause__` says why.

    Nothing was written.
    """


@dataclass(frozen=True, slots=True)
class Form:
    """What is to be recorded of what has happened.

    `blocked` says why nothing that follows may begin, `parks` why the saga is to be parked for
    want of anything better.
    """

    happened: Input | None
    blocked: str = ""
    parks: str = ""


def next_form(form: Form, reason: str) -> Form | None:
    """Return what to record after `form` was refused for a reason; None when there is nothing.

    First nothing that follows begins, then the outcome is recorded without what it brought, and
    at last the saga is parked. What somebody asks for is refused instead: they can be told.
    """
    happened = form.happened
    if happened is None or isinstance(happened, Requested) or form.parks:
        return None
    if not form.blocked:
        return replace(form, blocked=f"{Reason.STEP_CANNOT_BEGIN}: {reason}")
    if isinstance(happened, SignalReceived):
        return None
    if isinstance(happened, AttemptEnded) and happened.result is not Result.INDETERMINATE:
        return replace(form, happened=_doubt(happened, reason))
    return replace(form, parks=f"{Cause.INPUT_UNRECORDED}: {reason}")


def _doubt(outcome: AttemptEnded, reason: str) -> AttemptEnded:
    error = f"{Reason.OUTCOME_UNRECORDED}: {outcome.result}: {reason}"
    return replace(outcome, result=Result.INDETERMINATE, output=None, error=error, after=None)


@contextmanager
def not_begun() -> Iterator[None]:
    """Raise NotBegun for whatever goes wrong inside, where no action has run.

    The queue then asks again, and no later dispatch doubts what became of this one. An error that
    nobody has thought of is logged with its stack.
    """
    try:
        yield
    except NotBegun:
        raise
    except AmendsError as problem:
        raise NotBegun(problem.detail) from problem
    except Exception as problem:  # whatever it is, no action has run
        log_unexpected(problem)
        raise NotBegun("something went wrong before the action; it was logged") from problem


@contextmanager
def unanswered() -> Iterator[None]:
    """Raise Unavailable for whatever goes wrong inside, once an action may have run.

    Any status below 500 would count as an answer, and the same attempt would run again.
    """
    try:
        yield
    except AmendsError as problem:
        if problem.status >= 500:
            raise
        raise Unavailable(f"what happened is not recorded: {problem.detail}") from problem
