"""A saga's run from its start until all is quiet: its queue, its sweep, and what faults do."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.errors import AmendsError, Contention, NotBegun, Unavailable
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.outstanding import GRACE, QUICK_REDELIVERIES, is_overdue, overdue_at
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import LOOK_PERIOD
from lib.saga.testing.memory.clock import BEGINNING
from lib.saga.testing.memory.queue import Task
from lib.saga.testing.simulation.actors import Actors
from lib.saga.testing.simulation.environment import Environment
from lib.saga.testing.simulation.faults import (
    AHEAD,
    BEHIND,
    COPIES,
    DELAYS,
    DEPLOY,
    DEPLOY_TYPES,
    DROP,
    Choose,
    Fault,
    FaultKind,
)
from lib.saga.testing.simulation.process import InvariantViolated, Process, name_delivery
from lib.saga.testing.simulation.setting import Setting
from lib.saga.testing.simulation.snapshot import Postponed, Snapshot
from lib.saga.testing.simulation.worker import Worker

#: The id of the saga that is explored.
SAGA_ID = "explored"

#: A report that is longer than this goes round in circles.
MAX_REPORT = 2000

#: What the latencies of the calls may add to a bound.
SLACK = timedelta(seconds=1)

#: How wrong a clock may be.
SKEW = timedelta(seconds=5)

#: What the engine raises to have a delivery come again.
AGAIN = (Unavailable, Contention, NotBegun)


@dataclass(frozen=True, slots=True)
class Moment:
    """A run between two events. `may_need_sweep`: only the sweep may be able to help now."""

    snapshot: Snapshot
    next_sweep: datetime
    last_life: datetime
    may_need_sweep: bool
    has_looked: bool
    actors: Actors

    @property
    def points(self) -> int:
        """How many points the run had come to."""
        return len(self.snapshot.points)


class Simulation:
    """Runs a saga as often as wanted, each time from the beginning until all is quiet."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self.environment = Environment(setting, self._carry_out)
        self._workers: list[Worker] = []

    def run(self, choose: Choose, since: Moment | None = None, *, remembers: bool = False) -> None:
        """Run the saga, or go on since a moment of an earlier run; raises InvariantViolated.

        `moments` has those of this run afterwards, if it `remembers`.
        """
        self.moments: list[Moment] = []
        self._restore(since or self._make_beginning(), choose)
        try:
            while not (self.environment.sagas.find_all() or self._start()):
                self.environment.clock.advance(SLACK)
            while True:
                if remembers:
                    self.moments.append(self._save())
                if not self._step():
                    return
        finally:
            for worker in self._workers:
                worker.abandon()
            self._workers.clear()

    def _make_beginning(self) -> Moment:
        first_sweep = BEGINNING + self._setting.period
        actors = Actors(self._setting, self.environment)
        return Moment(self.environment.beginning, first_sweep, BEGINNING, False, False, actors)

    def _restore(self, moment: Moment, choose: Choose) -> None:
        self.environment.restore(moment.snapshot, choose)
        self._next_sweep, self._last_life = moment.next_sweep, moment.last_life
        self._may_need_sweep = moment.may_need_sweep
        #: A daily look has come: the first one only, as they would cost a sweep a day.
        self._has_looked = moment.has_looked
        self._frozen: list[datetime] = []
        self._actors = moment.actors.copy()

    def _save(self) -> Moment:
        return Moment(
            self.environment.save(),
            self._next_sweep,
            self._last_life,
            self._may_need_sweep,
            self._has_looked,
            self._actors.copy(),
        )

    def _start(self) -> bool:
        """Start the saga; False when the caller has to try again."""

        def start() -> str:
            try:
                saga = self._setting.saga
                self.environment.engine.start(saga.name, SAGA_ID, self._setting.payload)
            except Unavailable as problem:
                return problem.code
            return "started"

        ended = self.environment.perform(Process("the start"), start)
        return ended == "started" or (ended == "killed" and bool(self.environment.sagas.find_all()))

    def _go_on(self, until: int | None) -> None:
        """Let everything go on until so many events have happened in all, or all is quiet."""
        while (until is None or self.environment.events < until) and self._step():
            pass

    def _step(self) -> bool:
        """Let the next thing happen; False when nothing more will."""
        if len(self.environment.report) > MAX_REPORT:
            raise InvariantViolated("the saga goes round in circles")
        due = self._take_due()
        if due is not None:
            self._do_held(due)
            return True
        task = self.environment.queue.next
        now = self.environment.clock.now
        if (task is None or task.at > now) and self._actors.send_signal():
            return True
        if task is None and not self._moves():
            return self._actors.repair() or self._look()
        self._skip_idle_sweeps(task)
        if task is not None and task.at <= self._next_sweep:
            self.environment.clock.advance_to(task.at)
            self._dispatch(task)
        else:
            self._check_patience()
            self._sweep()
        return True

    def _moves(self) -> bool:
        """Tell whether anything is still to come by itself."""
        return (
            bool(self.environment.sagas.find_outstanding())
            or self.environment.sagas.has_unalerted()
        )

    def _skip_idle_sweeps(self, task: Task | None) -> None:
        """Pass over the sweeps, however many, that would find nothing before the next task."""
        if self.environment.sagas.has_unalerted():
            return
        times = [overdue_at(each) for each in self.environment.sagas.find_outstanding()]
        times += [*self._find_due_times(), *([task.at] if task else [])]
        until = min(times, default=self._next_sweep)
        idle = (until - self._next_sweep) // self._setting.period
        self._next_sweep += max(0, idle) * self._setting.period

    def _take_due(self) -> Postponed | None:
        """Return what is held back no longer; when all is quiet, nothing is."""
        held, events = self.environment.held, self.environment.events
        quiescent = bool(held) and not self.environment.queue.tasks and not self._moves()
        for each in held:
            if quiescent or (each.until is not None and each.until <= events):
                held.remove(each)
                return each
        return None

    def _do_held(self, held: Postponed) -> None:
        if held.task is not None:
            self.environment.queue.tasks.append(held.task)
            self._deliver(held.task)
        elif held.act is not None:
            self.environment.log(f"{held.name}: now, and late")
            held.act()
            self._note_event()
            self._may_need_sweep = True

    def _dispatch(self, task: Task) -> None:
        """Deliver a task, unless the queue loses it or is late."""
        name = name_delivery(task.delivery)
        part = self.environment.sagas.part_of(task.delivery)
        faults = (DROP, *DELAYS, *COPIES)
        fault = self.environment.meet_at(part, f"before {name}", name, faults)
        if fault is None:
            self._deliver(task)
        elif fault.kind is FaultKind.COPY:
            copy = Task(task.delivery, task.at, task.dispatches)
            self._hold(copy, 1, fault)
            self._deliver(task)
        elif fault.kind is FaultKind.DELAY:
            self._may_need_sweep = True
            self.environment.queue.tasks.remove(task)
            self._hold(task, 0, fault)
        else:
            self._may_need_sweep = True
            self._last_life = self.environment.clock.now
            self.environment.queue.drop_all()
            self.environment.held = [held for held in self.environment.held if held.act]

    def _hold(self, task: Task, after: int, fault: Fault) -> None:
        until = None if fault.events is None else self.environment.events + after + fault.events
        self.environment.held.append(Postponed(until, name_delivery(task.delivery), task))

    def _deliver(self, task: Task) -> None:
        queue = self.environment.queue
        number = queue.dispatch(task)
        lost = task.lost
        part = self.environment.sagas.part_of(task.delivery)
        process = Process(name_delivery(task.delivery), task, part)

        def deliver() -> str:
            self._read_clock(process)
            try:
                return self.environment.engine.deliver(task.delivery, lost=lost)
            except AGAIN as problem:
                self._check_refusal(process, problem)
                return problem.code
            except Exception as problem:
                raise InvariantViolated(f"{process.name} raised {problem!r}") from problem

        ended = self.environment.perform(process, deliver)
        if ended in ("killed", *(each.code for each in AGAIN)):
            queue.retry(task, number, answered=ended == NotBegun.code)
        else:
            queue.acknowledge(task, number)
        self._note_event()

    def _check_refusal(self, process: Process, problem: AmendsError) -> None:
        """Only a delivery whose action has begun may leave the queue in doubt about it."""
        cause = problem.__cause__
        if cause is not None and not isinstance(cause, AmendsError):
            raise InvariantViolated(f"{process.name} raised {cause!r}") from problem
        if not process.began and not isinstance(problem, NotBegun):
            raise InvariantViolated(
                f"{process.name} ended without an answer, and nothing had begun"
            )

    def _read_clock(self, process: Process) -> None:
        """Come to the beginning of a delivery: its process may have a wrong clock."""
        fault = self.environment.reach(f"at the beginning of {process.name}", AHEAD, BEHIND)
        if fault is not None:
            process.skew = SKEW if fault is AHEAD else -SKEW
            self._may_need_sweep = True

    def _note_event(self) -> None:
        self.environment.events += 1
        self._last_life = self.environment.clock.now

    def _sweep(self) -> None:
        """Let the next sweep come."""
        environment = self.environment
        environment.clock.advance_to(self._next_sweep)
        while self._next_sweep <= environment.clock.now:
            self._next_sweep += self._setting.period
        # Most sweeps come while a process stands still, and would find nothing.
        now = environment.clock.now
        overdue = any(is_overdue(saga, now) for saga in environment.sagas.find_all())
        expired = any(at <= now for at in self._find_due_times())
        if not (overdue or expired or environment.sagas.has_unalerted()):
            return
        self._has_looked |= any(at <= now for at in environment.sagas.find_due_times(looks=True))
        struck = len(environment.injected)
        ended = environment.perform(Process("a sweep", durable=False, sweeps=True), self._do_sweep)
        if ended == "0 delivered" and len(environment.injected) == struck:
            return
        self._note_event()
        for since in self._frozen:
            self._note_patience(since)
        if overdue and not (self._may_need_sweep or environment.unrepeated):
            raise InvariantViolated("the sweep had to help, though the queue lost nothing")

    def _find_due_times(self) -> list[datetime]:
        """Return when the sweep has something to do, the first daily looks included."""
        looks = [] if self._has_looked else self.environment.sagas.find_due_times(looks=True)
        return looks + self.environment.sagas.find_due_times(looks=False)

    def _do_sweep(self) -> str:
        try:
            return (
                f"{sweep(self.environment.engine, self.environment.read_clock).delivered} delivered"
            )
        except Unavailable as problem:
            return problem.code

    def _look(self) -> bool:
        """Let the daily look come, which is the net under everything; False if all is well."""
        environment = self.environment
        saga = environment.sagas.find_neglected()
        if saga is None:
            return False
        if environment.helped == saga.id:
            raise InvariantViolated(f"the daily look at saga {saga.id} does not help")
        environment.helped = saga.id
        environment.clock.advance(LOOK_PERIOD)
        process = Process("the daily look", durable=False, sweeps=True)
        environment.perform(process, self._do_sweep)
        self._note_event()
        return True

    def _check_patience(self) -> None:
        """Raise InvariantViolated if the sweep, which alone can help now, came too late."""
        held = [each.task for each in self.environment.held if each.task]
        queued = [_what(task.delivery) for task in (*self.environment.queue.tasks, *held)]
        for each in self.environment.sagas.find_outstanding():
            if _what(each) in queued:
                continue
            patience = each.timeout + GRACE.first * 2 ** max(0, each.epoch - QUICK_REDELIVERIES)
            bound = max(each.at, self._last_life) + patience + self._setting.period + SLACK
            if self._next_sweep > bound + 2 * SKEW:
                raise InvariantViolated(
                    f"{name_delivery(each)} was lost, and nothing moves it any more"
                )

    def _carry_out(self, process: Process, fault: Fault) -> None:
        """Let a fault happen to a process."""
        self._last_life = self.environment.clock.now
        if fault.kind is FaultKind.CRASH:
            process.die()
        elif fault.kind is FaultKind.FREEZE:
            self._freeze(process, fault)
        elif fault.kind is FaultKind.INTERLEAVE and process.task is not None:
            self._interleave(process, process.task, fault)
        elif fault.kind is FaultKind.DUPLICATE and process.task is not None:
            self._deliver(self._copy(process.task))
        elif fault.kind is FaultKind.DEFERRED:
            self._defer(process, fault)
        else:
            # News of a child that comes meanwhile is left to the sweep.
            self._may_need_sweep = self._may_need_sweep or fault in (DEPLOY, DEPLOY_TYPES)
            self._actors.carry_out(fault)

    def _copy(self, task: Task) -> Task:
        """Have the queue dispatch a task once more."""
        copy = Task(task.delivery, task.at, task.dispatches - 1)
        self.environment.queue.tasks.append(copy)
        return copy

    def _interleave(self, process: Process, task: Task, fault: Fault) -> None:
        """Let a second worker begin: on what else is due now, or on the same task once more."""
        now = self.environment.clock.now
        tasks = self.environment.queue.tasks
        others = [each for each in tasks if each is not task and each.at <= now]
        other = others[0] if others else self._copy(task)
        worker = Worker(lambda: self._deliver(other), takes_turns=fault.events is None)
        self._workers.append(worker)
        process.beside.append(worker)
        self.environment.resume(worker, fault.events or 1)

    def _freeze(self, process: Process, fault: Fault) -> None:
        since, queue = self.environment.clock.now, self.environment.queue
        if fault.lost:
            self._may_need_sweep = True
            queue.tasks = [task for task in queue.tasks if task is not process.task]
        self._frozen.append(since)
        events = self.environment.events
        self._go_on(None if fault.events is None else events + fault.events)
        self._frozen.pop()
        self._note_patience(since)

    def _defer(self, process: Process, fault: Fault) -> None:
        """Let others go on between the two answers of a process's lookup."""
        if fault.events == 0 and process.task is not None:
            self._deliver(self._copy(process.task))
        else:
            self._freeze(process, fault)

    def _note_patience(self, since: datetime) -> None:
        """A process has stood still since then: for longer, and its saga may seem to be lost."""
        if self.environment.clock.now - since > SLACK:
            self._may_need_sweep = True


def _what(delivery: Delivery) -> tuple[object, ...]:
    """Return what a delivery is for, whatever its epoch."""
    return delivery.saga_id, delivery.phase, delivery.step, delivery.attempt, delivery.child
