"""What the engine does with a delivery that is awaited: what to call, and with what."""

from datetime import datetime
from functools import partial
from typing import Any

from lib.saga.barrier import EffectStatus, bind
from lib.saga.definition.context import Permanent, StepContext
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Action, Element, Step
from lib.saga.engine.execution.attempt import outcome_of
from lib.saga.engine.execution.verdict import judge
from lib.saga.machine.forward.stop import must_stop
from lib.saga.machine.inputs import (
    AttemptEnded,
    Input,
    Result,
    StartDue,
    StopObserved,
    TimerFired,
)
from lib.saga.machine.starting.functions import outputs_of
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import Loaded


def find_happened(
    definition: Saga, loaded: Loaded, delivery: Delivery, lost: int, now: datetime
) -> Input | None:
    """Return what is known without running an action; None when it has to be run.

    That is the end of a wait, a stop that is heeded, or the loss of an earlier dispatch. A child
    saga is asked to go back as often as need be: of that nothing is lost.
    """
    part, at = definition.parts[delivery.step], (delivery.step, delivery.attempt)
    executes = delivery.phase is Phase.EXECUTE
    if delivery.phase is Phase.START:
        return StartDue(step=at[0], attempt=at[1])
    if executes and not isinstance(part, Step):
        return TimerFired(step=at[0], attempt=at[1])
    if lost and isinstance(part, Step) and not loaded.steps[delivery.step].unbegun:
        error = "an earlier dispatch of this attempt ended without an answer"
        return outcome_of(delivery, Result.UNKNOWN, error=error)
    if executes and must_stop(definition, loaded.saga, delivery.step, now):
        return StopObserved(step=at[0], attempt=at[1])
    return None


def records_begin(definition: Saga, delivery: Delivery) -> bool:
    """Tell whether it is recorded that a delivery's action begins, before it does."""
    return delivery.phase is Phase.EXECUTE and definition.records_begin_of(delivery.step)


def action_of(part: Element, phase: Phase) -> Action:
    """Return the author's code for a phase of a step."""
    if not isinstance(part, Step):
        raise TypeError(f"{part.name} has no action")
    actions = {
        Phase.EXECUTE: part.execute,
        Phase.COMPENSATE: part.compensate,
        Phase.STATUS: part.status,
    }
    action = actions[phase]
    if action is None:
        raise TypeError(f"step {part.name} has no action for phase {phase}")
    return partial(_ask_and_bind, action) if phase is Phase.STATUS else action


def _ask_and_bind(status: Action, payload: Any, call: StepContext) -> Any:
    """Ask what became of a step; a "no" then holds for what goes through the effect barrier.

    A participant that only looks would lose the effect of an attempt that comes after its answer.
    Raises what `status` raises, or Permanent, to a status question no answer, where it says that a
    step never happened and the barrier knows that it did.
    """
    try:
        return status(payload, call)
    except Exception as problem:
        if judge(problem, Phase.STATUS).result is not Result.NOT_HAPPENED:
            raise
        if bind(call).status is EffectStatus.DONE:
            raise Permanent("the status says no, but the effect is there") from problem
        raise


def idempotency_key(saga_id: str, step: str) -> str:
    """Return the key of one step of one saga, the same for every attempt."""
    return f"{saga_id}/{step}"


def make_call(loaded: Loaded, delivery: Delivery, deadline: datetime, store: Any) -> StepContext:
    """Return what an action is handed beside the payload."""
    saga, step = loaded.saga, loaded.steps[delivery.step]
    outputs = outputs_of(loaded.steps)
    return StepContext(
        saga_id=saga.id,
        step=step.name,
        attempt=step.tries,
        idempotency_key=idempotency_key(saga.id, step.name),
        fencing_token=delivery.attempt,
        deadline=deadline,
        store=store,
        outputs=outputs,
        output=outputs.get(step.name),
        phase=delivery.phase,
        traceparent=saga.traceparent,
    )


def in_a_word(happened: Input) -> str:
    """Return what a delivery did, for its answer and its log line."""
    if isinstance(happened, AttemptEnded):
        return str(happened.result)
    words = {StartDue: "started", TimerFired: "woken"}
    return words.get(type(happened), "given up")
