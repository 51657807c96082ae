"""What was seen of a run's actions: who was called, how it ended, what the barrier recorded."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from lib.saga.barrier import Effect, EffectStatus
from lib.saga.delivery import Delivery, Phase


@dataclass(slots=True, eq=False)
class Called:
    """One call of a step's action. `ended` says that it came to its end without an error."""

    saga_id: str
    step: int
    phase: Phase
    attempt: int
    ended: bool = False
    #: It wrote to the store, and it did so without the barrier.
    committed: bool = False
    unbarred: bool = False


class Ledger:
    """All calls of a run in the order in which they began, and the barrier's records by key."""

    def __init__(self) -> None:
        self.calls: list[Called] = []
        self.applied: Counter[str] = Counter()
        self.undone: Counter[str] = Counter()

    def copy(self) -> "Ledger":
        """Return a ledger that says the same; no call may be going on."""
        copied = Ledger()
        copied.calls = list(self.calls)
        copied.applied, copied.undone = Counter(self.applied), Counter(self.undone)
        return copied

    def begin(self, delivery: Delivery) -> Called:
        """Write down that a delivery's action is called."""
        called = Called(delivery.saga_id, delivery.step, delivery.phase, delivery.attempt)
        self.calls.append(called)
        return called

    def note_commit(self, called: Called, mutations: Any) -> None:
        """Write down what an action has committed, from the v1 mutations."""
        recorded = [
            self._note_record(each)
            for each in mutations
            if each.WhichOneof("operation") != "delete" and _kind_of(each) == Effect.__name__
        ]
        called.committed = True
        called.unbarred = called.unbarred or not recorded

    def _note_record(self, mutation: Any) -> None:
        verb = mutation.WhichOneof("operation")
        record = getattr(mutation, verb)
        key, status = record.key.path[-1].name, record.properties["status"].string_value
        if status == EffectStatus.DONE:
            self.applied[key] += 1
        elif status == EffectStatus.UNDONE and verb == "update":
            self.undone[key] += 1

    def of(self, saga_id: str, phase: Phase) -> list[Called]:
        """Return the calls of a saga's actions in one phase."""
        return [each for each in self.calls if (each.saga_id, each.phase) == (saga_id, phase)]


def _kind_of(mutation: Any) -> str:
    return str(getattr(mutation, mutation.WhichOneof("operation")).key.path[-1].kind)
