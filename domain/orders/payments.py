"""The payment service: customers' credit, and charges against it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from domain.orders import faults
from domain.orders.order import Order
from lib.datastore import Id, Indexed, Transaction, Version, entity, key
from lib.saga import Permanent, StepContext, apply_once, undo_once


class ChargeStatus(StrEnum):
    """The state of a charge."""

    CAPTURED = "CAPTURED"
    REFUNDED = "REFUNDED"


@entity
@dataclass(slots=True, kw_only=True)
class Credit:
    """How much a customer can still spend, in cents; the id is the customer's."""

    id: Id[str]
    available_cents: int
    version: Version = 0


@entity
@dataclass(slots=True, kw_only=True)
class Charge:
    """A charge for an order; the id is the order's."""

    id: Id[str]
    customer_id: Indexed[str]
    amount_cents: int
    status: ChargeStatus
    version: Version = 0


def charge(order: Order, context: StepContext) -> dict[str, Any]:
    """Charge the order's total; Permanent if the customer does not have enough credit."""
    faults.inject_fault("payment", context)
    return apply_once(context, lambda tx: _capture(tx, order, context.saga_id), type=dict[str, Any])


def refund(order: Order, context: StepContext) -> None:
    """Refund the charge."""
    faults.inject_fault("payment", context)
    undo_once(context, lambda tx, charged: _refund(tx, order.customer_id, charged["charge_id"]))


def _capture(tx: Transaction, order: Order, order_id: str) -> dict[str, Any]:
    amount = order.total_cents()
    credit = tx.find(key(Credit, order.customer_id))
    if credit is None or credit.available_cents < amount:
        raise Permanent(f"customer {order.customer_id} has less than {amount} cents of credit")
    tx.update(replace(credit, available_cents=credit.available_cents - amount))
    tx.insert(
        Charge(
            id=order_id,
            customer_id=order.customer_id,
            amount_cents=amount,
            status=ChargeStatus.CAPTURED,
        )
    )
    return {"charge_id": order_id, "amount_cents": amount}


def _refund(tx: Transaction, customer_id: str, charge_id: str) -> None:
    credit, charged = tx.find_multi([key(Credit, customer_id), key(Charge, charge_id)])
    available = credit.available_cents + charged.amount_cents
    tx.update(replace(credit, available_cents=available))
    tx.update(replace(charged, status=ChargeStatus.REFUNDED))
