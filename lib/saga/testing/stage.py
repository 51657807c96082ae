"""Where a run takes place: the engine over memory, its processes, and the points they come to."""

import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lib.datastore import Store
from lib.saga.containment import contain
from lib.saga.deferred import check_ran
from lib.saga.definition import Definitions, Saga
from lib.saga.delivery import Delivery
from lib.saga.engine import Engine
from lib.saga.journal import Journal
from lib.saga.machine.outstanding import outstanding
from lib.saga.records import SagaRecord
from lib.saga.testing import memory, queue
from lib.saga.testing.clock import BEGINNING, VirtualClock
from lib.saga.testing.faults import (
    CANCEL,
    CRASH,
    DUPLICATE,
    FREEZES,
    LOST_FREEZES,
    PAUSE,
    SIGNAL,
    TIME_OUT,
    Choose,
    Fault,
    Point,
)
from lib.saga.testing.ledger import Ledger
from lib.saga.testing.memory import Memory
from lib.saga.testing.process import Killed, Process, PromiseBroken
from lib.saga.testing.queue import MemoryQueue
from lib.saga.testing.store import MemoryStore
from lib.saga.testing.watching import LATENCY, WatchedQueue, WatchedStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is explored, and under which circumstances."""

    saga: Saga
    payload: Any
    prepare: Callable[[Store], object] | None = None
    period: timedelta = timedelta(minutes=1)
    operators: bool = False
    #: The payloads of the signals that somebody sends, by name.
    signals: Mapping[str, Any] = field(default_factory=dict)
    make_engine: Callable[..., Engine] = Engine


@dataclass(frozen=True, slots=True)
class Scene:
    """The state of a stage between two events."""

    now: datetime
    memory: memory.Saved
    queue: queue.Saved
    ledger: Ledger
    points: tuple[Point, ...]
    struck: tuple[tuple[Point, Fault], ...]
    story: tuple[str, ...]
    unrepeated: bool


class Stage:
    """One saga's surroundings. Nothing here runs at the same time as anything else.

    What overtakes a process runs whole while that process stands at a point; `carry_out` is who
    sees to that.
    """

    def __init__(self, setting: Setting, carry_out: Callable[[Process, Fault], None]) -> None:
        self._setting = setting
        self._carry_out = carry_out
        self._memory = Memory()
        self.clock = VirtualClock()
        #: For the test itself: no process, no points.
        self.store = MemoryStore(self._memory, self.clock)
        self.journal = Journal(self.store)
        self.definitions = Definitions([setting.saga])
        self.engine = setting.make_engine(
            self.definitions,
            Journal(WatchedStore(self._memory, self)),
            WatchedQueue(self),
            self.clock,
            self._call_within,
            lambda _: self.clock.advance(LATENCY),
        )
        if setting.prepare:
            setting.prepare(self.store)
        self.queue = MemoryQueue(self.clock)
        self._stack: list[Process] = []
        self._choose: Choose = lambda _: None
        self._begin(Ledger(), [], [], [], unrepeated=False)
        self.beginning = self.save()

    def _begin(
        self,
        ledger: Ledger,
        points: list[Point],
        struck: list[tuple[Point, Fault]],
        story: list[str],
        *,
        unrepeated: bool,
    ) -> None:
        self.ledger, self.points, self.struck, self.story = ledger, points, struck, story
        #: A fault has struck a process that no queue repeats.
        self.unrepeated = unrepeated

    def save(self) -> Scene:
        """Return the state of everything while no process runs, to go on from there again."""
        return Scene(
            self.clock.now,
            self._memory.save(),
            self.queue.save(),
            self.ledger.copy(),
            tuple(self.points),
            tuple(self.struck),
            tuple(self.story),
            self.unrepeated,
        )

    def restore(self, scene: Scene, choose: Choose) -> None:
        """Go on from a scene, with the faults that are chosen from there on."""
        self._choose = choose
        self._stack.clear()
        self.clock.now = scene.now
        self._memory.restore(scene.memory)
        self.queue.restore(scene.queue)
        self._begin(
            scene.ledger.copy(),
            list(scene.points),
            list(scene.struck),
            list(scene.story),
            unrepeated=scene.unrepeated,
        )

    @property
    def process(self) -> Process:
        """The process that runs now."""
        return self._stack[-1]

    def find_sagas(self) -> list[SagaRecord]:
        """Return all sagas that there are; they are to be read only."""
        return [saga for _, saga in self._memory.find_kind("Saga")]

    def find_outstanding(self) -> list[Delivery]:
        """Return the deliveries that the sagas wait for."""
        found: list[Delivery] = []
        for saga in self.find_sagas():
            loaded = self.journal.load(saga.id, saga.total_steps)
            found += outstanding(*loaded) if loaded else ()
        return found

    def has_unalerted(self) -> bool:
        """Tell whether a dead letter's alert is still to be logged."""
        return any(not letter.alerted for _, letter in self._memory.find_kind("DeadLetter"))

    def tell(self, what: str) -> None:
        """Write a line of the run's story."""
        elapsed = (self.clock.now - BEGINNING).total_seconds()
        self.story.append(f"{elapsed:10.3f} s  {'  ' * len(self._stack)}{what}")

    def perform(self, process: Process, work: Callable[[], str]) -> str:
        """Run a process to its end, or to its death; say in a word how it ended."""
        self._stack.append(process)
        try:
            # A context of its own, for it may run in the middle of another process.
            ended = contextvars.Context().run(work)
        except Killed:
            ended = "killed"
        finally:
            self._stack.pop()
        self.tell(f"{process.name}: {ended}")
        return ended

    def reach(self, where: str, *faults: Fault) -> Fault | None:
        """Come to a point; return the fault among `faults` that is chosen there, if one is.

        All other faults are carried out here.
        """
        process = self.process
        process.live()
        common = self._faults_of(process)
        process.moved = process.durable = False
        fault = self.meet(where, process.name, (*common, *faults))
        if fault is not None and process.task is None:
            self.unrepeated = True
        if fault is None or fault in faults:
            return fault
        self._carry_out(process, fault)
        process.live()
        process.moved = True
        return None

    def meet(self, where: str, process: str, faults: tuple[Fault, ...]) -> Fault | None:
        """Write down a point, and return the fault that is chosen there."""
        if not faults:
            return None
        point = Point(len(self.points), where, process, faults)
        self.points.append(point)
        fault = self._choose(point)
        if fault is not None:
            self.struck.append((point, fault))
            self.tell(f"here: {fault.kind} {where}")
        return fault

    def _faults_of(self, process: Process) -> tuple[Fault, ...]:
        """Return what makes a difference where a process is now.

        A crash does if it would leave something of what was done since the last point, and
        whatever overtakes does if anything was read or done.
        """
        faults: tuple[Fault, ...] = (CRASH,) if process.durable else ()
        if process.moved:
            faults += FREEZES
            faults += (DUPLICATE, *LOST_FREEZES) if process.task else ()
            faults += (CANCEL, PAUSE) if self._setting.operators else ()
            faults += (SIGNAL,) if self._setting.signals else ()
        return faults

    def _call_within(self, timeout: timedelta, action: Callable[[], Any]) -> Any:
        """Call an action for the engine, in this thread, with time-outs where they are chosen."""
        process = self.process
        if process.task is None:
            raise AssertionError("only a delivery runs an action")
        process.called = called = self.ledger.begin(process.task.delivery)
        try:
            self._reach_or_time_out(f"before the action of {process.name}", timeout)
            value = check_ran(contain(action, (Killed, PromiseBroken)), "the action")
            process.live()
            called.ended = True
        finally:
            process.called = None
        if not called.committed:
            process.moved = process.durable = True
        self._reach_or_time_out(f"after the action of {process.name}", timeout)
        return value

    def _reach_or_time_out(self, where: str, timeout: timedelta) -> None:
        if self.reach(where, TIME_OUT):
            self.clock.advance(timeout)
            raise TimeoutError(f"no answer within {timeout.total_seconds():g} s")
