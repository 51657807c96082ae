"""Which delivery an invocation may run next without a task, and the mark of that in the records.

The commit that schedules a step also marks it as inline: the invocation that makes this commit runs
it. A process that dies leaves the mark, and then it is unknown whether the step has run. So a task
that is delivered for a marked attempt counts as the dispatch after a lost one: the outcome is
UNKNOWN, and the effect is compensated unless a later attempt settles it. The attempt is used up, so
that a step that always kills its process comes to an end. A pivot's begin is recorded in a separate
commit, as always; without that commit, the pivot has not run.
"""

from dataclasses import replace
from datetime import datetime

from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.machine.decision.decision import Decision
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import SagaRecord, StepRecord


def keep_inline(definition: Saga, decision: Decision, until: datetime) -> Decision:
    """Return the decision with its only delivery marked as inline, if allowed and done by `until`.

    Allowed is the first attempt of a step or compensation that can begin now, that is not a member
    of a group and has no `own_task`, in a saga with inline chaining.
    """
    if not decision.events or len(decision.deliveries) != 1:
        return decision
    onward, saga = decision.deliveries[0], decision.saga
    if not _may_be_inline(definition, saga, onward):
        return decision
    if onward.at + onward.timeout > until:
        return decision
    marked = replace(saga, steps=[_mark(step, onward) for step in saga.steps])
    changed = tuple(_mark(step, onward) for step in decision.steps)
    return replace(decision, saga=marked, steps=changed, deliveries=(), onward=onward)


def _may_be_inline(definition: Saga, saga: SagaRecord, onward: Delivery) -> bool:
    if not saga.inline or onward.saga_id != saga.id or onward.phase not in _PHASES:
        return False
    element, step = definition.elements[onward.step], saga.steps[onward.step]
    alone = len(definition.stage_of(onward.step)) == 1
    runs = isinstance(element, Step) and not element.own_task
    begins_now = onward.at == saga.updated_at
    return alone and runs and begins_now and step.tries == 1


_PHASES = frozenset({Phase.EXECUTE, Phase.COMPENSATE})


def _mark(step: StepRecord, onward: Delivery) -> StepRecord:
    return replace(step, inline=True) if step.index == onward.step else step
