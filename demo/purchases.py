"""Real purchases as orders: the CDNOW sample (see data/README.md) with prices and addresses."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

SAMPLE = Path(__file__).parent / "data" / "cdnow_sample.txt"

#: One order in 40 goes to a country that we do not ship to.
ONE_IN_UNSHIPPABLE = 40
#: One customer in 6 has credit for only half of their orders.
ONE_IN_SHORT_OF_CREDIT = 6
#: One product in 4 has stock for only two thirds of its orders.
ONE_IN_SHORT_OF_STOCK = 4


@dataclass(frozen=True, slots=True)
class Purchase:
    """One customer's purchase of a number of CDs at one price."""

    id: str
    customer_id: str
    sku: str
    quantity: int
    unit_price_cents: int
    country: str

    @property
    def total_cents(self) -> int:
        """The price of the purchase in cents."""
        return self.quantity * self.unit_price_cents

    def to_order(self) -> dict[str, Any]:
        """Return the body that place-order takes."""
        return {
            "id": self.id,
            "customer_id": self.customer_id,
            "lines": [
                {
                    "sku": self.sku,
                    "quantity": self.quantity,
                    "unit_price_cents": self.unit_price_cents,
                }
            ],
            "address": {
                "name": f"Customer {self.customer_id}",
                "street": "1 Main Street",
                "city": "Springfield",
                "country": self.country,
            },
        }


@dataclass(frozen=True, slots=True)
class Supply:
    """The initial supply: units by product, and cents by customer."""

    units: dict[str, int]
    credit: dict[str, int]


def read_purchases(count: int) -> list[Purchase]:
    """Return the first `count` purchases by date; repeat the sample if it is too short."""
    rows = sorted(SAMPLE.read_text().splitlines(), key=lambda row: row.split()[2])
    return [_parse(number, row) for number, row in enumerate(islice(_endless(rows), count))]


def make_supply(purchases: Iterable[Purchase]) -> Supply:
    """Return stock and credit that are too small for some of the purchases."""
    units: dict[str, int] = defaultdict(int)
    credit: dict[str, int] = defaultdict(int)
    for purchase in purchases:
        units[purchase.sku] += purchase.quantity
        credit[purchase.customer_id] += purchase.total_cents
    for number, sku in enumerate(sorted(units)):
        if number % ONE_IN_SHORT_OF_STOCK == 0:
            units[sku] = units[sku] * 2 // 3
    for number, customer_id in enumerate(sorted(credit)):
        if number % ONE_IN_SHORT_OF_CREDIT == 0:
            credit[customer_id] //= 2
    return Supply(dict(units), dict(credit))


def _endless(rows: Sequence[str]) -> Iterator[str]:
    while True:
        yield from rows


def _parse(number: int, row: str) -> Purchase:
    _, customer, date, quantity, amount = row.split()
    price = round(float(amount) * 100 / int(quantity))
    return Purchase(
        id=f"order-{number:05d}-{date}",
        customer_id=f"customer-{customer}",
        sku=f"cd-{price}",
        quantity=int(quantity),
        unit_price_cents=price,
        country="AQ" if number % ONE_IN_UNSHIPPABLE == 1 else "US",
    )
