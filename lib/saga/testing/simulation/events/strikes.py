"""Injects a fault into a process: it is killed or frozen, or something overtakes it."""

from collections.abc import Callable

from lib.saga.testing.memory.queue import QueuedTask
from lib.saga.testing.simulation.environment import Environment
from lib.saga.testing.simulation.events.actors import Actors
from lib.saga.testing.simulation.events.deliveries import Deliveries
from lib.saga.testing.simulation.faults.kinds import DEPLOY, DEPLOY_TYPES, Fault, FaultKind
from lib.saga.testing.simulation.processes.process import Process
from lib.saga.testing.simulation.processes.worker import Worker

#: Continues the run until this total number of events; None means until nothing is left to do.
GoOn = Callable[[int | None], None]


class Strikes:
    """Carries out faults at a point of a process, and ends the workers that they have started."""

    def __init__(
        self, environment: Environment, deliveries: Deliveries, actors: Actors, go_on: GoOn
    ) -> None:
        self._environment = environment
        self._deliveries = deliveries
        self._actors = actors
        self._go_on = go_on
        self._workers: list[Worker] = []

    def carry_out(self, process: Process, fault: Fault) -> None:
        """Apply a fault to a process."""
        state = self._environment.state
        state.last_life = self._environment.clock.now
        if fault.kind is FaultKind.CRASH:
            process.die()
        elif fault.kind is FaultKind.FREEZE:
            self._freeze(process, fault)
        elif fault.kind is FaultKind.INTERLEAVE and process.task is not None:
            self._interleave(process, process.task, fault)
        elif fault.kind is FaultKind.DUPLICATE and process.task is not None:
            self._deliveries.deliver(self._deliveries.copy(process.task))
        else:
            # A child's notification during the deployment is left to the sweep.
            state.may_need_sweep = state.may_need_sweep or fault in (DEPLOY, DEPLOY_TYPES)
            self._actors.carry_out(fault)

    def end_workers(self) -> None:
        """End the workers that still wait at a point, because the run is over."""
        for worker in self._workers:
            self._environment.processes.abandon(worker)
        self._workers.clear()

    def _interleave(self, process: Process, task: QueuedTask, fault: Fault) -> None:
        """Start a second worker, on another due task or on the same task."""
        now = self._environment.clock.now
        tasks = self._environment.queue.tasks
        others = [each for each in tasks if each is not task and each.at <= now]
        other = others[0] if others else self._deliveries.copy(task)
        worker = Worker(lambda: self._deliveries.deliver(other), takes_turns=fault.events is None)
        self._workers.append(worker)
        process.beside.append(worker)
        self._environment.processes.resume(worker, fault.events or 1)

    def _freeze(self, process: Process, fault: Fault) -> None:
        state, queue = self._environment.state, self._environment.queue
        since = self._environment.clock.now
        if fault.lost:
            state.may_need_sweep = True
            queue.tasks = [task for task in queue.tasks if task is not process.task]
        state.frozen.append(since)
        self._go_on(None if fault.events is None else state.events + fault.events)
        state.frozen.pop()
        self._environment.note_wait(since)
