"""The shipping service: shipments to the countries that it serves."""

from dataclasses import dataclass, replace
from enum import StrEnum

from domain.orders import faults
from domain.orders.order import Order
from lib.datastore import Id, Transaction, Version, entity, key
from lib.saga import Permanent, StepContext, apply_once, undo_once

#: ISO 3166 codes of the countries that we ship to.
SERVED = frozenset(
    [
        "AT",
        "BE",
        "CA",
        "CH",
        "DE",
        "DK",
        "ES",
        "FI",
        "FR",
        "GB",
        "IE",
        "IT",
        "JP",
        "LU",
        "NL",
        "NO",
        "PL",
        "PT",
        "SE",
        "US",
    ]
)


class ShipmentStatus(StrEnum):
    """The state of a shipment."""

    CREATED = "CREATED"
    CANCELLED = "CANCELLED"


@entity
@dataclass(slots=True, kw_only=True)
class Shipment:
    """The shipment of an order; the id is the order's."""

    id: Id[str]
    country: str
    units: dict[str, int]
    status: ShipmentStatus
    version: Version = 0


def create(order: Order, context: StepContext) -> dict[str, str]:
    """Create the shipment; Permanent for an address that we do not ship to."""
    faults.inject_fault("shipping", context)
    return apply_once(context, lambda tx: _create(tx, order, context.saga_id), type=dict[str, str])


def cancel(_: Order, context: StepContext) -> None:
    """Cancel the shipment."""
    faults.inject_fault("shipping", context)
    undo_once(context, lambda tx, created: _cancel(tx, created["shipment_id"]))


def _create(tx: Transaction, order: Order, order_id: str) -> dict[str, str]:
    country = order.address.country
    if country not in SERVED:
        raise Permanent(f"we do not ship to {country}")
    tx.insert(
        Shipment(id=order_id, country=country, units=order.units(), status=ShipmentStatus.CREATED)
    )
    return {"shipment_id": order_id}


def _cancel(tx: Transaction, shipment_id: str) -> None:
    shipment = tx.get(key(Shipment, shipment_id))
    tx.update(replace(shipment, status=ShipmentStatus.CANCELLED))
