"""One time-limited call of an author's code, and what its result means."""

import contextvars
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from lib.errors import NotBegun
from lib.json.exact_numbers import encode_exact
from lib.observability.stack_traces import forget_stack
from lib.saga.author_code.containment import Unstorable, contain, exception_text
from lib.saga.author_code.deferred_work import check_ran
from lib.saga.definition.phase import Phase
from lib.saga.engine.execution.attempt_log import log_attempt
from lib.saga.engine.execution.call import Call
from lib.saga.engine.execution.overruns import OVERRUNS
from lib.saga.engine.execution.threads import THREADS
from lib.saga.engine.execution.verdict import judge
from lib.saga.machine.inputs import AttemptEnded, Result
from lib.saga.machine.start.pure_functions import clean_error
from lib.saga.state.delivery import Delivery
from lib.saga.state.limits import MAX_OUTPUT
from lib.saga.state.mismatch import mismatch_of
from lib.timing.deadline import within

#: Calls an action and returns its result; raises TimeoutError if it takes longer.
CallWithin = Callable[[timedelta, Callable[[], Any]], Any]


class Attempt(NamedTuple):
    """How one call ended, for the machine, and what it raised, for the log."""

    outcome: AttemptEnded
    problem: BaseException | None = None


class NotStarted(Exception):
    """No thread could be started for a call, so it has not run."""


def execute(call: Call, call_within: CallWithin) -> AttemptEnded:
    """Make a call, log its failure, and return how it ended. Raises what `run_action` raises."""
    definition, loaded = call.definition, call.loaded

    def clean(error: str) -> str:
        return clean_error(error, definition, *loaded)

    kind = definition.elements[call.delivery.step].decoded_type
    outcome, problem = run_action(call.delivery, call.make, call_within, clean, kind)
    log_attempt(definition, loaded, outcome, problem)
    if problem is not None:
        forget_stack(problem)
    return outcome


def run_action(
    delivery: Delivery,
    action: Callable[[], Any],
    call_within: CallWithin,
    clean: Callable[[str], str],
    output_type: Any = Any,
) -> Attempt:
    """Run an action for at most the delivery's timeout and return how it ended.

    Raises only NotBegun, if no thread could be started. `clean` turns an error's text into one that
    may be stored, shown and logged; it never raises.

    After its timeout an action continues in its thread, because Python cannot stop a thread: the
    outcome is unknown, and the idempotency key and the fencing token protect the participant.
    """
    try:
        value = call_within(delivery.timeout, action)
        output = contain(lambda: _take(value, delivery.phase, output_type))
    except NotStarted as problem:
        raise NotBegun("this process can start no thread") from problem
    except Exception as problem:  # an author's code may raise anything
        verdict = judge(problem, delivery.phase)
        error = clean(verdict.error)
        outcome = attempt_ended(delivery, verdict.result, error=error, after=verdict.after)
        return Attempt(outcome, problem)
    return Attempt(attempt_ended(delivery, Result.DONE, output=output))


def attempt_ended(
    delivery: Delivery,
    result: Result,
    *,
    output: str | None = None,
    error: str = "",
    after: timedelta | None = None,
) -> AttemptEnded:
    """Return how a delivery's action ended, for the machine."""
    return AttemptEnded(
        phase=delivery.phase,
        step=delivery.step,
        attempt=delivery.attempt,
        result=result,
        output=output,
        error=error,
        after=after,
    )


def call_in_thread(timeout: timedelta, action: Callable[[], Any]) -> Any:
    """Call an action in another thread, because a call in this thread could not be abandoned.

    Raises TimeoutError, NotStarted, or what the action raises; if that is not an Exception, Escaped
    instead.
    """
    ended: list[tuple[Any, Exception | None]] = []

    def call() -> None:
        try:
            with within(timeout):
                ended.append((contain(action), None))
        except Exception as problem:  # raised again in the caller's thread
            ended.append((None, problem))

    context = contextvars.copy_context()
    try:
        running = THREADS.start(lambda: context.run(call))
    except RuntimeError as full:  # the limit of threads, or of memory, is reached
        raise NotStarted(str(full)) from full
    running.join(timeout.total_seconds())
    if not ended:
        OVERRUNS.add(running)
        raise TimeoutError(f"no answer within {timeout.total_seconds():g} s")
    value, problem = ended[0]
    if problem is not None:
        raise problem
    return value


def _take(value: Any, phase: Phase, kind: Any) -> str | None:
    """Return a result as it is stored; None for that of a compensation."""
    check_ran(value, f"its {phase} function")
    return None if phase is Phase.COMPENSATE else _encode_output(value, kind)


def _encode_output(value: Any, kind: Any) -> str:
    try:
        encoded = encode_exact(value)
    except Exception as problem:  # a value's own methods may raise anything
        raise Unstorable(
            f"the output cannot be stored as JSON: {exception_text(problem)}"
        ) from problem
    if len(encoded) > MAX_OUTPUT:
        raise Unstorable(f"the output has {len(encoded)} bytes; at most {MAX_OUTPUT} are kept")
    if mismatch := mismatch_of(encoded.decode(), kind):
        raise Unstorable(f"the output does not fit its declared type: {mismatch}")
    return encoded.decode()
