"""The sweeps of a run: when they run, what they do, and a check that they run in time."""

from datetime import datetime

from lib.errors import Unavailable
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.outstanding import GRACE, QUICK_REDELIVERIES, is_overdue, overdue_at
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import LOOK_PERIOD
from lib.saga.testing.memory.queue import QueuedTask
from lib.saga.testing.simulation.environment import SLACK, Environment
from lib.saga.testing.simulation.events.deliveries import SKEW
from lib.saga.testing.simulation.processes.exceptions import InvariantViolated
from lib.saga.testing.simulation.processes.process import Process, name_delivery
from lib.saga.testing.simulation.setting import Setting


class Sweeps:
    """Runs the sweep once per period, and the daily look when nothing else is left to do."""

    def __init__(self, setting: Setting, environment: Environment) -> None:
        self._period = setting.period
        self._environment = environment

    def skip_idle(self, task: QueuedTask | None) -> None:
        """Skip the sweeps that would find nothing before the next task."""
        sagas, state = self._environment.sagas, self._environment.state
        if sagas.has_unalerted():
            return
        times = [overdue_at(each) for each in sagas.find_outstanding()]
        times += [*self._find_due_times(), *([task.at] if task else [])]
        until = min(times, default=state.next_sweep)
        idle = (until - state.next_sweep) // self._period
        state.next_sweep += max(0, idle) * self._period

    def sweep(self) -> None:
        """Run the next sweep."""
        environment, state = self._environment, self._environment.state
        environment.clock.advance_to(state.next_sweep)
        while state.next_sweep <= environment.clock.now:
            state.next_sweep += self._period
        # Most sweeps run while a process is frozen, and would find nothing.
        now, sagas = environment.clock.now, environment.sagas
        overdue = any(is_overdue(saga, now) for saga in sagas.find_all())
        expired = any(at <= now for at in self._find_due_times())
        if not (overdue or expired or sagas.has_unalerted()):
            return
        state.has_looked |= any(at <= now for at in sagas.find_due_times(looks=True))
        injected = len(state.injected)
        ended = self._perform("a sweep")
        if ended == "0 delivered" and len(state.injected) == injected:
            return
        environment.note_event()
        for since in state.frozen:
            environment.note_wait(since)
        if overdue and not (state.may_need_sweep or state.unrepeated):
            raise InvariantViolated("the sweep was needed, although the queue lost nothing")

    def look(self) -> bool:
        """Run the daily look, the last safety net; False if no saga needs it."""
        environment = self._environment
        saga = environment.sagas.find_neglected()
        if saga is None:
            return False
        if environment.state.helped == saga.id:
            raise InvariantViolated(f"the daily look at saga {saga.id} does not help")
        environment.state.helped = saga.id
        environment.clock.advance(LOOK_PERIOD)
        self._perform("the daily look")
        environment.note_event()
        return True

    def check_patience(self) -> None:
        """Raise InvariantViolated if only the sweep can redeliver a task, and it is late."""
        state, sagas = self._environment.state, self._environment.sagas
        held = [each.task for each in state.held if each.task]
        queued = [_what(task.delivery) for task in (*self._environment.queue.tasks, *held)]
        for each in sagas.find_outstanding():
            if _what(each) in queued:
                continue
            patience = each.timeout + GRACE.first * 2 ** max(0, each.epoch - QUICK_REDELIVERIES)
            bound = max(each.at, state.last_life) + patience + self._period + SLACK
            if state.next_sweep > bound + 2 * SKEW:
                raise InvariantViolated(
                    f"{name_delivery(each)} was lost, and nothing redelivers it"
                )

    def _find_due_times(self) -> list[datetime]:
        """Return when the sweep has something to do, including the first daily looks."""
        sagas, looked = self._environment.sagas, self._environment.state.has_looked
        looks = [] if looked else sagas.find_due_times(looks=True)
        return looks + sagas.find_due_times(looks=False)

    def _perform(self, name: str) -> str:
        return self._environment.perform(Process(name, durable=False, sweeps=True), self._run)

    def _run(self) -> str:
        engine, clock = self._environment.engine, self._environment.processes.read_clock
        try:
            return f"{sweep(engine, clock).delivered} delivered"
        except Unavailable as problem:
            return problem.code


def _what(delivery: Delivery) -> tuple[object, ...]:
    """Return a delivery's identity without its epoch."""
    return delivery.saga_id, delivery.phase, delivery.step, delivery.attempt, delivery.child
