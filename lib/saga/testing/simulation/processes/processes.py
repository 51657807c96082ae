"""The processes of a run, and the points that they reach, where faults may happen."""

import contextvars
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from lib.saga.testing.memory.clock import BEGINNING, VirtualClock
from lib.saga.testing.simulation.faults.kinds import Choose, Fault, Point
from lib.saga.testing.simulation.processes.exceptions import InvariantViolated, Killed
from lib.saga.testing.simulation.processes.process import Process
from lib.saga.testing.simulation.processes.relevant_faults import RelevantFaults
from lib.saga.testing.simulation.processes.worker import Worker
from lib.saga.testing.simulation.state.run_state import Postponed, RunState

#: The duration of a call, so that later calls have later times.
LATENCY = timedelta(milliseconds=1)


class Processes:
    """Runs processes one inside another, and never two at the same time.

    What overtakes a process runs while that process waits at a point: see `carry_out`.
    """

    def __init__(
        self,
        clock: VirtualClock,
        relevant: RelevantFaults,
        carry_out: Callable[[Process, Fault], None],
    ) -> None:
        self.clock = clock
        #: The context variables of every process.
        self.context = contextvars.Context()
        self._relevant = relevant
        self._carry_out = carry_out

    def restore(self, state: RunState, choose: Choose) -> None:
        """Begin without a process, with the faults that `choose` chooses."""
        self.state = state
        self._choose = choose
        self._stack: list[Process] = []
        self._worker: Worker | None = None
        #: The processes of workers that wait.
        self._stacks: dict[Worker, list[Process]] = {}
        #: The violated invariant, in case the code under test has caught the exception.
        self._broken = ""

    @property
    def current(self) -> Process:
        """The process that runs now."""
        return self._stack[-1]

    def read_clock(self) -> datetime:
        """Return the time by the clock of the process that runs now."""
        return self.clock.now + (self._stack[-1].skew if self._stack else timedelta(0))

    def log(self, what: str) -> None:
        """Write a line of the run's report."""
        elapsed = (self.clock.now - BEGINNING).total_seconds()
        self.state.report.append(f"{elapsed:10.3f} s  {'  ' * len(self._stack)}{what}")

    def fail(self, why: str) -> None:
        """End the run, because an invariant does not hold."""
        self._broken = why
        raise InvariantViolated(why)

    def perform(self, process: Process, work: Callable[[], str]) -> str:
        """Run a process until it ends or is killed; return a one-word result."""
        self._stack.append(process)
        try:
            # It has its own context, because it may run in the middle of another process.
            ended = self.context.copy().run(work)
        except Killed:
            ended = "killed"
        finally:
            self._stack.pop()
        if self._broken:
            raise InvariantViolated(self._broken)
        self.log(f"{process.name}: {ended}")
        for worker in process.beside:
            self.resume(worker, None)
        return ended

    def resume(self, worker: Worker, points: int | None) -> None:
        """Let another worker continue for `points` points, or to its end if None."""
        if not worker.ended:
            with self._on_stack_of(worker):
                worker.resume(points)

    def abandon(self, worker: Worker) -> None:
        """End another worker at its point, because the run is over."""
        with self._on_stack_of(worker):
            worker.abandon()

    @contextmanager
    def _on_stack_of(self, worker: Worker) -> Iterator[None]:
        outer = self._stack, self._worker
        self._stack, self._worker = self._stacks.pop(worker, []), worker
        try:
            yield
        finally:
            self._stacks[worker] = self._stack
            self._stack, self._worker = outer

    def reach(self, where: str, *faults: Fault) -> Fault | None:
        """Reach a point; return the fault of `faults` that is chosen there, if any.

        Any other chosen fault is carried out here.
        """
        process = self.current
        process.live()
        common = self._relevant.of(process)
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
        """Let other workers take their turns."""
        for worker in process.beside:
            if worker.takes_turns:
                self.resume(worker, 1)
        if self._worker is not None:
            self._worker.come_to_point()
            process.live()

    def meet(self, where: str, process: str, faults: tuple[Fault, ...]) -> Fault | None:
        """Record a point, and return the fault that is chosen there."""
        if not faults:
            return None
        label = self._stack[-1].label if self._stack else ""
        return self.meet_at(label, where, process, faults)

    def meet_at(
        self, label: str, where: str, process: str, faults: tuple[Fault, ...]
    ) -> Fault | None:
        """Record a point of an element, and return the fault that is chosen there."""
        point = Point(len(self.state.points), where, process, faults, label)
        self.state.points.append(point)
        fault = self._choose(point)
        if fault is not None:
            self.state.injected.append((point, fault))
            if self._stack and self.current.task is None:
                self.state.unrepeated = True
            self.log(f"here: {fault.kind} {where}")
        return fault

    def do_later(self, fault: Fault, name: str, act: Callable[[], None]) -> None:
        """Postpone an action until the end of a fault."""
        until = None if fault.events is None else self.state.events + fault.events
        self.state.held.append(Postponed(until, name, act=act))
