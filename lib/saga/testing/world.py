"""The world that a saga runs in: its queue and its sweep, and what becomes of faults."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from lib.errors import Conflict, Contention, NotBegun, NotFound, Unavailable
from lib.saga.delivery import Delivery
from lib.saga.machine.happened import (
    Asked,
    CancelRequested,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    Signalled,
)
from lib.saga.machine.outstanding import GRACE, QUICK_REDELIVERIES, is_overdue, overdue_at
from lib.saga.records import FORWARD, SagaRecord, SagaStatus, StepRecord, StepStatus
from lib.saga.recovery import sweep
from lib.saga.testing.clock import BEGINNING
from lib.saga.testing.faults import COPIES, DELAYS, DROP, Choose, Fault, FaultKind
from lib.saga.testing.process import Process, PromiseBroken, name_delivery
from lib.saga.testing.queue import Task
from lib.saga.testing.stage import Scene, Setting, Stage

#: The id of the saga that is explored.
SAGA_ID = "explored"

#: A story that is longer than this goes round in circles.
LONGEST_STORY = 2000

#: What the latencies of the calls may add to a bound.
SLACK = timedelta(seconds=1)

#: What the engine raises to have a delivery come again.
AGAIN = (Unavailable, Contention, NotBegun)


@dataclass(frozen=True, slots=True)
class Moment:
    """A run between two events. `may_need_sweep`: only the sweep may be able to help now."""

    scene: Scene
    next_sweep: datetime
    last_life: datetime
    events: int = 0
    may_need_sweep: bool = False
    #: The operator has had parked sagas tried again, which happens once.
    mended: bool = False
    held: tuple[tuple[int | None, Task], ...] = ()

    @property
    def points(self) -> int:
        """How many points the run had come to."""
        return len(self.scene.points)


class World:
    """Runs a saga as often as wanted, each time from the beginning until all is quiet."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self.stage = Stage(setting, self._carry_out)

    def run(self, choose: Choose, since: Moment | None = None, *, remembers: bool = False) -> None:
        """Run the saga, or go on since a moment of an earlier run; raises PromiseBroken.

        `moments` has those of this run afterwards, if it `remembers`.
        """
        self.moments: list[Moment] = []
        if since is None:
            since = Moment(self.stage.beginning, BEGINNING + self._setting.period, BEGINNING)
        self._restore(since, choose)
        while not (self.stage.find_sagas() or self._start()):
            self.stage.clock.advance(SLACK)
        while True:
            if remembers:
                self.moments.append(self._save())
            if not self._step():
                return

    def _restore(self, moment: Moment, choose: Choose) -> None:
        self.stage.restore(moment.scene, choose)
        self._next_sweep, self._last_life = moment.next_sweep, moment.last_life
        self._frozen: list[datetime] = []
        self._events, self._may_need_sweep = moment.events, moment.may_need_sweep
        self._mended = moment.mended
        #: Tasks that the queue holds back, each until so many events have happened.
        self._held = [(until, replace(task)) for until, task in moment.held]

    def _save(self) -> Moment:
        return Moment(
            self.stage.save(),
            self._next_sweep,
            self._last_life,
            self._events,
            self._may_need_sweep,
            self._mended,
            tuple((until, replace(task)) for until, task in self._held),
        )

    def _start(self) -> bool:
        """Start the saga; False when the caller has to try again."""

        def start() -> str:
            try:
                saga = self._setting.saga
                self.stage.engine.start(saga.name, SAGA_ID, self._setting.payload)
            except Unavailable as problem:
                return problem.code
            return "started"

        ended = self.stage.perform(Process("the start"), start)
        return ended == "started" or (ended == "killed" and bool(self.stage.find_sagas()))

    def _go_on(self, until: int | None) -> None:
        """Let the world go on until so many events have happened in all, or all is quiet."""
        while (until is None or self._events < until) and self._step():
            pass

    def _step(self) -> bool:
        """Let the next thing happen; False when nothing more will."""
        if len(self.stage.story) > LONGEST_STORY:
            raise PromiseBroken("the saga goes round in circles")
        queue = self.stage.queue
        late = self._take_ripe()
        if late is not None:
            queue.tasks.append(late)
            self._deliver(late)
            return True
        task = queue.next
        if task is None and not self._moves():
            return self._signal() or self._resume() or self._mend()
        self._skip_idle_sweeps(task)
        if task is not None and task.at <= self._next_sweep:
            self.stage.clock.advance_to(task.at)
            self._dispatch(task)
        else:
            self._check_patience()
            self._sweep()
        return True

    def _moves(self) -> bool:
        """Tell whether anything is still to come by itself."""
        return bool(self.stage.find_outstanding()) or self.stage.has_unalerted()

    def _skip_idle_sweeps(self, task: Task | None) -> None:
        """Pass over the sweeps, however many, that would find nothing before the next task."""
        if self.stage.has_unalerted():
            return
        times = [overdue_at(each) for each in self.stage.find_outstanding()]
        until = min([*times, *([task.at] if task else [])], default=self._next_sweep)
        idle = (until - self._next_sweep) // self._setting.period
        self._next_sweep += max(0, idle) * self._setting.period

    def _take_ripe(self) -> Task | None:
        """Return a task that is held back no longer; when all is quiet, none is."""
        quiet = bool(self._held) and not self.stage.queue.tasks and not self._moves()
        for held in self._held:
            if quiet or (held[0] is not None and held[0] <= self._events):
                self._held.remove(held)
                return held[1]
        return None

    def _dispatch(self, task: Task) -> None:
        """Deliver a task, unless the queue loses it or is late."""
        name = name_delivery(task.delivery)
        fault = self.stage.meet(f"before {name}", name, (DROP, *DELAYS, *COPIES))
        if fault is None:
            self._deliver(task)
        elif fault.kind is FaultKind.COPY:
            copy = Task(task.delivery, task.at, task.dispatches)
            self._held.append((_after(self._events + 1, fault), copy))
            self._deliver(task)
        elif fault.kind is FaultKind.DELAY:
            self._may_need_sweep = True
            self.stage.queue.tasks.remove(task)
            self._held.append((_after(self._events, fault), task))
        else:
            self._may_need_sweep = True
            self._last_life = self.stage.clock.now
            self.stage.queue.drop_all()
            self._held.clear()

    def _deliver(self, task: Task) -> None:
        queue = self.stage.queue
        number = queue.dispatch(task)
        lost = task.lost
        process = Process(name_delivery(task.delivery), task)

        def deliver() -> str:
            self.stage.reach(f"at the beginning of {process.name}")
            try:
                return self.stage.engine.deliver(task.delivery, lost=lost)
            except AGAIN as problem:
                return problem.code
            except Exception as problem:
                raise PromiseBroken(f"{process.name} raised {problem!r}") from problem

        ended = self.stage.perform(process, deliver)
        if ended in ("killed", *(each.code for each in AGAIN)):
            queue.retry(task, number, answered=ended == NotBegun.code)
        else:
            queue.acknowledge(task, number)
        self._note_event()

    def _note_event(self) -> None:
        self._events += 1
        self._last_life = self.stage.clock.now

    def _sweep(self) -> None:
        """Let the next sweep come."""
        clock, engine = self.stage.clock, self.stage.engine
        clock.advance_to(self._next_sweep)
        while self._next_sweep <= clock.now:
            self._next_sweep += self._setting.period
        # Most sweeps come while a process stands still, and would find nothing.
        overdue = any(is_overdue(saga, clock.now) for saga in self.stage.find_sagas())
        if not overdue and not self.stage.has_unalerted():
            return
        process = Process("a sweep", durable=False)
        ended = self.stage.perform(process, lambda: f"{sweep(engine, clock).delivered} delivered")
        if ended == "0 delivered":
            return
        self._note_event()
        for since in self._frozen:
            self._note_patience(since)
        if not (self._may_need_sweep or self.stage.unrepeated):
            raise PromiseBroken("the sweep had to help, though the queue lost nothing")

    def _check_patience(self) -> None:
        """Raise PromiseBroken if the sweep, which alone can help now, has not done so in time."""
        tasks = (*self.stage.queue.tasks, *(task for _, task in self._held))
        queued = [_what(task.delivery) for task in tasks]
        for each in self.stage.find_outstanding():
            if _what(each) in queued:
                continue
            patience = each.timeout + GRACE * 2 ** max(0, each.epoch - QUICK_REDELIVERIES)
            bound = max(each.at, self._last_life) + patience + self._setting.period + SLACK
            if self._next_sweep > bound:
                raise PromiseBroken(
                    f"{name_delivery(each)} was lost, and nothing moves it any more"
                )

    def _signal(self) -> bool:
        """Send the signals that sagas wait for; False when there are none."""
        wanted = [
            (saga.id, step.name)
            for saga in self.stage.find_sagas()
            if saga.status in FORWARD
            for step in self._steps_of(saga)
            if step.status is StepStatus.WAITING and step.name in self._setting.signals
        ]
        for saga_id, name in wanted:
            self._send(saga_id, name)
        return bool(wanted)

    def _resume(self) -> bool:
        """Let paused sagas go on; False when there are none."""
        paused = [saga.id for saga in self.stage.find_sagas() if saga.paused]
        for saga_id in paused:
            request = ResumeRequested(actor="explore", reason="explored")
            self._ask("a resume", saga_id, request)
        return bool(paused)

    def _mend(self) -> bool:
        """Let an operator have parked sagas tried again, once; False when there is nothing to."""
        parked = [saga.id for saga in self.stage.find_sagas() if saga.status is SagaStatus.FAILED]
        if self._mended or not self._setting.operators:
            return False
        self._mended = True
        for saga_id in parked:
            request = RetryRequested(actor="explore", reason="explored")
            self._ask("a retry by hand", saga_id, request)
        return bool(parked)

    def _steps_of(self, saga: SagaRecord) -> list[StepRecord]:
        loaded = self.stage.journal.load(saga.id, saga.total_steps)
        return loaded.steps if loaded else []

    def _send(self, saga_id: str, name: str) -> None:
        payload = msgspec.json.encode(self._setting.signals[name]).decode()
        self._ask(f"the signal {name}", saga_id, Signalled(step=name, payload=payload))

    def _carry_out(self, process: Process, fault: Fault) -> None:
        """Let a fault happen to a process."""
        self._last_life = self.stage.clock.now
        if fault.kind is FaultKind.CRASH:
            process.die()
        elif fault.kind is FaultKind.CANCEL:
            request = CancelRequested(actor="explore", reason="explored")
            self._ask("a cancel", SAGA_ID, request)
        elif fault.kind is FaultKind.PAUSE:
            self._ask("a pause", SAGA_ID, PauseRequested(actor="explore", reason="explored"))
        elif fault.kind is FaultKind.SIGNAL:
            for name in self._setting.signals:
                self._send(SAGA_ID, name)
        elif fault.kind is FaultKind.FREEZE:
            self._freeze(process, fault)
        elif process.task is not None:
            task = process.task
            copy = Task(task.delivery, task.at, task.dispatches - 1)
            self.stage.queue.tasks.append(copy)
            self._deliver(copy)

    def _freeze(self, process: Process, fault: Fault) -> None:
        since, queue = self.stage.clock.now, self.stage.queue
        if fault.lost:
            self._may_need_sweep = True
            queue.tasks = [task for task in queue.tasks if task is not process.task]
        self._frozen.append(since)
        self._go_on(_after(self._events, fault))
        self._frozen.pop()
        self._note_patience(since)

    def _note_patience(self, since: datetime) -> None:
        """A process has stood still since then: for longer, and its saga may seem to be lost."""
        if self.stage.clock.now - since > SLACK:
            self._may_need_sweep = True

    def _ask(self, name: str, saga_id: str, request: Asked | Signalled) -> None:
        """Let somebody ask something of a saga: not again, should it be refused or fail."""

        def ask() -> str:
            try:
                self.stage.engine.tell(saga_id, request)
            except (Conflict, NotFound, *AGAIN) as refused:
                return refused.code
            return "heard"

        self.stage.perform(Process(name), ask)


def _after(events: int, fault: Fault) -> int | None:
    return None if fault.events is None else events + fault.events


def _what(delivery: Delivery) -> tuple[object, ...]:
    """Return what a delivery is for, whatever its epoch."""
    return delivery.saga_id, delivery.phase, delivery.step, delivery.attempt, delivery.child
