"""Deliveries: a task is lost, delayed, copied, or delivered by a process that may be killed."""

from datetime import timedelta

from lib.errors import AmendsError, Contention, NotBegun, Unavailable
from lib.saga.testing.memory.queue import QueuedTask
from lib.saga.testing.simulation.environment import Environment
from lib.saga.testing.simulation.faults.kinds import (
    AHEAD,
    BEHIND,
    COPIES,
    DELAYS,
    DROP,
    Fault,
    FaultKind,
)
from lib.saga.testing.simulation.processes.exceptions import InvariantViolated
from lib.saga.testing.simulation.processes.process import Process, name_delivery
from lib.saga.testing.simulation.state.run_state import Postponed

#: The maximum error of a clock.
SKEW = timedelta(seconds=5)

#: The errors that the engine raises so that the queue redelivers.
AGAIN = (Unavailable, Contention, NotBegun)


class Deliveries:
    """Delivers tasks from the queue to the engine."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def dispatch(self, task: QueuedTask) -> None:
        """Dispatch a task, unless the queue loses or delays it."""
        environment, name = self._environment, name_delivery(task.delivery)
        label = environment.sagas.label_of(task.delivery)
        faults = (DROP, *DELAYS, *COPIES)
        fault = environment.processes.meet_at(label, f"before {name}", name, faults)
        if fault is None:
            self.deliver(task)
        elif fault.kind is FaultKind.COPY:
            copy = QueuedTask(task.delivery, task.at, task.dispatches)
            self._hold(copy, 1, fault)
            self.deliver(task)
        elif fault.kind is FaultKind.DELAY:
            environment.state.may_need_sweep = True
            environment.queue.tasks.remove(task)
            self._hold(task, 0, fault)
        else:
            self._drop_all()

    def _drop_all(self) -> None:
        environment = self._environment
        environment.state.may_need_sweep = True
        environment.state.last_life = environment.clock.now
        environment.queue.drop_all()
        environment.state.held = [held for held in environment.state.held if held.act]

    def _hold(self, task: QueuedTask, after: int, fault: Fault) -> None:
        state = self._environment.state
        until = None if fault.events is None else state.events + after + fault.events
        state.held.append(Postponed(until, name_delivery(task.delivery), task))

    def do_held(self, held: Postponed) -> None:
        """Deliver a delayed task, or carry out another postponed action."""
        environment = self._environment
        if held.task is not None:
            environment.queue.tasks.append(held.task)
            self.deliver(held.task)
        elif held.act is not None:
            environment.processes.log(f"{held.name}: now, and late")
            held.act()
            environment.note_event()
            environment.state.may_need_sweep = True

    def copy(self, task: QueuedTask) -> QueuedTask:
        """Make the queue dispatch a task a second time."""
        copy = QueuedTask(task.delivery, task.at, task.dispatches - 1)
        self._environment.queue.tasks.append(copy)
        return copy

    def deliver(self, task: QueuedTask) -> None:
        """Run a delivery in a process, and report its result to the queue."""
        queue = self._environment.queue
        number = queue.dispatch(task)
        lost = task.lost
        label = self._environment.sagas.label_of(task.delivery)
        process = Process(name_delivery(task.delivery), task, label)
        ended = self._environment.perform(process, lambda: self._run(process, task, lost))
        if ended in ("killed", *(each.code for each in AGAIN)):
            queue.retry(task, number, answered=ended == NotBegun.code)
        else:
            queue.acknowledge(task, number)
        self._environment.note_event()

    def _run(self, process: Process, task: QueuedTask, lost: int) -> str:
        self._read_clock(process)
        try:
            return self._environment.engine.deliver(task.delivery, lost=lost)
        except AGAIN as problem:
            _check_refusal(process, problem)
            return problem.code
        except Exception as problem:  # the engine promises to raise nothing else
            raise InvariantViolated(f"{process.name} raised {problem!r}") from problem

    def _read_clock(self, process: Process) -> None:
        """Reach the start of a delivery, where its process may get a wrong clock."""
        where = f"at the beginning of {process.name}"
        fault = self._environment.processes.reach(where, AHEAD, BEHIND)
        if fault is not None:
            process.skew = SKEW if fault is AHEAD else -SKEW
            self._environment.state.may_need_sweep = True


def _check_refusal(process: Process, problem: AmendsError) -> None:
    """Only a delivery whose action has begun may end without a clear answer to the queue."""
    cause = problem.__cause__
    if cause is not None and not isinstance(cause, AmendsError):
        raise InvariantViolated(f"{process.name} raised {cause!r}") from problem
    if not process.began and not isinstance(problem, NotBegun):
        raise InvariantViolated(f"{process.name} ended without an answer, and nothing had begun")
