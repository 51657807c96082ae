"""What is recorded when Datastore refuses a commit for its content: each time less, never nothing.

So an action never runs again only because its outcome could not be recorded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lib.errors import AmendsError, NotBegun, Unavailable
from lib.observability.unexpected import log_unexpected
from lib.saga.machine.causes import Cause, Reason
from lib.saga.machine.inputs import AttemptEnded, Input, Requested, Result, SignalReceived


class Refused(Exception):
    """A decision cannot be made or committed, and a retry would not help; `__cause__` says why.

    Nothing was written.
    """


@dataclass(frozen=True, slots=True)
class Form:
    """The form in which an input is recorded.

    `blocked` is the reason why no following step may begin; `parks` is the reason why the saga is
    parked, because nothing better can be recorded.
    """

    given: Input | None
    blocked: str = ""
    parks: str = ""


def next_form(form: Form, reason: str) -> Form | None:
    """Return the form to try after `form` was refused for a reason; None if there is none.

    First, no following step begins. Next, an outcome is recorded without its output. Last, the saga
    is parked. Requests are refused instead, because their sender gets an answer.
    """
    given = form.given
    if given is None or isinstance(given, Requested) or form.parks:
        return None
    if not form.blocked:
        return replace(form, blocked=f"{Reason.STEP_CANNOT_BEGIN}: {reason}")
    if isinstance(given, SignalReceived):
        return None
    if isinstance(given, AttemptEnded) and given.result is not Result.INDETERMINATE:
        return replace(form, given=_without_output(given, reason))
    return replace(form, parks=f"{Cause.INPUT_UNRECORDED}: {reason}")


def _without_output(ended: AttemptEnded, reason: str) -> AttemptEnded:
    error = f"{Reason.OUTCOME_UNRECORDED}: {ended.result}: {reason}"
    return replace(ended, result=Result.INDETERMINATE, output=None, error=error, after=None)


@contextmanager
def not_begun() -> Iterator[None]:
    """Raise NotBegun for any error inside: no action has run.

    The queue then dispatches again, and that dispatch does not count this one as lost. An
    unexpected error is logged with its stack.
    """
    try:
        yield
    except NotBegun:
        raise
    except AmendsError as problem:
        raise NotBegun(problem.detail) from problem
    except Exception as problem:  # for any error: no action has run
        log_unexpected(problem)
        raise NotBegun("an error occurred before the action; it was logged") from problem


@contextmanager
def unanswered() -> Iterator[None]:
    """Raise Unavailable for any error inside: an action may have run.

    The queue would take any status below 500 as an answer, and the same attempt would run again.
    """
    try:
        yield
    except AmendsError as problem:
        if problem.status >= 500:
            raise
        raise Unavailable(f"the outcome is not recorded: {problem.detail}") from problem
