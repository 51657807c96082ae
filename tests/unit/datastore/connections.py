"""Connections that count calls, refuse them, or lose their answers; and one without a server."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import grpc

from lib.datastore import Rpc


class Refusal(grpc.RpcError):
    """What gRPC raises for a failed call."""

    def __init__(self, status: str, details: str = "") -> None:
        super().__init__(status)
        self._status = grpc.StatusCode[status]
        self._details = details

    def code(self) -> grpc.StatusCode:
        return self._status

    def details(self) -> str:
        return self._details


class CountingConnection:
    """Counts the calls to another connection, and the entities in them."""

    def __init__(self, inner: Rpc) -> None:
        self.inner = inner
        self.project = inner.project
        self.database = inner.database
        self.calls: Counter[str] = Counter()
        #: The keys of lookups and the mutations of commits.
        self.entities: Counter[str] = Counter()

    def call(self, method: str, request: Any, timeout: float) -> Any:
        self.calls[method] += 1
        if method in ("Lookup", "Commit"):
            self.entities[method] += len(request.keys if method == "Lookup" else request.mutations)
        return self.inner.call(method, request, timeout)

    def close(self) -> None:
        self.inner.close()


class FaultyConnection(CountingConnection):
    """Makes chosen calls fail: before they are sent, or after their answer."""

    def __init__(self, inner: Rpc) -> None:
        super().__init__(inner)
        self._refusals: dict[str, deque[Exception]] = {}
        self._losses: dict[str, deque[Exception]] = {}
        self.meanwhile: Callable[[], None] | None = None

    def refuse(self, method: str, *statuses: str) -> None:
        """Fail the next calls of a method with these statuses, without sending them."""
        self._refusals[method] = deque(Refusal(status) for status in statuses)

    def lose(self, method: str, *statuses: str) -> None:
        """Send the next calls of a method, but fail them with these statuses."""
        self._losses[method] = deque(Refusal(status) for status in statuses)

    def call(self, method: str, request: Any, timeout: float) -> Any:
        if self._refusals.get(method):
            self.calls[method] += 1
            raise self._refusals[method].popleft()
        answer = super().call(method, request, timeout)
        if self._losses.get(method):
            error = self._losses[method].popleft()
            if self.meanwhile is not None:
                then, self.meanwhile = self.meanwhile, None
                then()
            raise error
        return answer


class Script:
    """A connection without a server: a function of the request answers each method."""

    project = "p"
    database = ""

    def __init__(self, **answers: Callable[[Any], Any]) -> None:
        self.answers = answers
        self.requests: list[tuple[str, Any]] = []
        self.timeouts: list[float] = []

    def call(self, method: str, request: Any, timeout: float) -> Any:
        self.requests.append((method, request))
        self.timeouts.append(timeout)
        return self.answers[method](request)

    def close(self) -> None:
        pass
