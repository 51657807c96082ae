"""The personal data of an order, which operators and logs do not see."""

import msgspec

from domain.orders.order import Address, Line, Order
from lib.saga.definition.types.secret import REDACTED
from lib.saga.state.redaction import conceal, redact

ORDER = Order(
    customer_id="customer-7",
    lines=[Line(sku="tea", quantity=2, unit_price_cents=450)],
    address=Address(name="Ann Lee", street="1 High St", city="Leeds", country="GB"),
)


def test_an_order_is_shown_without_recipient_and_street() -> None:
    shown = msgspec.to_builtins(ORDER)
    shown["address"] |= {"name": REDACTED, "street": REDACTED}
    assert conceal(ORDER, Order) == shown


def test_an_error_about_an_order_names_only_the_customers_id() -> None:
    error = "customer-7: Ann Lee of 1 High St, Leeds, has no credit"
    wanted = f"customer-7: {REDACTED} of {REDACTED}, Leeds, has no credit"
    assert redact(error, ORDER, Order) == wanted
