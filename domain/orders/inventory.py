"""The inventory service: units in stock, and units reserved for an order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from domain.orders import faults
from domain.orders.order import Order
from lib.datastore import Id, Transaction, Version, entity, key
from lib.saga import Permanent, StepContext, apply_once, undo_once


@entity
@dataclass(slots=True, kw_only=True)
class Stock:
    """How many units of a product can still be sold; the id is the product's SKU."""

    id: Id[str]
    units: int
    version: Version = 0


def reserve(order: Order, context: StepContext) -> dict[str, int]:
    """Take the order's units out of stock; Permanent if there are too few of any product."""
    faults.inject_fault("inventory", context)
    return apply_once(context, lambda tx: _move(tx, order.units(), -1), type=dict[str, int])


def release(_: Order, context: StepContext) -> None:
    """Put the units back."""
    faults.inject_fault("inventory", context)
    undo_once(context, lambda tx, units: _move(tx, units, +1))


def _move(tx: Transaction, units: Mapping[str, int], sign: int) -> dict[str, int]:
    stocks = tx.find_multi([key(Stock, sku) for sku in units])
    for (sku, wanted), stock in zip(units.items(), stocks, strict=True):
        if stock is None:
            raise Permanent(f"there is no product {sku}")
        left = stock.units + sign * wanted
        if left < 0:
            raise Permanent(f"{wanted} of {sku} wanted, {stock.units} in stock")
        tx.update(replace(stock, units=left))
    return dict(units)
