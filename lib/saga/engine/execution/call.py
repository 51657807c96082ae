"""What a delivery calls: the author's function for its phase, and its arguments."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from lib.saga.barrier import EffectStatus, bind
from lib.saga.definition.context import Permanent, StepContext
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Action, Step
from lib.saga.engine.execution.verdict import judge
from lib.saga.machine.inputs import Result
from lib.saga.machine.start.pure_functions import outputs_of
from lib.saga.state.delivery import Delivery
from lib.saga.state.payload import decode_payload
from lib.saga.state.records import Loaded


class Call(NamedTuple):
    """One call of an action, before it is made."""

    delivery: Delivery
    definition: Saga
    loaded: Loaded
    context: StepContext

    def make(self) -> Any:
        """Call the action; return or raise what it returns or raises.

        The action gets a context of its own: no call sees what another one has claimed.
        """
        payload = decode_payload(self.loaded.saga.payload, self.definition.payload)
        action = action_of(self.definition.elements[self.delivery.step], self.delivery.phase)
        return action(payload, replace(self.context))


def action_of(element: Element, phase: Phase) -> Action:
    """Return the author's code for a phase of a step."""
    if not isinstance(element, Step):
        raise TypeError(f"{element.name} has no action")
    actions = {
        Phase.EXECUTE: element.execute,
        Phase.COMPENSATE: element.compensate,
        Phase.STATUS: element.status,
    }
    action = actions[phase]
    if action is None:
        raise TypeError(f"step {element.name} has no action for phase {phase}")
    return partial(_check_status, action) if phase is Phase.STATUS else action


def _check_status(status: Action, payload: Any, call: StepContext) -> Any:
    """Call a step's `status`; if it says "not executed", record that in the effect barrier.

    Otherwise an attempt that arrives later would have an effect that is never undone. Raises what
    `status` raises. If `status` says "not executed" although the barrier has recorded the effect,
    it raises Permanent, which leaves the question open.
    """
    try:
        return status(payload, call)
    except Exception as problem:  # author's code: only what `judge` reads as "not executed" counts
        if judge(problem, Phase.STATUS).result is not Result.NOT_HAPPENED:
            raise
        if bind(call).status is EffectStatus.DONE:
            raise Permanent("status= says no, but the barrier has recorded the effect") from problem
        raise


def idempotency_key(saga_id: str, step: str) -> str:
    """Return the key of one step of one saga, the same for every attempt."""
    return f"{saga_id}/{step}"


def make_context(
    definition: Saga, loaded: Loaded, delivery: Delivery, deadline: datetime, store: Any
) -> StepContext:
    """Return the second argument of an action: its context."""
    saga, step = loaded.saga, loaded.steps[delivery.step]
    outputs = outputs_of(definition, loaded.steps)
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
