"""The invariants of Amends for every saga, checked on the records and the history of a run."""

from collections import Counter
from collections.abc import Callable, Iterator

from lib.datastore import Store, key
from lib.saga.barrier import Effect, EffectStatus
from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import OnCompensationFailure, Saga
from lib.saga.definition.steps import Step
from lib.saga.engine.execution.call import idempotency_key
from lib.saga.engine.repository import SagaRepository
from lib.saga.machine.causes import Cause
from lib.saga.machine.replay import Broken, replay, state_of
from lib.saga.state.records import (
    FINISHED,
    DeadLetter,
    Loaded,
    SagaRecord,
    SagaStatus,
    StepRecord,
    StepStatus,
)
from lib.saga.testing.simulation.state.history import ActionCall, History

#: The causes by which an operator decides the outcome of a step.
BY_HAND = frozenset({Cause.SKIPPED_BY_OPERATOR, Cause.VOIDED_BY_OPERATOR})


class FinalState:
    """A saga when nothing is left to do."""

    def __init__(
        self, definition: Saga, loaded: Loaded, store: Store, history: History, faults: int
    ) -> None:
        self.definition = definition
        #: How many faults have happened.
        self.faults = faults
        self.saga, self.steps = loaded
        self.store = store
        self.executed = history.of(self.saga.id, Phase.EXECUTE)
        self.compensated = history.of(self.saga.id, Phase.COMPENSATE)
        self.asked = history.of(self.saga.id, Phase.STATUS)
        self.history = history
        self.events = SagaRepository(store).events(self.saga.id)
        #: An operator has finished the saga by hand.
        self.resolved = any(event.cause == Cause.RESOLVED_BY_OPERATOR for event in self.events)

    def waits_for_operator(self, step: StepRecord) -> bool:
        """Return whether a step waits for a parked child saga, or for a child that does."""
        child = self.child_of(step) if step.status is StepStatus.WAITING else None
        if child is None or child.status is SagaStatus.FAILED:
            return child is not None
        return any(map(self.waits_for_operator, child.steps))

    def effect_of(self, step: StepRecord) -> Effect | None:
        """Return the barrier's record of a step; None if its participant uses no barrier."""
        return self.store.find(key(Effect, idempotency_key(self.saga.id, step.name)))

    def child_of(self, step: StepRecord) -> SagaRecord | None:
        """Return the child saga of a step, if it has one."""
        return self.store.find(key(SagaRecord, step.child)) if step.child else None

    def was_settled_by_hand(self, step: StepRecord) -> bool:
        """Return whether an operator has decided the outcome of a step, or of its compensation."""
        return step.name in (event.step for event in self.events if event.cause in BY_HAND)

    def calls_of(self, step: StepRecord) -> list[ActionCall]:
        """Return the calls of a step's own action."""
        return [each for each in self.executed if each.step == step.index]

    def undoings_of(self, step: StepRecord) -> list[ActionCall]:
        """Return the calls of a step's compensation."""
        return [each for each in self.compensated if each.step == step.index]

    def element_of(self, step: StepRecord) -> Element:
        """Return the author's declaration of a step."""
        return self.definition.elements[step.index]


def find_violation(state: FinalState) -> str | None:
    """Return a sentence about the first invariant that does not hold; None if all hold."""
    return next((broken for check in CHECKS for broken in check(state)), None)


def _check_end(state: FinalState) -> Iterator[str]:
    letter = state.store.find(key(DeadLetter, state.saga.id))
    if state.saga.status in FINISHED and state.saga.incident:
        yield f"the saga is {state.saga.status}, but it still needs an operator"
    if state.saga.status is SagaStatus.FAILED or state.saga.incident:
        if letter is None or not letter.alerted:
            yield f"the saga needs an operator, but its alerted dead letter is {letter}"
    elif letter is not None:
        yield f"the saga is {state.saga.status}, but it has a dead letter"
    elif state.saga.status not in FINISHED and not any(map(state.waits_for_operator, state.steps)):
        waits = [step.name for step in state.steps if step.status is StepStatus.WAITING]
        why = f": it waits at {', '.join(waits)}" if waits else ""
        yield f"the saga stays {state.saga.status}, and nothing will move it{why}"


def _check_completed(state: FinalState) -> Iterator[str]:
    if state.saga.status is not SagaStatus.COMPLETED or state.resolved:
        return
    for step in state.steps:
        if not _is_done(state, step):
            yield f"the saga is COMPLETED, but step {step.name} is not done"
    if state.compensated:
        yield "the saga is COMPLETED, but something was compensated"


def _is_done(state: FinalState, step: StepRecord) -> bool:
    if step.status is StepStatus.SKIPPED:
        return state.was_settled_by_hand(step) or not state.calls_of(step)
    element, child = state.element_of(step), state.child_of(step)
    if isinstance(element, Child):
        ended = child is not None and child.status is SagaStatus.COMPLETED
    else:
        asked = [each for each in state.asked if each.step == step.index]
        ended = not isinstance(element, Step) or any(
            c.ended for c in (*state.calls_of(step), *asked)
        )
    return ended and step.status is StepStatus.COMPLETED


def _check_rolled_back(state: FinalState) -> Iterator[str]:
    if state.saga.status is not SagaStatus.ROLLED_BACK or state.resolved:
        return
    for step in state.steps:
        if state.element_of(step).can_be_undone and _is_left(state, step):
            yield f"the saga is ROLLED_BACK, but the effect of step {step.name} is still there"


def _is_left(state: FinalState, step: StepRecord) -> bool:
    """Return whether an effect of a step has not been compensated."""
    child, effect = state.child_of(step), state.effect_of(step)
    if state.was_settled_by_hand(step):
        return False
    if child is not None:
        return child.status is not SagaStatus.ROLLED_BACK
    if effect is not None:
        return effect.status is EffectStatus.DONE
    undone = any(each.step == step.index and each.ended for each in state.compensated)
    return any(each.ended or each.unbarred for each in state.calls_of(step)) and not undone


def _check_order(state: FinalState) -> Iterator[str]:
    if state.definition.on_compensation_failure is OnCompensationFailure.CONTINUE:
        # A compensation that failed is skipped on purpose, and made up for after the others.
        return
    firsts = list(dict.fromkeys(each.step for each in state.compensated))
    if not _goes_back(state, firsts):
        names = ", ".join(state.steps[index].name for index in firsts)
        yield f"the compensations were not called in reverse order: {names}"
    index_of = {step.name: step.index for step in state.steps}
    made_good = [
        e.step for e in state.events if e.to_status == StepStatus.COMPENSATED != e.from_status
    ]
    if not _goes_back(state, [index_of[name] for name in made_good]):
        yield f"the compensations were not recorded in reverse order: {', '.join(made_good)}"


def _goes_back(state: FinalState, indexes: list[int]) -> bool:
    """Return whether steps are in the order of their stages, last stage first."""
    starts = [state.definition.stage_of(index).start for index in indexes]
    return starts == sorted(starts, reverse=True)


def _check_pivot(state: FinalState) -> Iterator[str]:
    pivot = state.definition.pivot
    if pivot == len(state.steps):
        return
    step = state.steps[pivot]
    if state.was_settled_by_hand(step):
        return
    effect = state.effect_of(step)
    done = step.status is StepStatus.COMPLETED or (
        effect is not None and effect.status is EffectStatus.DONE
    )
    if done and state.compensated:
        yield f"the pivot {step.name} was done, but something was compensated"


def _check_once(state: FinalState) -> Iterator[str]:
    for name, seen in (("effect", state.history.applied), ("compensation", state.history.undone)):
        for effect, times in seen.items():
            if times > 1:
                yield f"the {name} of {effect} happened {times} times"
    for step in state.steps:
        if state.effect_of(step) is not None and any(
            each.unbarred for each in state.calls_of(step)
        ):
            yield f"step {step.name} has written outside its effect barrier"


def _check_attempts(state: FinalState) -> Iterator[str]:
    """Faults bound how often an attempt is repeated, and the policy bounds the attempts."""
    for step in state.steps:
        element = state.element_of(step)
        eras = 1 + sum(event.cause == Cause.RETRIED_BY_OPERATOR for event in state.events)
        for calls, policy in (
            (state.calls_of(step), state.definition.retry_of(step.index)),
            (state.undoings_of(step), getattr(element, "compensation_retry", None)),
        ):
            attempts = Counter(each.attempt for each in calls)
            if policy is not None and len(attempts) > eras * policy.attempts:
                yield (
                    f"step {step.name} was tried {len(attempts)} times, "
                    f"but its policy allows {policy.attempts}"
                )
            if max(attempts.values(), default=0) > 1 + state.faults:
                yield f"one attempt of step {step.name} ran {max(attempts.values())} times"


def _check_pages(state: FinalState) -> Iterator[str]:
    """Each incident pages once, even after a crash between the alert and its record."""
    own = [page for page, _ in state.history.pages if page.rpartition("-")[0] == state.saga.id]
    if len(own) > len(set(own)):
        yield f"an operator is paged twice for one incident: {sorted(own)}"
    incidents = {f"{state.saga.id}-{event.id}" for event in state.events if not event.step}
    if not incidents.issuperset(own):
        yield f"an operator is paged without an incident: {sorted(own)}"
    if state.saga.incident and f"{state.saga.id}-{state.saga.incident}" not in own:
        yield f"the saga is {state.saga.status} with an incident, but no operator was paged"


def _check_trail(state: FinalState) -> Iterator[str]:
    """Replay the events: the result is the state of the records."""
    try:
        replayed = replay(state.events, [step.name for step in state.steps])
    except Broken as problem:
        yield str(problem)
        return
    if replayed != state_of(state.saga, state.steps):
        yield f"the audit trail does not lead to the state of the records: {replayed}"
    unknown = {event.cause for event in state.events} - set(Cause)
    if unknown:
        yield f"the audit trail has causes that are not codes: {sorted(unknown)}"


Check = Callable[[FinalState], Iterator[str]]

CHECKS: tuple[Check, ...] = (
    _check_end,
    _check_completed,
    _check_rolled_back,
    _check_order,
    _check_pivot,
    _check_once,
    _check_attempts,
    _check_pages,
    _check_trail,
)
