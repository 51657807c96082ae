"""The stored sagas of a run, read by the test itself without faults."""

from datetime import datetime

from lib.saga.definition.saga import Saga
from lib.saga.engine.children import find_out_of_step
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.sweep.daily_look import examine
from lib.saga.machine.decide import decide
from lib.saga.machine.outstanding import outstanding
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import FINISHED, LOOK_PERIOD, SagaRecord, SagaStatus, StepRecord
from lib.saga.testing.memory.clock import VirtualClock
from lib.saga.testing.memory.entities import Memory, Path
from lib.saga.testing.memory.store import MemoryStore
from lib.saga.testing.simulation.state.deployment import Deployment


class StoredSagas:
    """The records of all sagas of a run, and what they wait for."""

    def __init__(self, store: MemoryStore, definitions: Deployment, explored: Saga) -> None:
        self._memory: Memory = store.memory
        self._clock: VirtualClock = store.clock
        self._repository = SagaRepository(store)
        self._definitions = definitions
        self._explored = explored

    def find_all(self) -> list[SagaRecord]:
        """Return all sagas; do not change them."""
        return [saga for _, saga in self._memory.find_kind("Saga")]

    def find_paths(self, kind: str) -> list[Path]:
        """Return the paths of all entities of a kind."""
        return [path for path, _ in self._memory.find_kind(kind)]

    def steps_of(self, saga: SagaRecord) -> list[StepRecord]:
        """Return a saga's steps; do not change them."""
        return self._repository.load_steps(saga).steps

    def find_outstanding(self) -> list[Delivery]:
        """Return the deliveries that the sagas wait for, except notifications of a parked parent.

        Those are repeated without effect until an operator has retried the parent.
        """
        found: list[Delivery] = []
        sagas = {saga.id: saga for saga in self.find_all()}
        for saga in sagas.values():
            parent = sagas.get(saga.parent_id)
            if (
                parent is not None
                and parent.status is SagaStatus.FAILED
                and saga.status in FINISHED
            ):
                continue
            found += outstanding(saga, self.steps_of(saga))
        return found

    def find_due_times(self, *, looks: bool) -> list[datetime]:
        """Return the times of the daily looks at waiting sagas, or of the rest of the sweep."""
        marks = [saga.due for saga in self.find_all() if saga.due]
        times = [mark.rpartition("|")[2] for mark in marks if is_look(mark) == looks]
        return [datetime.fromisoformat(f"{time}+00:00") for time in times]

    def find_neglected(self) -> SagaRecord | None:
        """Return a saga that needs the daily look, None if there is none."""
        now = self._clock.now + LOOK_PERIOD
        for saga in self.find_all():
            if not is_look(saga.due or ""):
                continue
            loaded = self._repository.load_steps(saga)
            definition = self._definitions.get_declared(saga)
            found = decide(definition, *loaded, examine(self._repository, loaded), now).events
            if found or find_out_of_step(self._repository, loaded):
                return saga
        return None

    def has_unalerted(self) -> bool:
        """Return whether a dead letter's alert is not logged yet."""
        return any(not letter.alerted for _, letter in self._memory.find_kind("DeadLetter"))

    def label_of(self, delivery: Delivery) -> str:
        """Return the label of a delivery's element; "" if its saga does not exist."""
        saga = next((each for each in self.find_all() if each.id == delivery.saga_id), None)
        if saga is None:
            return ""
        definition = self._definitions.get_declared(saga)
        name = definition.elements[delivery.step].name
        return name if definition is self._explored else f"{definition.name}/{name}"


def is_look(mark: str) -> bool:
    """Return whether a due mark is that of a daily look."""
    return mark.startswith("look-")
