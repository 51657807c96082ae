"""The world that a saga runs in: its queue and its sweep, and what becomes of faults."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lib.errors import Conflict, Contention, NotFound, Unavailable
from lib.saga.outstanding import GRACE, is_overdue, outstanding
from lib.saga.records import ACTIVE, SagaRecord
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
AGAIN = (Unavailable, Contention)


@dataclass(frozen=True, slots=True)
class Moment:
    """A run between two events. `may_need_sweep`: only the sweep may be able to help now."""

    scene: Scene
    next_sweep: datetime
    last_life: datetime
    events: int = 0
    may_need_sweep: bool = False
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
        #: Tasks that the queue holds back, each until so many events have happened.
        self._held = [(until, replace(task)) for until, task in moment.held]

    def _save(self) -> Moment:
        return Moment(
            self.stage.save(),
            self._next_sweep,
            self._last_life,
            self._events,
            self._may_need_sweep,
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
        if task is None and not self._find_unfinished():
            return False
        if task is not None and task.at <= self._next_sweep:
            self.stage.clock.advance_to(task.at)
            self._dispatch(task)
        else:
            self._check_patience()
            self._sweep()
        return True

    def _take_ripe(self) -> Task | None:
        """Return a task that is held back no longer; when all is quiet, none is."""
        quiet = bool(self._held) and not self.stage.queue.tasks and not self._find_unfinished()
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
        process = Process(name_delivery(task.delivery), task)

        def deliver() -> str:
            self.stage.reach(f"at the beginning of {process.name}")
            try:
                return self.stage.engine.deliver(task.delivery, retries=number - 1)
            except AGAIN as problem:
                return problem.code
            except Exception as problem:
                raise PromiseBroken(f"{process.name} raised {problem!r}") from problem

        ended = self.stage.perform(process, deliver)
        if ended in ("killed", *(each.code for each in AGAIN)):
            queue.retry(task, number)
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
        if not any(is_overdue(saga, clock.now) for saga in self.stage.find_sagas()):
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

    def _find_unfinished(self) -> list[SagaRecord]:
        return [saga for saga in self.stage.find_sagas() if saga.status in ACTIVE]

    def _check_patience(self) -> None:
        """Raise PromiseBroken if the sweep, which alone can help now, has not done so in time."""
        if self.stage.queue.tasks:
            return
        for saga in self._find_unfinished():
            loaded = self.stage.journal.load(saga.id, saga.total_steps)
            awaited = outstanding(*loaded) if loaded else ()
            times = [max(each.at, self._last_life) + each.timeout for each in awaited]
            bound = max(times, default=self._last_life) + GRACE + self._setting.period + SLACK
            if self._next_sweep > bound:
                raise PromiseBroken(f"the saga is {saga.status} and nothing moves it any more")

    def _carry_out(self, process: Process, fault: Fault) -> None:
        """Let a fault happen to a process."""
        self._last_life = self.stage.clock.now
        if fault.kind is FaultKind.CRASH:
            process.die()
        elif fault.kind is FaultKind.CANCEL:
            self._cancel()
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

    def _cancel(self) -> None:
        def cancel() -> str:
            try:
                self.stage.engine.cancel(SAGA_ID, actor="explore", reason="explored")
            except (Conflict, NotFound, *AGAIN) as refused:
                return refused.code
            return "requested"

        self.stage.perform(Process("a cancel"), cancel)


def _after(events: int, fault: Fault) -> int | None:
    return None if fault.events is None else events + fault.events
