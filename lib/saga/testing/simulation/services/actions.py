"""The actions as the engine calls them, with a fault point before and after each call."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from lib.saga.author_code.containment import contain
from lib.saga.author_code.deferred_work import check_ran
from lib.saga.definition.phase import Phase
from lib.saga.engine.execution.call import Call
from lib.saga.state.delivery import Delivery
from lib.saga.testing.simulation.faults.kinds import STRAGGLERS, TIME_OUT, Fault, FaultKind
from lib.saga.testing.simulation.processes.exceptions import InvariantViolated, Killed
from lib.saga.testing.simulation.processes.process import Process, name_delivery
from lib.saga.testing.simulation.processes.processes import Processes
from lib.saga.testing.simulation.state.stored_sagas import StoredSagas


class FaultyActions:
    """Calls actions in the test's thread; a fault may make them time out or outlast a timeout."""

    def __init__(self, processes: Processes, sagas: StoredSagas) -> None:
        self._processes = processes
        self._sagas = sagas

    def call_within(self, timeout: timedelta, action: Callable[[], Any]) -> Any:
        """Call an action in this thread; raise TimeoutError if that fault is chosen."""
        process = self._processes.current
        call = getattr(action, "__self__", None)
        if not isinstance(call, Call):
            raise AssertionError("only a delivery runs an action")
        name = self._name(process, call.delivery)
        self._check_pause(process, call.delivery)
        process.called = called = self._processes.state.history.begin(call.delivery)
        process.began = True
        try:
            where = f"before the action of {name}"
            fault = self._processes.reach(where, TIME_OUT, *STRAGGLERS)
            if fault is not None:
                self._time_out(process, fault, timeout, action)
            value = _call(action)
            process.live()
            called.ended = True
        finally:
            process.called = None
        if not called.committed:
            process.moved = process.durable = True
        if self._processes.reach(f"after the action of {name}", TIME_OUT):
            self._time_out(process, TIME_OUT, timeout, action)
        return value

    def _name(self, process: Process, delivery: Delivery) -> str:
        """Return the name of the delivery whose action a process runs, its own or inline."""
        process.label = self._sagas.label_of(delivery)
        own = process.task is not None and process.task.delivery == delivery
        return process.name if own else f"{name_delivery(delivery)}, inline in {process.name}"

    def _check_pause(self, process: Process, delivery: Delivery) -> None:
        """Fail the run if a saga was paused before its delivery began, and is still paused."""
        paused = (
            {saga.id for saga in self._sagas.find_all() if saga.paused} if process.paused else ()
        )
        if delivery.phase is not Phase.STATUS and delivery.saga_id in process.paused & set(paused):
            self._processes.fail(f"{process.name} began, although its saga was paused")

    def _time_out(
        self, process: Process, fault: Fault, timeout: timedelta, action: Callable[[], Any]
    ) -> None:
        if fault.kind is FaultKind.OUTLAST and process.called:
            number, name = process.called.number, f"the late action of {process.name}"
            label = process.label
            self._processes.do_later(
                fault, name, lambda: self._go_on_late(number, name, label, action)
            )
        self._processes.clock.advance(timeout)
        raise TimeoutError(f"no answer within {timeout.total_seconds():g} s")

    def _go_on_late(self, number: int, name: str, label: str, action: Callable[[], Any]) -> None:
        """Run an action whose caller no longer waits; its result or error is lost."""

        def run() -> str:
            self._processes.current.called = self._processes.state.history.calls[number]
            try:
                _call(action)
            except Exception as problem:  # an author's code may raise anything
                return f"failed: {problem!r}"
            self._processes.state.history.calls[number].ended = True
            return "done"

        self._processes.perform(Process(name, label=label, sweeps=True), run)


def _call(action: Callable[[], Any]) -> Any:
    """Return what an action returns; raises as the engine's own call does."""
    return contain(lambda: check_ran(action(), "the action"), (Killed, InvariantViolated))
