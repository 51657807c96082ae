"""Begins the steps that follow an input, as far as they fit into the commit."""

from collections.abc import Mapping, Sequence

from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga, StepKind
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.decision import NoChange
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.forward.stages import advance, deadline_has_passed
from lib.saga.machine.forward.stop import stop, stop_at_deadline
from lib.saga.machine.inputs import StartDue
from lib.saga.machine.start.plan import (
    Begin,
    Plan,
    begin_step,
    plan_step,
    postpone_step,
    size_of_plan,
)
from lib.saga.machine.start.pure_functions import CannotBegin
from lib.saga.state.limits import MAX_NEW_BYTES
from lib.saga.state.records import FORWARD


def begin_next(definition: Saga, draft: Draft, begin: Begin, blocked: str = "") -> None:
    """Begin the steps that follow: of several stages, if all steps of a stage are skipped.

    A step that does not fit into this commit begins with a delivery of its own. If `blocked` gives
    a reason, no step can begin, and the steps that follow fail with it.
    """
    while draft.to_begin is not None:
        indexes, draft.to_begin = draft.to_begin, None
        if blocked:
            plans: dict[int, Plan] = {index: CannotBegin(blocked) for index in indexes}
        else:
            has_room = draft.new_bytes <= MAX_NEW_BYTES
            planned = [index for index in indexes if has_room or _has_waited(draft, index)]
            plans = {index: plan_step(definition, draft, index, begin) for index in planned}
        _begin_side_by_side(definition, draft, indexes, plans)


def _begin_side_by_side(
    definition: Saga, draft: Draft, indexes: Sequence[int], plans: Mapping[int, Plan]
) -> None:
    """Begin the steps of a stage as planned, or none of them if one cannot begin."""
    unable = [index for index in indexes if isinstance(plans.get(index), CannotBegin)]
    for index in unable or indexes:
        waited = _has_waited(draft, index)
        draft.change_step(index, awaits=None)
        plan = plans.get(index)
        fits = plan is not None and draft.new_bytes + size_of_plan(plan) <= MAX_NEW_BYTES
        if plan is not None and (fits or waited):
            begin_step(definition, draft, index, plan)
        else:
            postpone_step(definition, draft, index)
    if (
        unable
        and not draft.saga.stopping
        and definition.kind_of(unable[0]) is StepKind.COMPENSATABLE
    ):
        names = "; ".join(f"step {draft.steps[i].name}: {draft.steps[i].error}" for i in unable)
        stop(definition, draft, Cause.STEP_FAILED, names)
    else:
        advance(definition, draft)


def _has_waited(draft: Draft, index: int) -> bool:
    """Return whether a step was postponed, and has this commit to itself now."""
    return draft.steps[index].awaits is Phase.START


def start_step(definition: Saga, draft: Draft, due: StartDue) -> None:
    """Begin a step that did not fit into the previous commit, unless the deadline has passed."""
    step = draft.steps[due.step]
    awaited = step.awaits is Phase.START and step.attempt == due.attempt
    if draft.saga.status not in FORWARD or not awaited:
        draft.ignore(NoChange.STALE)
    elif deadline_has_passed(definition, draft, due.step):
        stop_at_deadline(definition, draft)
    else:
        # Without an event nothing would be committed, and the step would wait forever.
        draft.note(Cause.STEP_STARTED, step=due.step)
        draft.to_begin = [due.step]
