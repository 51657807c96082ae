"""The environment of a run: the engine on services in memory that can fail."""

from collections.abc import Callable
from datetime import datetime, timedelta

from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.transitions import Queue
from lib.saga.remote.network import NETWORK
from lib.saga.testing.memory.clock import BEGINNING, VirtualClock
from lib.saga.testing.memory.entities import Memory
from lib.saga.testing.memory.queue import MemoryQueue
from lib.saga.testing.memory.store import MemoryStore
from lib.saga.testing.simulation.faults.kinds import Choose, Fault
from lib.saga.testing.simulation.processes.process import Process
from lib.saga.testing.simulation.processes.processes import LATENCY, Processes
from lib.saga.testing.simulation.processes.relevant_faults import RelevantFaults
from lib.saga.testing.simulation.services.actions import FaultyActions
from lib.saga.testing.simulation.services.network import FaultyNetwork
from lib.saga.testing.simulation.services.queue import FaultyQueue
from lib.saga.testing.simulation.services.store import FaultyStore
from lib.saga.testing.simulation.setting import Setting
from lib.saga.testing.simulation.state.deployment import Deployment
from lib.saga.testing.simulation.state.run_state import RunState
from lib.saga.testing.simulation.state.snapshot import Snapshot
from lib.saga.testing.simulation.state.stored_sagas import StoredSagas
from lib.timing.clock import CLOCK

#: The tolerance that the latencies of calls add to a limit.
SLACK = timedelta(seconds=1)


class Environment:
    """The services, definitions and processes of a run."""

    def __init__(self, setting: Setting, carry_out: Callable[[Process, Fault], None]) -> None:
        self._setting = setting
        self._memory = Memory()
        self.clock = VirtualClock()
        #: For the test itself: without a process or fault points.
        self.store = MemoryStore(self._memory, self.clock)
        self.repository = SagaRepository(self.store)
        self.queue = MemoryQueue(self.clock)
        self.definitions = Deployment([setting.saga])
        self.sagas = StoredSagas(self.store, self.definitions, setting.saga)
        relevant = RelevantFaults(setting, self.sagas, self.definitions)
        self.processes = Processes(self.clock, relevant, carry_out)
        network = FaultyNetwork(self.processes, self.store, setting.http)
        self.processes.context.run(NETWORK.set, network)
        self.processes.context.run(CLOCK.set, self.processes.read_clock)
        store = FaultyStore(self._memory, self.processes)
        tasks = FaultyQueue(self.queue, self.processes)
        self.engine = self._make_engine(store, tasks, self.processes.read_clock)
        if setting.prepare:
            setting.prepare(self.store)
        self.processes.restore(RunState(BEGINNING + setting.period, BEGINNING), lambda _: None)
        self.beginning = self.save()

    def make_engine_without_faults(self) -> Engine:
        """Return an engine for the test itself, without fault points."""
        return self._make_engine(self.store, self.queue, self.clock)

    def _make_engine(
        self, store: MemoryStore, tasks: Queue, clock: Callable[[], datetime]
    ) -> Engine:
        return self._setting.make_engine(
            self.definitions,
            SagaRepository(store),
            tasks,
            clock,
            FaultyActions(self.processes, self.sagas).call_within,
            lambda _: self.clock.advance(LATENCY),
        )

    @property
    def state(self) -> RunState:
        """What has happened so far, and what is postponed."""
        return self.processes.state

    def save(self) -> Snapshot:
        """Return the complete state while no process runs, to continue from there later."""
        return Snapshot(
            self.clock.now,
            self._memory.save(),
            self.queue.save(),
            self.definitions.deployed,
            self.state.copy(),
        )

    def restore(self, snapshot: Snapshot, choose: Choose) -> None:
        """Continue from a snapshot, with the faults that are chosen from then on."""
        self.clock.now = snapshot.now
        self._memory.restore(snapshot.memory)
        self.queue.restore(snapshot.queue)
        self.definitions.deployed = snapshot.deployed
        self.processes.restore(snapshot.state.copy(), choose)

    def perform(self, process: Process, work: Callable[[], str]) -> str:
        """Run a process until it ends or is killed; return a one-word result."""
        if self._setting.operators:
            process.paused = frozenset(saga.id for saga in self.sagas.find_all() if saga.paused)
        return self.processes.perform(process, work)

    def note_event(self) -> None:
        """Count an event: something has happened to a saga."""
        self.state.events += 1
        self.state.last_life = self.clock.now

    def note_wait(self, since: datetime) -> None:
        """Record that a process was frozen since then: its saga may have become overdue."""
        if self.clock.now - since > SLACK:
            self.state.may_need_sweep = True
