"""Counts the billed operations of the engine at the wire while it runs a real saga."""

import contextlib
import io
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import flask

from lib.datastore import Rpc, Store, connect
from lib.observability.logs import annotate
from lib.observability.request_log import log_request
from lib.saga import Chaining, Definitions, Saga, Step, StepContext
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.state.cost import Cost
from lib.saga.state.delivery import Delivery
from local.datastore.api.server import serve
from local.stack.supervisor import PROJECT


class Meter:
    """Passes requests to a Datastore, and counts their billed operations."""

    def __init__(self, inner: Rpc) -> None:
        self._inner = inner
        self.project, self.database = inner.project, inner.database
        self.billed: Counter[str] = Counter()

    def call(self, method: str, request: Any, timeout: float) -> Any:
        """Send a request; a missing entity is also billed as a read."""
        answer = self._inner.call(method, request, timeout)
        if method == "Lookup":
            self.billed["datastore_read"] += len(request.keys)
        elif method == "RunQuery":
            self.billed["datastore_read"] += len(answer.batch.entity_results)
        elif method == "Commit":
            for mutation in request.mutations:
                self._count_mutation(mutation)
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def _count_mutation(self, mutation: Any) -> None:
        """Count a write; for a new entity also its deletion by the sweep, later."""
        self.billed["datastore_write"] += 1
        if mutation.WhichOneof("operation") == "insert":
            self.billed["datastore_delete"] += 1


class _Line:
    """Keeps deliveries for the caller, and counts them as Cloud Tasks bills them."""

    def __init__(self, billed: Counter[str]) -> None:
        self.waiting: list[Delivery] = []
        self._billed = billed

    def enqueue(self, delivery: Delivery) -> None:
        """Keep a delivery: one operation creates its task, one dispatches it."""
        self.waiting.append(delivery)
        self._billed["tasks_operation"] += 2


@dataclass(frozen=True, slots=True)
class Metered:
    """The billed operations of one saga and one sweep, by the names of the prices.

    `cost` is what the saga has counted in its own record.
    """

    saga: Counter[str]
    sweep: Counter[str]
    cost: Cost


def meter(steps: int, chaining: Chaining = Chaining.TASKS) -> Metered:
    """Run a saga of `steps` empty steps, and then a sweep that finds nothing.

    The start and each delivery count as one request to a function.
    """
    with tempfile.TemporaryDirectory(prefix="amends-costs-") as folder:
        server = serve(Path(folder), index_file=PROJECT / "index.yaml")
        try:
            rpc = connect("costs", emulator_host=f"127.0.0.1:{server.port}")
            return _meter(rpc, steps, chaining)
        finally:
            server.stop()


class _Edge:
    """Calls the engine as a function does, and counts the requests and their log lines."""

    def __init__(self, billed: Counter[str]) -> None:
        self._billed = billed
        self._app = flask.Flask("costs")

    def serve(self, function: str, action: Callable[[], object], **fields: Any) -> None:
        """Run the action as one request; what Cloud Logging adds to lines is not counted."""
        lines = io.StringIO()
        context = self._app.test_request_context(f"/{function}", method="POST")
        with (
            contextlib.redirect_stdout(lines),
            context,
            log_request(function, flask.request) as seen,
        ):
            annotate(**fields)
            action()
            seen.status = 200
        self._billed["run_request"] += 1
        self._billed["log_byte"] += len(lines.getvalue().encode())


def _meter(rpc: Rpc, steps: int, chaining: Chaining) -> Metered:
    counted = Meter(rpc)
    line = _Line(counted.billed)
    made = tuple(map(_make_step, range(steps)))
    saga = Saga("counted", payload=dict[str, int], steps=made, chaining=chaining)
    engine = Engine(Definitions([saga]), SagaRepository(Store(counted)), line, _now)
    edge = _Edge(counted.billed)
    edge.serve("start-saga", lambda: engine.start("counted", "s1", {"n": 1}), saga="s1")
    while line.waiting:
        next_up = line.waiting.pop(0)
        fields = {"saga": "s1", "phase": next_up.phase, "step": next_up.step,
                  "attempt": next_up.attempt, "result": "done"}  # fmt: skip
        edge.serve("run-saga-step", partial(engine.deliver, next_up), **fields)
    finished = counted.billed.copy()
    own = engine.repository.get("s1").saga.cost
    counted.billed.clear()
    edge.serve("sweep-sagas", lambda: sweep(engine, _now))
    counted.close()
    return Metered(finished, counted.billed, own)


def _make_step(number: int) -> Step:
    return Step(f"step-{number}", execute=_do_nothing, compensate=_do_nothing)


def _do_nothing(_payload: Any, call: StepContext) -> str:
    return call.step


def _now() -> datetime:
    return datetime.now(UTC)
