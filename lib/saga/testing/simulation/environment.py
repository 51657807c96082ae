"""Where a run takes place: the engine over memory, its processes, and the points they come to."""

import contextvars
from collections.abc import Callable
from datetime import datetime, timedelta

from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.transitions import Queue
from lib.saga.remote.exchange import NETWORK
from lib.saga.testing.memory.clock import BEGINNING, VirtualClock
from lib.saga.testing.memory.entities import Memory
from lib.saga.testing.memory.queue import MemoryQueue
from lib.saga.testing.memory.store import MemoryStore
from lib.saga.testing.simulation.deployment import Deployed, Deployment
from lib.saga.testing.simulation.faults import (
    CANCEL,
    CRASH,
    DEPLOY,
    DEPLOY_TYPES,
    DUPLICATE,
    FREEZES,
    INTERLEAVINGS,
    LOST_FREEZES,
    PARK,
    PAUSE,
    RESOLVE,
    RESUME,
    RETRY,
    SIGNAL,
    SKIP,
    VOID,
    Choose,
    Fault,
    Point,
)
from lib.saga.testing.simulation.faulty_actions import FaultyActions
from lib.saga.testing.simulation.faulty_network import FaultyNetwork
from lib.saga.testing.simulation.faulty_services import LATENCY, FaultyQueue, FaultyStore
from lib.saga.testing.simulation.history import History
from lib.saga.testing.simulation.process import InvariantViolated, Killed, Process
from lib.saga.testing.simulation.setting import Setting
from lib.saga.testing.simulation.snapshot import Postponed, Snapshot
from lib.saga.testing.simulation.stored_sagas import StoredSagas
from lib.saga.testing.simulation.worker import Worker
from lib.timing.clock import CLOCK


class Environment:
    """One saga's surroundings. Nothing here runs at the same time as anything else.

    What overtakes a process runs while that process stands at a point; `carry_out` is who sees to
    that.
    """

    def __init__(self, setting: Setting, carry_out: Callable[[Process, Fault], None]) -> None:
        self._setting = setting
        self._carry_out = carry_out
        self._memory = Memory()
        self.clock = VirtualClock()
        #: For the test itself: no process, no points.
        self.store = MemoryStore(self._memory, self.clock)
        self.repository = SagaRepository(self.store)
        self.definitions = Deployment([setting.saga])
        self.sagas = StoredSagas(self.store, self.definitions, setting.saga)
        store, tasks = FaultyStore(self._memory, self), FaultyQueue(self)
        self.engine = self._make_engine(store, tasks, self.read_clock)
        self._network = FaultyNetwork(self, setting.http)
        if setting.prepare:
            setting.prepare(self.store)
        self.queue = MemoryQueue(self.clock)
        self._stack: list[Process] = []
        self._worker: Worker | None = None
        self._choose: Choose = lambda _: None
        now, saved = self.clock.now, self._memory.save()
        self.beginning = Snapshot(now, saved, self.queue.save(), History())
        self.restore(self.beginning, self._choose)

    def make_engine_without_faults(self) -> Engine:
        """Return an engine for the test itself: it comes to no points."""
        return self._make_engine(self.store, self.queue, self.clock)

    def _make_engine(
        self, store: MemoryStore, tasks: Queue, clock: Callable[[], datetime]
    ) -> Engine:
        return self._setting.make_engine(
            self.definitions,
            SagaRepository(store),
            tasks,
            clock,
            FaultyActions(self).call_within,
            lambda _: self.clock.advance(LATENCY),
        )

    def save(self) -> Snapshot:
        """Return the state of everything while no process runs, to go on from there again."""
        return Snapshot(
            self.clock.now,
            self._memory.save(),
            self.queue.save(),
            self.history.copy(),
            tuple(self.points),
            tuple(self.injected),
            tuple(self.report),
            tuple(held.copy() for held in self.held),
            self.events,
            self.unrepeated,
            self.definitions.deployed,
        )

    def restore(self, snapshot: Snapshot, choose: Choose) -> None:
        """Go on from a snapshot, with the faults that are chosen from there on."""
        self._choose = choose
        self._stack, self._worker = [], None
        self.clock.now = snapshot.now
        self._memory.restore(snapshot.memory)
        self.queue.restore(snapshot.queue)
        self.history = snapshot.history.copy()
        self.points, self.injected = list(snapshot.points), list(snapshot.injected)
        self.report = list(snapshot.report)
        #: What happens later, and how many events there were so far.
        self.held, self.events = [held.copy() for held in snapshot.held], snapshot.events
        #: A fault has struck a process that no queue repeats.
        self.unrepeated = snapshot.unrepeated
        self.definitions.deployed = snapshot.deployed
        #: Why the run is broken, where the code under test may have caught that.
        self.broken = ""
        #: The saga that only its daily look has moved.
        self.helped = ""

    @property
    def process(self) -> Process:
        """The process that runs now."""
        return self._stack[-1]

    def read_clock(self) -> datetime:
        """Return the time by the clock of the process that runs now."""
        return self.clock.now + (self._stack[-1].skew if self._stack else timedelta(0))

    def log(self, what: str) -> None:
        """Write a line of the run's report."""
        elapsed = (self.clock.now - BEGINNING).total_seconds()
        self.report.append(f"{elapsed:10.3f} s  {'  ' * len(self._stack)}{what}")

    def fail(self, why: str) -> None:
        """Break the run off: a promise does not hold."""
        self.broken = why
        raise InvariantViolated(why)

    def perform(self, process: Process, work: Callable[[], str]) -> str:
        """Run a process until it ends or is killed; return a one-word result."""
        if self._setting.operators:
            process.paused = frozenset(saga.id for saga in self.sagas.find_all() if saga.paused)
        self._stack.append(process)
        try:
            # A context of its own, for it may run in the middle of another process.
            context = contextvars.Context()
            context.run(NETWORK.set, self._network)
            context.run(CLOCK.set, self.read_clock)
            ended = context.run(work)
        except Killed:
            ended = "killed"
        finally:
            self._stack.pop()
        if self.broken:
            raise InvariantViolated(self.broken)
        self.log(f"{process.name}: {ended}")
        for worker in process.beside:
            self.resume(worker, None)
        return ended

    def resume(self, worker: Worker, points: int | None) -> None:
        """Let another worker go on for so many points, or for None to its end."""
        if worker.ended:
            return
        outer = self._stack, self._worker
        self._stack, self._worker = worker.stack, worker
        try:
            worker.resume(points)
        finally:
            worker.stack = self._stack
            self._stack, self._worker = outer

    def reach(self, where: str, *faults: Fault) -> Fault | None:
        """Come to a point; return the fault among `faults` that is chosen there, if one is.

        All other faults are carried out here.
        """
        process = self.process
        process.live()
        common = self._faults_of(process)
        process.moved = process.durable = False
        fault = self.meet(where, process.name, (*common, *faults))
        if fault is not None and fault not in faults:
            self._carry_out(process, fault)
            process.live()
            process.moved = True
            fault = None
        self._give_way(process)
        return fault

    def _give_way(self, process: Process) -> None:
        """Let other workers have their turn here."""
        for worker in process.beside:
            if worker.takes_turns:
                self.resume(worker, 1)
        if self._worker is not None:
            self._worker.come_to_point()
            process.live()

    def meet(self, where: str, process: str, faults: tuple[Fault, ...]) -> Fault | None:
        """Write down a point, and return the fault that is chosen there."""
        if not faults:
            return None
        part = self._stack[-1].part if self._stack else ""
        return self.meet_at(part, where, process, faults)

    def meet_at(
        self, part: str, where: str, process: str, faults: tuple[Fault, ...]
    ) -> Fault | None:
        """Write down a point of a part, and return the fault that is chosen there."""
        point = Point(len(self.points), where, process, faults, part)
        self.points.append(point)
        fault = self._choose(point)
        if fault is not None:
            self.injected.append((point, fault))
            if self._stack and self.process.task is None:
                self.unrepeated = True
            self.log(f"here: {fault.kind} {where}")
        return fault

    def let_overtake(self, fault: Fault) -> None:
        """Let other deliveries run while the process stands still; raise Killed if it died."""
        process = self.process
        self._carry_out(process, fault)
        process.live()

    def do_later(self, fault: Fault, name: str, act: Callable[[], None]) -> None:
        """Have something happen by itself, when a fault says."""
        until = None if fault.events is None else self.events + fault.events
        self.held.append(Postponed(until, name, act=act))

    def _faults_of(self, process: Process) -> tuple[Fault, ...]:
        """Return what makes a difference where a process is now.

        A crash does if it would leave something of what was done since the last point, and
        whatever overtakes does if anything was read or done.
        """
        faults: tuple[Fault, ...] = (CRASH,) if process.durable else ()
        if process.moved:
            faults += FREEZES
            faults += (DUPLICATE, *INTERLEAVINGS, *LOST_FREEZES) if process.task else ()
            faults += self._find_requests() if self._setting.operators else ()
            faults += (SIGNAL,) if self._setting.signals else ()
        return faults

    def _find_requests(self) -> tuple[Fault, ...]:
        """Return what an operator can ask for now, and what a deployment can do."""
        sagas = self.sagas.find_all()
        faults: tuple[Fault, ...] = (CANCEL, PAUSE, PARK)
        if any(saga.paused for saga in sagas):
            faults += (RESUME,)
        if any(saga.incident for saga in sagas):
            faults += (RETRY, SKIP, VOID, RESOLVE)
        if self.definitions.deployed is Deployed.DECLARED:
            faults += (DEPLOY, DEPLOY_TYPES)
        return faults
