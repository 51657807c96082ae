"""The notification service: messages to customers."""

from dataclasses import dataclass

from domain.orders import faults
from domain.orders.order import Order
from lib.datastore import Id, Transaction, Version, entity
from lib.saga import StepContext, apply_once


@entity
@dataclass(slots=True, kw_only=True)
class Notification:
    """The message about an order; the id is the order's."""

    id: Id[str]
    customer_id: str
    text: str
    version: Version = 0


def send(order: Order, context: StepContext) -> dict[str, str]:
    """Notify the customer once. This cannot be undone."""
    faults.inject_fault("notification", context)
    return apply_once(context, lambda tx: _send(tx, order, context.saga_id), type=dict[str, str])


def _send(tx: Transaction, order: Order, order_id: str) -> dict[str, str]:
    text = f"Your order {order_id} is on its way."
    tx.insert(Notification(id=order_id, customer_id=order.customer_id, text=text))
    return {"notification_id": order_id}
