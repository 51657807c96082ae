"""The history of a run: calls and their ends, records of the barrier, and pages."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lib.datastore import Mutation
from lib.saga.barrier import Effect, EffectStatus
from lib.saga.definition.phase import Phase
from lib.saga.state.delivery import Delivery


@dataclass(slots=True, eq=False)
class ActionCall:
    """One call of a step's action. `ended` means that it finished without an error."""

    saga_id: str
    step: int
    phase: Phase
    attempt: int
    number: int
    ended: bool = False
    #: It has written to the store; it has done so without the barrier.
    committed: bool = False
    unbarred: bool = False


class History:
    """All calls of a run, in the order in which they began, and counts of the barrier's records.

    `pages` has the alerts as Cloud Logging keeps them: one for each insert id and time.
    """

    def __init__(self) -> None:
        self.calls: list[ActionCall] = []
        self.pages: set[tuple[str, str]] = set()
        self.applied: Counter[str] = Counter()
        self.undone: Counter[str] = Counter()

    def copy(self) -> "History":
        """Return an independent copy."""
        copied = History()
        copied.calls = [replace(each) for each in self.calls]
        copied.pages = set(self.pages)
        copied.applied, copied.undone = Counter(self.applied), Counter(self.undone)
        return copied

    def begin(self, delivery: Delivery) -> ActionCall:
        """Record that a delivery's action is called."""
        where = (delivery.saga_id, delivery.step, delivery.phase, delivery.attempt)
        called = ActionCall(*where, number=len(self.calls))
        self.calls.append(called)
        return called

    def note_commit(self, number: int, mutations: Sequence[Mutation]) -> None:
        """Record what the call with this number has committed."""
        called = self.calls[number]
        records = [each for each in mutations if isinstance(each.entity, Effect)]
        for record in records:
            # An update with a mask does not write the effects.
            for part in record.entity.parts[-1:] if record.mask is None else ():
                effect = f"{record.entity.id}/{part.name}".rstrip("/")
                self.applied[effect] += part.status is EffectStatus.DONE
                self.undone[effect] += part.status is EffectStatus.UNDONE and bool(part.result)
        called.committed = True
        called.unbarred = called.unbarred or not records

    def of(self, saga_id: str, phase: Phase) -> list[ActionCall]:
        """Return the calls of a saga's actions in one phase."""
        return [each for each in self.calls if (each.saga_id, each.phase) == (saga_id, phase)]
