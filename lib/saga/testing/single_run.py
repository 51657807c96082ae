"""One run of a saga without faults, on a clock that a test moves.

def test_a_trip_without_a_room_gives_its_seat_back() -> None:
    booking = run(BOOK_TRIP, Trip("Atlantis", "AM1"), prepare=add_seats)
    assert booking.status == "ROLLED_BACK"
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from lib.datastore import Store
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal, Timer
from lib.saga.machine.causes import explain
from lib.saga.machine.inputs import CancelRequested
from lib.saga.state.records import EventRecord, Loaded, SagaStatus, StepStatus
from lib.saga.testing.memory.http_stand_in import HttpStandIn
from lib.saga.testing.memory.queue import QueuedTask
from lib.saga.testing.simulation.environment import Environment
from lib.saga.testing.simulation.processes.exceptions import InvariantViolated
from lib.saga.testing.simulation.processes.process import Process, name_delivery
from lib.saga.testing.simulation.setting import Setting

#: The id of the saga that runs.
SAGA_ID = "run"

#: A saga that has not ended after this many deliveries is taken to be in a loop.
MAX_DELIVERIES = 2_000


class Run:
    """A running saga: steps and retries run immediately, waits end when the clock is moved."""

    def __init__(
        self,
        saga: Saga,
        payload: Any,
        *,
        prepare: Callable[[Store], object] | None = None,
        http: HttpStandIn | None = None,
    ) -> None:
        setting = Setting(saga=saga, payload=payload, prepare=prepare, http=http)
        self._saga = saga
        self._environment = Environment(setting, _refuse)
        engine = self._environment.engine
        self._act("the start", lambda: engine.start(saga.name, SAGA_ID, payload))

    @property
    def store(self) -> Store:
        """The store that the steps have written to."""
        return self._environment.store

    @property
    def now(self) -> datetime:
        """The time on the run's clock, UTC."""
        return self._environment.clock.now

    @property
    def status(self) -> SagaStatus:
        """The saga's status."""
        return self._load().saga.status

    @property
    def error(self) -> str:
        """Why the saga rolled back or was parked; empty if neither."""
        saga = self._load().saga
        return explain(saga.parked_because or saga.error)

    @property
    def steps(self) -> dict[str, StepStatus]:
        """The status of each step by its name."""
        return {step.name: step.status for step in self._load().steps}

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs of the steps so far, by step name, as plain JSON."""
        steps = self._environment.repository.fill(self._load()).steps
        return {s.name: msgspec.json.decode(s.output) for s in steps if s.output is not None}

    @property
    def events(self) -> Sequence[EventRecord]:
        """The audit trail so far."""
        return self._environment.repository.events(SAGA_ID)

    def advance(self, by: timedelta) -> None:
        """Move the clock, and run everything that is due until then."""
        until = self.now + by
        self._go_on(until)
        self._environment.clock.advance_to(until)
        self._go_on(self.now)

    def signal(self, name: str, payload: Any = None) -> None:
        """Send a signal; raises as `Engine.signal` does, NotFound, Invalid or Conflict."""
        engine = self._environment.engine
        self._act(f"the signal {name}", lambda: engine.signal(SAGA_ID, name, payload, actor="test"))

    def cancel(self, reason: str = "cancelled by a test") -> None:
        """Cancel the saga as an operator does; raises Conflict if that is not possible."""
        request = CancelRequested(actor="test", reason=reason)
        self._act("a cancel", lambda: self._environment.engine.apply(SAGA_ID, request))

    def _act(self, name: str, act: Callable[[], object]) -> None:
        self._perform(Process(name), act)
        self._go_on(self.now)

    def _go_on(self, until: datetime) -> None:
        """Deliver what is due until then, and all retries."""
        for _ in range(MAX_DELIVERIES):
            tasks = [task for task in self._environment.queue.tasks if self._may_run(task, until)]
            if not tasks:
                return
            self._deliver(min(tasks, key=lambda task: task.at))
        raise AssertionError(f"saga {self._saga.name} runs in a loop")

    def _may_run(self, task: QueuedTask, until: datetime) -> bool:
        saga = self._environment.repository.find(task.delivery.saga_id)
        if task.at <= max(until, self.now) or saga is None:
            return True
        definition = self._environment.definitions.get_declared(saga)
        return not isinstance(definition.elements[task.delivery.step], Timer | Signal)

    def _deliver(self, task: QueuedTask) -> None:
        environment = self._environment
        environment.clock.advance_to(task.at)
        number = environment.queue.dispatch(task)
        process = Process(name_delivery(task.delivery), task)
        self._perform(process, lambda: environment.engine.deliver(task.delivery))
        environment.queue.acknowledge(task, number)

    def _perform(self, process: Process, act: Callable[[], object]) -> None:
        try:
            self._environment.perform(process, lambda: str(act()))
        except InvariantViolated as broken:
            raise AssertionError(str(broken)) from broken

    def _load(self) -> Loaded:
        loaded = self._environment.repository.load(SAGA_ID)
        if loaded is None:
            raise AssertionError(f"saga {self._saga.name} is gone")
        return loaded


def run(
    saga: Saga,
    payload: Any,
    *,
    prepare: Callable[[Store], object] | None = None,
    http: HttpStandIn | None = None,
) -> Run:
    """Start a saga in memory, and run it until it has ended or waits for time or a signal.

    `prepare` stores what its participants need; `http` stands in for the services that it calls.
    Raises Invalid or TooLarge for a payload that does not fit.
    """
    return Run(saga, payload, prepare=prepare, http=http)


def _refuse(_: object, fault: object) -> None:
    raise AssertionError(f"a single run has no faults, but got: {fault}")
