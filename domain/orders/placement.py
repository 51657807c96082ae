"""Places and shows orders.

An order is stored only as the payload of its saga. As in every view of a saga, fields that `Order`
marks as `Secret` are not shown.
"""

from typing import Any

import msgspec

from domain.orders.order import Order
from domain.orders.saga import ORDER_PROCESSING
from lib.errors import NotFound
from lib.saga.engine.engine import Engine
from lib.saga.machine.causes import explain
from lib.saga.state.records import SagaRecord, SagaStatus
from lib.saga.state.redaction import conceal

#: The status that a customer sees, by the status of the order's saga.
ORDER_STATUS = {
    SagaStatus.PENDING: "PROCESSING",
    SagaStatus.RUNNING: "PROCESSING",
    SagaStatus.COMPLETED: "COMPLETED",
    SagaStatus.ROLLING_BACK: "CANCELLING",
    SagaStatus.ROLLED_BACK: "CANCELLED",
    SagaStatus.FAILED: "NEEDS_ATTENTION",
}


def place_order(engine: Engine, order: Order, order_id: str, traceparent: str) -> SagaRecord:
    """Start an order's saga. Idempotent for the same order and id."""
    return engine.start(ORDER_PROCESSING.name, order_id, order, traceparent=traceparent)


def find_order(engine: Engine, order_id: str) -> SagaRecord:
    """Return an order's saga; NotFound if there is none."""
    saga = engine.repository.find(order_id)
    if saga is None or saga.name != ORDER_PROCESSING.name:
        raise NotFound(f"no order {order_id!r}", field="id")
    return saga


def show_order(engine: Engine, saga: SagaRecord) -> dict[str, Any]:
    """Return an order and its status."""
    order = msgspec.json.decode(engine.repository.fill_record(saga).payload, type=Order)
    return {
        "id": saga.id,
        "status": ORDER_STATUS[saga.status],
        "reason": explain(saga.error),
        "total_cents": order.total_cents(),
        **conceal(order, Order),
        "created_at": saga.created_at,
        "updated_at": saga.updated_at,
    }
