"""How each kind of part begins."""

from dataclasses import dataclass
from typing import Any, cast

from lib.saga.deferred import check_ran
from lib.saga.definition import Saga
from lib.saga.delivery import Phase
from lib.saga.machine.birth import make_child
from lib.saga.machine.causes import Cause
from lib.saga.machine.context import Unfit, ask
from lib.saga.machine.draft import Draft
from lib.saga.machine.scheduling import schedule, wake
from lib.saga.payload import canonical_payload
from lib.saga.records import SagaStatus, StepStatus
from lib.saga.steps import Child, Signal, Step, Timer


@dataclass(frozen=True, slots=True)
class _Skip:
    """The part's condition says no."""


def plan_part(definition: Saga, draft: Draft, index: int) -> Any:
    """Ask the author's pure functions about a part: its condition, and its child's payload.

    Returns what `begin_part` needs to know; Unfit, as a value, where one of them fails.
    """
    part = definition.parts[index]
    try:
        if part.when and not ask(part.when, definition, draft.saga, draft.steps):
            return _Skip()
        if isinstance(part, Child):
            return ask(
                lambda payload, outputs: canonical_payload(
                    check_ran(part.payload(payload, outputs), "payload"), part.saga.payload
                ),
                definition, draft.saga, draft.steps,
            )  # fmt: skip
    except Unfit as problem:
        return problem
    return None


def begin_part(definition: Saga, draft: Draft, index: int, plan: Any) -> None:
    """Begin one part as planned: schedule it, let it wait, or be done with it."""
    part, step = definition.parts[index], draft.steps[index]
    if isinstance(plan, Unfit):
        run(draft)
        draft.move_step(index, StepStatus.FAILED, Cause.FAILED_FOR_GOOD, error=str(plan))
    elif isinstance(plan, _Skip):
        run(draft)
        draft.move_step(index, StepStatus.SKIPPED, Cause.SKIPPED)
    elif isinstance(part, Step):
        schedule(definition, draft, index, Phase.EXECUTE)
    elif isinstance(part, Signal) and step.signal is not None:
        run(draft)
        draft.move_step(index, StepStatus.COMPLETED, Cause.SIGNALLED, output=step.signal)
    elif isinstance(part, Child):
        _begin_child(definition, draft, index, part, plan)
    else:
        run(draft)
        length = part.after if isinstance(part, Timer) else cast(Signal, part).within
        until = None if length is None else draft.now + length
        draft.move_step(index, StepStatus.WAITING, Cause.WAITS, waits_until=until)
        wake(definition, draft, index, until)


def _begin_child(definition: Saga, draft: Draft, index: int, part: Child, payload: str) -> None:
    run(draft)
    child = make_child(part, draft.saga, draft.steps[index], payload, draft.now)
    child.paused = draft.saga.paused
    draft.children.append((part.saga, child))
    draft.move_step(index, StepStatus.WAITING, Cause.CHILD_STARTED, child=child.id)
    wake(definition, draft, index, None)


def run(draft: Draft) -> None:
    """Put a saga that has done something into RUNNING."""
    if draft.saga.status is SagaStatus.PENDING:
        draft.move_saga(SagaStatus.RUNNING, Cause.FIRST_STEP_RAN)
