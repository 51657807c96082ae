"""An engine on the local Datastore, with a queue and a clock that the test controls."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from lib.datastore import Rpc, Store
from lib.errors import Unavailable
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.definition.table import Definitions
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.retention import KEEP, Retention
from lib.saga.machine.inputs import CancelRequested
from lib.saga.operators.view import show_saga
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import SagaRecord, StepRecord
from tests.unit.datastore.connections import CountingConnection

NAMES = ("a", "b", "c", "d")
QUICK = RetryPolicy(attempts=3)


class HeldQueue:
    """Keeps deliveries until the test takes them; drops those whose task name was used before."""

    def __init__(self) -> None:
        self.waiting: list[Delivery] = []
        self.named: set[str] = set()
        self.is_down = False

    def enqueue(self, delivery: Delivery) -> None:
        if self.is_down:
            raise Unavailable("the queue is down")
        if delivery.task_name not in self.named:
            self.named.add(delivery.task_name)
            self.waiting.append(delivery)

    def take(self) -> Delivery:
        return self.waiting.pop(0)

    def lose_all(self) -> None:
        self.waiting.clear()


class Bench:
    """One engine with its queue, its clock and its counts."""

    def __init__(self, rpc: Rpc, *sagas: Saga) -> None:
        self.rpc = CountingConnection(rpc)
        self.store = Store(self.rpc)
        self.queue = HeldQueue()
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.engine = self.make_engine(*sagas)

    def make_engine(self, *sagas: Saga, retention: Retention = KEEP, **options: Any) -> Engine:
        repository = SagaRepository(self.store)
        return Engine(
            Definitions(sagas), repository, self.queue, self.now, retention=retention, **options
        )

    def now(self) -> datetime:
        return self.time

    def pass_time(self, **amount: float) -> None:
        self.time += timedelta(**amount)

    def deliver(self, delivery: Delivery | None = None, *, lost: int = 0) -> str:
        return self.engine.deliver(delivery or self.queue.take(), lost=lost)

    def run_to_end(self, *, limit: int = 100) -> list[str]:
        """Deliver everything in the queue at its time, until it is empty."""
        results: list[str] = []
        while self.queue.waiting:
            assert len(results) < limit, results
            delivery = self.queue.take()
            self.time = max(self.time, delivery.at)
            results.append(self.deliver(delivery))
        return results

    def cancel(self, saga_id: str) -> SagaRecord:
        return self.engine.apply(saga_id, CancelRequested(actor="op", reason="stop"))

    def load(self, saga_id: str) -> tuple[SagaRecord, list[StepRecord]]:
        loaded = self.engine.repository.load(saga_id)
        assert loaded is not None
        return self.engine.repository.fill(loaded)

    def show(self, saga_id: str = "s") -> dict[str, Any]:
        return show_saga(self.engine, self.engine.repository.get(saga_id).saga)

    def statuses(self, saga_id: str) -> list[str]:
        saga, steps = self.load(saga_id)
        return [str(saga.status), *(str(step.status) for step in steps)]


class Probe:
    """Actions for a saga that record their calls, and do what the test says."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.on: dict[str, Callable[[Any], Any]] = {}

    def execute(self, name: str) -> Callable[[Any, Any], Any]:
        return self._action(name)

    def undo(self, name: str) -> Callable[[Any, Any], Any]:
        return self._action(f"undo {name}")

    def _action(self, label: str) -> Callable[[Any, Any], Any]:
        def act(_: Any, call: Any) -> Any:
            self.calls.append(label)
            react = self.on.get(label)
            return react(call) if react else label

        return act


def make_step(probe: Probe, name: str, **options: Any) -> Step:
    return Step(
        name,
        execute=probe.execute(name),
        **{
            "compensate": probe.undo(name),
            "retry": QUICK,
            "compensation_retry": QUICK,
            "timeout": timedelta(seconds=1),
            **options,
        },
    )


def make_saga(probe: Probe, *, version: int = 1, names: tuple[str, ...] = NAMES) -> Saga:
    steps = tuple(make_step(probe, name) for name in names)
    return Saga("letters", payload=dict[str, int], steps=steps, version=version)


def start(bench: Bench, saga_id: str = "s", payload: Any = None) -> None:
    bench.engine.start("letters", saga_id, payload or {"n": 1})
