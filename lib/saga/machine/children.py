"""How a parent saga records the end of its child, going forward and rolling back."""

from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.machine.backward import compensate_step
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.decision import NoChange
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.forward.stages import complete_step
from lib.saga.machine.forward.stop import fail_step
from lib.saga.machine.inputs import ChildEnded
from lib.saga.machine.schedule import schedule
from lib.saga.state.records import FORWARD, SagaStatus, StepStatus


def record_child_end(definition: Saga, draft: Draft, ended: ChildEnded) -> None:
    """Record the end of a child saga as the end of the step that started it."""
    step = draft.steps[ended.step]
    if draft.saga.course is SagaStatus.ROLLING_BACK and step.child == ended.child:
        _record_rollback(definition, draft, ended)
        return
    waiting = step.status is StepStatus.WAITING and step.child == ended.child
    if draft.saga.course not in FORWARD or not waiting:
        draft.ignore(NoChange.STALE)
    elif ended.status is SagaStatus.COMPLETED:
        complete_step(definition, draft, ended.step, Cause.CHILD_COMPLETED, ended.output)
    else:
        fail_step(definition, draft, ended.step, Cause.CHILD_ROLLED_BACK, ended.error)


def _record_rollback(definition: Saga, draft: Draft, ended: ChildEnded) -> None:
    """Record the end of a child while its parent rolls back."""
    step = draft.steps[ended.step]
    if step.awaits is not Phase.COMPENSATE and step.status is not StepStatus.WAITING:
        draft.ignore(NoChange.STALE)
    elif ended.status is SagaStatus.ROLLED_BACK:
        compensate_step(definition, draft, ended.step, Cause.CHILD_ROLLED_BACK)
    else:
        # An operator has completed the child, before or after its rollback was requested. If that
        # request is still outstanding, its answer is now stale.
        if step.status is StepStatus.WAITING:
            draft.move_step(ended.step, StepStatus.COMPLETED, Cause.CHILD_COMPLETED)
        else:
            draft.note(Cause.CHILD_COMPLETED, step=ended.step)
        schedule(definition, draft, ended.step, Phase.COMPENSATE)
