"""What Amends promises of every saga, checked on what a run has left and what was seen of it."""

from collections.abc import Callable, Iterator

from lib.datastore import Query, Store, key
from lib.saga.barrier import Effect, EffectStatus
from lib.saga.definition import Saga
from lib.saga.delivery import Phase
from lib.saga.journal import Journal, Loaded
from lib.saga.records import DeadLetter, SagaStatus, StepRecord, StepStatus
from lib.saga.testing.ledger import Ledger

#: More events than any explored saga has.
MOST_EVENTS = 10_000


class Finished:
    """A saga when all is quiet."""

    def __init__(self, definition: Saga, loaded: Loaded, store: Store, ledger: Ledger) -> None:
        self.definition = definition
        self.saga, self.steps = loaded
        self.store = store
        self.executed = ledger.of(self.saga.id, Phase.EXECUTE)
        self.compensated = ledger.of(self.saga.id, Phase.COMPENSATE)
        self.ledger = ledger
        self.events = Journal(store).events(self.saga.id, MOST_EVENTS)

    def effect_of(self, step: StepRecord) -> Effect | None:
        """Return the barrier's record of a step, if its participant has used the barrier."""
        return self.store.find(key(Effect, f"{self.saga.id}/{step.name}"))


def find_broken(finished: Finished) -> str | None:
    """Return the first promise that does not hold, in words; None when all of them do."""
    return next((broken for check in CHECKS for broken in check(finished)), None)


def _check_end(it: Finished) -> Iterator[str]:
    letters = it.store.count(Query(DeadLetter))
    if it.saga.status is SagaStatus.FAILED:
        if letters != 1:
            yield f"a parked saga has one dead letter, not {letters}"
    elif it.saga.status not in (SagaStatus.COMPLETED, SagaStatus.ROLLED_BACK):
        yield f"the saga is left {it.saga.status}, and nothing moves it any more"
    elif letters:
        yield f"the saga is {it.saga.status}, but it has a dead letter"


def _check_completed(it: Finished) -> Iterator[str]:
    if it.saga.status is not SagaStatus.COMPLETED:
        return
    ended = {each.step for each in it.executed if each.ended}
    for step in it.steps:
        if step.index not in ended or step.status is not StepStatus.COMPLETED:
            yield f"the saga is COMPLETED, but step {step.name} is not done"
    if it.compensated:
        yield "the saga is COMPLETED, but something was compensated"


def _check_rolled_back(it: Finished) -> Iterator[str]:
    if it.saga.status is not SagaStatus.ROLLED_BACK:
        return
    undone = {each.step for each in it.compensated if each.ended}
    for step in it.steps:
        if it.definition.steps[step.index].compensate is None:
            continue
        effect = it.effect_of(step)
        if effect is not None:
            left = effect.status is EffectStatus.DONE
        else:
            calls = [each for each in it.executed if each.step == step.index]
            left = any(c.ended or c.unbarred for c in calls) and step.index not in undone
        if left:
            yield f"the saga is ROLLED_BACK, but the effect of step {step.name} is still there"


def _check_order(it: Finished) -> Iterator[str]:
    firsts = list(dict.fromkeys(each.step for each in it.compensated))
    if firsts != sorted(firsts, reverse=True):
        names = ", ".join(it.steps[index].name for index in firsts)
        yield f"the compensations were not called in reverse order: {names}"
    made_good = [
        e.step for e in it.events if e.to_status == StepStatus.COMPENSATED != e.from_status
    ]
    order = [step.name for step in reversed(it.steps) if step.name in made_good]
    if made_good != order:
        yield f"the compensations were not recorded in reverse order: {', '.join(made_good)}"


def _check_pivot(it: Finished) -> Iterator[str]:
    pivot = it.definition.pivot
    if pivot == len(it.steps):
        return
    step = it.steps[pivot]
    effect = it.effect_of(step)
    done = step.status is StepStatus.COMPLETED or (
        effect is not None and effect.status is EffectStatus.DONE
    )
    if done and it.compensated:
        yield f"the pivot {step.name} was done, and yet something was compensated"


def _check_once(it: Finished) -> Iterator[str]:
    for name, seen in (("effect", it.ledger.applied), ("compensation", it.ledger.undone)):
        for effect, times in seen.items():
            if times > 1:
                yield f"the {name} of {effect} happened {times} times"
    for step in it.steps:
        calls = [each for each in it.executed if each.step == step.index]
        if it.effect_of(step) is not None and any(each.unbarred for each in calls):
            yield f"step {step.name} has written beside its effect barrier"


def _check_trail(it: Finished) -> Iterator[str]:
    """Replay the events: the states that they lead to are those of the records."""
    states = {"": str(SagaStatus.PENDING), **dict.fromkeys(_names(it), str(StepStatus.PENDING))}
    for number, event in enumerate(it.events, start=1):
        if event.id != number or states[event.step] != event.from_status:
            yield f"event {event.id} does not follow from the events before it"
            return
        states[event.step] = event.to_status
    records = {"": str(it.saga.status), **{step.name: str(step.status) for step in it.steps}}
    if states != records or len(it.events) != it.saga.sequence:
        yield "the audit trail does not lead to the state of the records"


def _names(it: Finished) -> list[str]:
    return [step.name for step in it.steps]


Check = Callable[[Finished], Iterator[str]]

CHECKS: tuple[Check, ...] = (
    _check_end,
    _check_completed,
    _check_rolled_back,
    _check_order,
    _check_pivot,
    _check_once,
    _check_trail,
)
