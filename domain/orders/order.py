"""An order: the request of a caller, and the payload of its saga."""

from typing import Annotated

from msgspec import Meta, Struct

from lib.saga import Secret

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Identifier = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z",
        description="text of 1 to 100 letters, digits, dots, underscores and hyphens, "
        "starting with a letter or a digit",
    ),
]
Cents = Annotated[int, Meta(ge=0, le=100_000_000)]


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """Some units of one product, at a price per unit."""

    sku: Identifier
    quantity: Annotated[int, Meta(ge=1, le=10_000)]
    unit_price_cents: Cents


class Address(Struct, frozen=True, forbid_unknown_fields=True):
    """Where an order is sent; `country` is an ISO 3166 code of two letters."""

    name: Secret[Name]
    street: Secret[Name]
    city: Name
    country: Annotated[
        str, Meta(pattern=r"^[A-Z]{2}\Z", description="a country code of two capitals, such as GB")
    ]


class Order(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who buys what, and where it is sent."""

    customer_id: Identifier
    lines: Annotated[list[Line], Meta(min_length=1, max_length=50)]
    address: Address

    def total_cents(self) -> int:
        """Return the price of the whole order."""
        return sum(line.quantity * line.unit_price_cents for line in self.lines)

    def units(self) -> dict[str, int]:
        """Return the number of units per product; a product may be on several lines."""
        wanted: dict[str, int] = {}
        for line in self.lines:
            wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
        return wanted
