"""The network as a run's actions see it, with a fault point before and after each request."""

from collections.abc import Callable
from datetime import datetime

from lib.datastore import Store
from lib.saga.definition.context import Retry, Unknown
from lib.saga.remote.exchange import CallAnswer, CallRequest, seconds_until
from lib.saga.testing.memory.http_stand_in import HttpStandIn
from lib.saga.testing.simulation.faults.kinds import (
    BAD_GATEWAY,
    LATE_ANSWER,
    LATE_REQUESTS,
    LOST_ANSWER,
    LOST_REQUEST,
    NO_CONNECTION,
    SERVED_AGAIN,
    Fault,
    FaultKind,
)
from lib.saga.testing.simulation.processes.processes import LATENCY, Processes


class FaultyNetwork:
    """Sends requests to a stand-in; faults lose, delay and repeat them."""

    def __init__(self, processes: Processes, store: Store, stand_in: HttpStandIn | None) -> None:
        self._processes = processes
        self._store = store
        self._stand_in = stand_in

    def exchange(self, request: CallRequest, deadline: datetime) -> CallAnswer:
        """Serve a request, unless a fault is chosen. Raises Retry or Unknown for a fault."""
        process = self._processes.current
        process.live()
        self._processes.clock.advance(LATENCY)
        seconds_until(deadline)
        what = f"the {request.method} {request.url.partition('?')[0]} of {process.name}"
        faults = (NO_CONNECTION, LOST_REQUEST, *LATE_REQUESTS)
        fault = self._processes.reach(f"before {what}", *faults)
        if fault is not None:
            raise self._lose(request, what, fault, deadline)
        answer = self._serve(request)
        process.moved = process.durable = True
        faults = (LOST_ANSWER, LATE_ANSWER, BAD_GATEWAY, *SERVED_AGAIN)
        fault = self._processes.reach(f"after {what}", *faults)
        return answer if fault is None else self._spoil(request, answer, fault, deadline)

    def fetch_token(self, _tokens: Callable[[str], str], audience: str) -> str:
        """Return a fake token: there is no token source."""
        return f"token-for-{audience}"

    def _serve(self, request: CallRequest) -> CallAnswer:
        if self._stand_in is None:
            self._processes.fail(
                f"{request.method} {request.url} is called, but has no stand-in: "
                "pass http=HttpStandIn({...})"
            )
            raise AssertionError
        try:
            return self._stand_in.serve(request, self._store)
        except Exception as problem:  # an error in the test, not in the tested code
            self._processes.fail(f"the stand-in cannot serve {request.method}: {problem!r}")
            raise

    def _lose(self, request: CallRequest, what: str, fault: Fault, deadline: datetime) -> Exception:
        """Return the error for a request that does not arrive, or not in time."""
        if fault.kind is FaultKind.NO_CONNECTION:
            return Retry("no connection: ConnectionRefusedError")
        if fault.kind is FaultKind.SERVED_LATE:
            self._processes.do_later(fault, what, lambda: self._serve_later(request))
        self._wait_until(deadline)
        return Unknown("no answer: ReadTimeoutError")

    def _spoil(
        self, request: CallRequest, answer: CallAnswer, fault: Fault, deadline: datetime
    ) -> CallAnswer:
        """Return a wrong answer to a served request, or raise Unknown."""
        if fault.kind is FaultKind.SERVED_TWICE:
            if fault.events == 0:
                return self._serve(request)
            name = f"{request.method} {request.url.partition('?')[0]} once more"
            self._processes.do_later(fault, name, lambda: self._serve_later(request))
            return answer
        if fault.kind is FaultKind.BAD_GATEWAY:
            return CallAnswer(status=502, headers={"Content-Type": "text/html"})
        if fault.kind is FaultKind.LATE_ANSWER:
            self._wait_until(deadline)
        raise Unknown("no answer: ConnectionResetError")

    def _serve_later(self, request: CallRequest) -> None:
        self._serve(request)

    def _wait_until(self, deadline: datetime) -> None:
        left = deadline - self._processes.read_clock()
        self._processes.clock.advance(left)
