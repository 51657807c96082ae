"""The inputs that follow from a delivery without running its action."""

from datetime import datetime

from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.engine.execution.execution import attempt_ended
from lib.saga.machine.causes import Reason
from lib.saga.machine.forward.stop import must_stop
from lib.saga.machine.inputs import AttemptEnded, Input, Result, StartDue, StopObserved, TimerFired
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import Loaded


def known_input(
    definition: Saga, loaded: Loaded, delivery: Delivery, lost: int, now: datetime
) -> Input | None:
    """Return the input that follows from a delivery without running its action, or None.

    There is one if a wait has ended, the saga must roll back, or an earlier dispatch was lost. The
    rollback of a child is idempotent, so it always runs again.
    """
    element, at = definition.elements[delivery.step], (delivery.step, delivery.attempt)
    executes = delivery.phase is Phase.EXECUTE
    if delivery.phase is Phase.START:
        return StartDue(step=at[0], attempt=at[1])
    if executes and not isinstance(element, Step):
        return TimerFired(step=at[0], attempt=at[1])
    if lost and isinstance(element, Step) and not loaded.steps[delivery.step].unbegun:
        return attempt_ended(delivery, Result.UNKNOWN, error=Reason.DISPATCH_LOST)
    if executes and must_stop(definition, loaded.saga, delivery.step, now):
        return StopObserved(step=at[0], attempt=at[1])
    return None


def outcome_label(given: Input) -> str:
    """Return a delivery's one-word result, for its answer and its log line."""
    if isinstance(given, AttemptEnded):
        return str(given.result)
    words: dict[type, str] = {StartDue: "started", TimerFired: "woken"}
    return words.get(type(given), "given up")
