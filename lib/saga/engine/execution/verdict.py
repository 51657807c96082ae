"""What an exception from an author's code says about the effect of the call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lib.errors import AmendsError, Contention, VersionMismatch
from lib.observability.stack_traces import name_type
from lib.saga.author_code.containment import (
    Escaped,
    Unstorable,
    contain,
    exception_text,
)
from lib.saga.author_code.deferred_work import NotRun
from lib.saga.definition.checks.error import describe
from lib.saga.definition.context import NotHappened, Permanent, Retry, Unknown
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import MAX_PAUSE
from lib.saga.machine.causes import Reason
from lib.saga.machine.inputs import FINAL, MAYBE_APPLIED, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a call ended, why, and when its author wants to retry it."""

    result: Result
    error: str
    after: timedelta | None = None


def judge(problem: BaseException, phase: Phase) -> Verdict:
    """Return what an exception means. Never raises."""
    try:
        return contain(lambda: _judge(problem, phase))
    except Exception as trouble:  # an author's exception class may raise anything
        kind, why = name_type(problem), name_type(trouble)
        return Verdict(result=Result.UNKNOWN, error=f"{Reason.EXCEPTION_UNREADABLE}: {kind}: {why}")


def _judge(problem: BaseException, phase: Phase) -> Verdict:
    if isinstance(problem, Escaped) and isinstance(problem.__cause__, BaseExceptionGroup):
        problem = problem.__cause__
    if isinstance(problem, BaseExceptionGroup):
        return _judge_group(problem, phase)
    result, error = _result_of(problem, phase), exception_text(problem)
    if not isinstance(problem, SELF_EXPLANATORY) or not error:
        error = f"{name_type(problem)}: {error}".removesuffix(": ")
    if isinstance(problem, Retry | Unknown):
        # A subclass may have an `__init__` of its own that does not call ours.
        return _with_delay(result, error, getattr(problem, "after", None))
    return Verdict(result=result, error=error)


#: Exceptions whose text is enough; for any other, the message also names the type.
SELF_EXPLANATORY = (
    Permanent,
    NotHappened,
    Retry,
    Unknown,
    Unstorable,
    NotRun,
    AmendsError,
    Escaped,
)


def _result_of(problem: BaseException, phase: Phase) -> Result:
    match problem:
        case Unstorable() | NotRun():
            return Result.INDETERMINATE
        case NotHappened():
            # Only `status` may say so: an action cannot know the outcome of earlier attempts.
            return Result.NOT_HAPPENED if phase is Phase.STATUS else Result.PERMANENT
        case Permanent():
            return Result.PERMANENT
        case Retry() | Contention() | VersionMismatch():
            return Result.RETRYABLE
        case AmendsError() if not isinstance(problem.status, int) or problem.status < 500:
            # For example, a duplicate of this call may have caused an "already exists".
            return Result.INDETERMINATE
        case _:  # after any other exception the effect may exist
            return Result.UNKNOWN


def _judge_group(group: BaseExceptionGroup[Any], phase: Phase) -> Verdict:
    """Judge an exception group: one final member ends all attempts.

    If any member may have had an effect, so may the group.
    """
    members = [judge(each, phase) for each in group.exceptions]
    waits = [each.after for each in members if each.after is not None]
    return Verdict(
        result=_combine([each.result for each in members]),
        error="; ".join([exception_text(group), *(each.error for each in members)]),
        after=max(waits, default=None),
    )


def _combine(results: Sequence[Result]) -> Result:
    maybe = any(each in MAYBE_APPLIED for each in results)
    if any(each in FINAL for each in results):
        same = len(set(results)) == 1
        return results[0] if same else Result.INDETERMINATE if maybe else Result.PERMANENT
    return Result.UNKNOWN if maybe else Result.RETRYABLE


def _with_delay(result: Result, error: str, after: object) -> Verdict:
    if after is None:
        return Verdict(result=result, error=error)
    if not isinstance(after, timedelta):
        ignored = f"{error} (ignored: after is {describe(after)}, not a timedelta)"
        return Verdict(result=result, error=ignored)
    return Verdict(result=result, error=error, after=min(max(after, timedelta(0)), MAX_PAUSE))
