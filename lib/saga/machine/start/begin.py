"""The first decision on a new saga."""

from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.machine.causes import Cause, Reason
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.forward.stages import enter
from lib.saga.machine.start.next_steps import begin_next
from lib.saga.state.records import SagaRecord, StepRecord
from lib.saga.state.values import PAYLOAD


def begin(definition: Saga, saga: SagaRecord) -> Decision:
    """Return a new saga's first records and first deliveries; `saga` is PENDING."""
    now = saga.created_at
    steps = [
        StepRecord(
            index=index,
            name=element.name,
            service=element.service,
            input=PAYLOAD if isinstance(element, Step) else None,
            needs=definition.needs[index],
            updated_at=now,
        )
        for index, element in enumerate(definition.elements)
    ]
    draft = Draft(saga, steps, now, definition, is_new=True)
    draft.note(Cause.SAGA_STARTED)
    if saga.paused:
        draft.note(Cause.PAUSED, actor=f"saga {saga.parent_id}", error=Reason.PARENT_PAUSED)
    enter(definition, draft, 0)
    begin_next(definition, draft, begin)
    return draft.decide()
