"""One bounded call of an author's code, and what its end means."""

import contextvars
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from lib.deadline import within
from lib.errors import AmendsError, Contention, VersionMismatch
from lib.saga.call import NotHappened, Permanent, Retry, Unknown
from lib.saga.delivery import Delivery, Phase
from lib.saga.limits import LARGEST_OUTPUT
from lib.saga.machine.happened import Outcome, Result

#: Calls an action and returns what it returns; raises TimeoutError when it takes longer.
CallWithin = Callable[[timedelta, Callable[[], Any]], Any]


class Unstorable(Exception):
    """An action happened, but what it returned cannot be kept."""


def run_action(
    delivery: Delivery,
    action: Callable[[], Any],
    call_within: CallWithin,
    clean: Callable[[str], str],
) -> Outcome:
    """Run an action for at most the delivery's time-out and say how it ended; raises nothing.

    `clean` makes of an error's text what may be stored, shown and logged.

    An action that outlasts its time-out goes on in its thread, for Python cannot end it: hence
    the outcome is unknown, and the idempotency key and the fencing token are there for the rest.
    """
    result, output, error, after = Result.UNKNOWN, None, "", None
    try:
        value = call_within(delivery.timeout, action)
        output = None if delivery.phase is Phase.COMPENSATE else _encode_output(value)
        result = Result.DONE
    except Unstorable as problem:
        result, error = Result.DOUBTFUL, str(problem)
    except NotHappened as problem:
        # Of a step itself it would settle what became of an attempt that nobody knows of.
        asked = delivery.phase is Phase.STATUS
        result, error = Result.NOT_HAPPENED if asked else Result.PERMANENT, str(problem)
    except Permanent as problem:
        result, error = Result.PERMANENT, str(problem)
    except Retry as problem:
        result, error, after = Result.RETRYABLE, str(problem), problem.after
    except Unknown as problem:
        error, after = str(problem), problem.after
    except (Contention, VersionMismatch) as problem:
        result, error = Result.RETRYABLE, problem.detail
    except AmendsError as problem:
        # An "already exists", say, may be the work of a duplicate of this very call.
        result = Result.DOUBTFUL if problem.status < 500 else Result.UNKNOWN
        error = problem.detail
    except Exception as problem:  # whatever else an author's code raises may have had its effect
        error = f"{type(problem).__name__}: {problem}"
    return outcome_of(delivery, result, output=output, error=clean(error), after=after)


def outcome_of(
    delivery: Delivery,
    result: Result,
    *,
    output: str | None = None,
    error: str = "",
    after: timedelta | None = None,
) -> Outcome:
    """Return how a delivery's action ended, for the machine."""
    return Outcome(
        phase=delivery.phase,
        step=delivery.step,
        attempt=delivery.attempt,
        result=result,
        output=output,
        error=error,
        after=after,
    )


def _encode_output(value: Any) -> str:
    try:
        encoded = msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError) as problem:
        raise Unstorable(f"the output cannot be stored as JSON: {problem}") from problem
    if len(encoded) > LARGEST_OUTPUT:
        raise Unstorable(f"the output has {len(encoded)} bytes; at most {LARGEST_OUTPUT} are kept")
    return encoded.decode()


def call_in_thread(timeout: timedelta, action: Callable[[], Any]) -> Any:
    """Call in a thread of its own, since a call in this one could not be left behind.

    Raises TimeoutError, or whatever the action raises.
    """
    ended: list[tuple[Any, BaseException | None]] = []

    def call() -> None:
        try:
            with within(timeout):
                ended.append((action(), None))
        except BaseException as problem:  # handed to the caller's thread, whatever it is
            ended.append((None, problem))

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(call,), daemon=True)
    thread.start()
    thread.join(timeout.total_seconds())
    if not ended:
        raise TimeoutError(f"no answer within {timeout.total_seconds():g} s")
    value, problem = ended[0]
    if problem is not None:
        raise problem
    return value
