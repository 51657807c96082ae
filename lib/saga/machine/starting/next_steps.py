"""What begins once something is recorded: planned, weighed against the commit, and begun."""

from collections.abc import Mapping, Sequence

from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga, StepKind
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.forward.stages import deadline_has_passed, settle, stop
from lib.saga.machine.inputs import StartDue
from lib.saga.machine.starting.functions import CannotBegin
from lib.saga.machine.starting.plan import (
    Begin,
    Plan,
    begin_step,
    plan_step,
    postpone_step,
    weigh_plan,
)
from lib.saga.state.limits import MAX_WEIGHT
from lib.saga.state.records import FORWARD


def begin_next(definition: Saga, draft: Draft, begin: Begin, blocked: str = "") -> None:
    """Begin what is to follow, stage after stage: some may be passed at once.

    What does not fit into this commit begins by deliveries of its own. `blocked` says why nothing
    can begin here: what would, has failed by that.
    """
    while draft.to_begin is not None:
        indexes, draft.to_begin = draft.to_begin, None
        if blocked:
            plans: dict[int, Plan] = {index: CannotBegin(blocked) for index in indexes}
        elif draft.weight > MAX_WEIGHT:
            plans = {}
        else:
            plans = {index: plan_step(definition, draft, index, begin) for index in indexes}
        _begin_side_by_side(definition, draft, indexes, plans)


def _begin_side_by_side(
    definition: Saga, draft: Draft, indexes: Sequence[int], plans: Mapping[int, Plan]
) -> None:
    """Begin parts as planned, or none if one of them cannot begin."""
    unfit = [index for index in indexes if isinstance(plans.get(index), CannotBegin)]
    for index in unfit or indexes:
        # A part that has been waiting for its turn has the commit to itself.
        waited = draft.steps[index].awaits is Phase.START
        draft.change_step(index, awaits=None)
        plan = plans.get(index)
        fits = plan is not None and draft.weight + weigh_plan(plan) <= MAX_WEIGHT
        if plan is not None and (fits or waited):
            begin_step(definition, draft, index, plan)
        else:
            postpone_step(definition, draft, index)
    if unfit and not draft.saga.stopping and definition.kind_of(unfit[0]) is StepKind.COMPENSATABLE:
        names = "; ".join(f"step {draft.steps[i].name}: {draft.steps[i].error}" for i in unfit)
        stop(definition, draft, Cause.STEP_FAILED, names)
    else:
        settle(definition, draft)


def start_due(definition: Saga, draft: Draft, event: StartDue) -> None:
    """Begin a part that did not fit into the commit before, unless the deadline has passed."""
    step = draft.steps[event.step]
    awaited = step.awaits is Phase.START and step.attempt == event.attempt
    if draft.saga.status not in FORWARD or not awaited:
        return
    if deadline_has_passed(definition, draft, event.step):
        stop(definition, draft, Cause.DEADLINE_PASSED, "the deadline has passed")
    else:
        draft.to_begin = [event.step]
