"""An operator's retry of a step that its participant has refused."""

from typing import Any
from uuid import uuid4

from domain.orders.inventory import Stock
from lib.datastore import connect
from lib.saga.barrier import apply_once
from lib.saga.definition.context import StepContext
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.machine.inputs import RetryRequested
from tests.saga.bench import Bench, start
from tests.saga.stock import STOCK, take


def reserve(_: Any, call: StepContext) -> Any:
    return apply_once(call, take)


SAGA = Saga(
    "letters",
    payload=dict[str, int],
    steps=(
        Step("pivot", execute=lambda *_: None, pivot=True),
        Step("reserve", execute=reserve),
    ),
)


def test_an_operator_can_retry_a_refused_step_once_the_reason_is_gone(host: str) -> None:
    bench = Bench(connect(project=f"p{uuid4().hex[:12]}", emulator_host=host), SAGA)
    bench.store.insert(Stock(id="cd", units=2))
    start(bench)
    bench.run_to_end()
    assert bench.statuses("s")[0] == "FAILED"
    bench.store.upsert(Stock(id="cd", units=10))
    bench.engine.apply("s", RetryRequested(actor="ann", reason="stock has come"))
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"
    assert bench.store.get(STOCK).units == 7
