"""The books: compares the initial supply with what the participants hold now, to unit and cent."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from demo.purchases import Purchase, Supply
from domain.orders.inventory import Stock
from domain.orders.payments import Charge, ChargeStatus, Credit
from domain.orders.shipping import Shipment, ShipmentStatus
from lib.datastore import Query, Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Books:
    """Totals of what the participants hold: units by product, cents by customer."""

    left: dict[str, int]
    shipped: dict[str, int]
    credit: dict[str, int]
    captured: dict[str, int]


def read_books(store: Store) -> Books:
    """Read the participants' own records, not the sagas'."""
    shipped: dict[str, int] = defaultdict(int)
    captured: dict[str, int] = defaultdict(int)
    for shipment in _all(store, Shipment):
        if shipment.status is ShipmentStatus.CREATED:
            for sku, units in shipment.units.items():
                shipped[sku] += units
    for charge in _all(store, Charge):
        if charge.status is ChargeStatus.CAPTURED:
            captured[charge.customer_id] += charge.amount_cents
    left = {stock.id: stock.units for stock in _all(store, Stock)}
    credit = {each.id: each.available_cents for each in _all(store, Credit)}
    return Books(left, dict(shipped), credit, dict(captured))


def find_imbalances(books: Books, supply: Supply, completed: Iterable[Purchase]) -> list[str]:
    """Return a line for each product and customer whose books do not balance."""
    sold: dict[str, int] = defaultdict(int)
    earned: dict[str, int] = defaultdict(int)
    for purchase in completed:
        sold[purchase.sku] += purchase.quantity
        earned[purchase.customer_id] += purchase.total_cents
    return [
        *_compare("units in", supply.units, "left + shipped", _add(books.left, books.shipped)),
        *_compare("units shipped", books.shipped, "in completed orders", sold),
        *_compare("captured - refunded", books.captured, "in completed orders", earned),
        *_compare(
            "credit given", supply.credit, "left + captured", _add(books.credit, books.captured)
        ),
    ]


def _all(store: Store, kind: type[T]) -> Iterable[T]:
    token: str | None = None
    while True:
        page = store.page(Query(kind), size=300, token=token)
        yield from page.items
        token = page.next_page_token
        if token is None:
            return


def _add(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in one.keys() | other.keys()}


def _compare(this: str, ours: dict[str, int], that: str, theirs: dict[str, int]) -> Iterable[str]:
    for name in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(name, 0), theirs.get(name, 0)
        if one != other:
            yield f"{name}: {this} {one}, {that} {other}"
