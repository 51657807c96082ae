"""The order saga under every fault at every point."""

from collections.abc import Callable

import pytest

from domain.orders.inventory import Stock
from domain.orders.notifications import Notification
from domain.orders.order import Address, Line, Order
from domain.orders.payments import Charge, ChargeStatus, Credit
from domain.orders.saga import ORDER_PROCESSING
from domain.orders.shipping import Shipment, ShipmentStatus
from lib.datastore import Query, Store
from lib.saga.state.records import SagaRecord, SagaStatus
from lib.saga.testing import explore


def make_order(country: str = "US") -> Order:
    address = Address(name="Ann", street="1 Main St", city="X", country=country)
    return Order(customer_id="ann", lines=[Line("cd", 2, 1000)], address=address)


def open_shop(cents: int = 5000) -> Callable[[Store], None]:
    def prepare(store: Store) -> None:
        store.insert(Stock(id="cd", units=10))
        store.insert(Credit(id="ann", available_cents=cents))

    return prepare


def books_balance(store: Store) -> None:
    """Check that everything taken was delivered and paid, and a rolled-back order left nothing."""
    [saga] = store.run(Query(SagaRecord))
    [stock], [credit] = store.run(Query(Stock)), store.run(Query(Credit))
    paid = [c for c in store.run(Query(Charge)) if c.status is ChargeStatus.CAPTURED]
    sent = [s for s in store.run(Query(Shipment)) if s.status is ShipmentStatus.CREATED]
    assert saga.status in (SagaStatus.COMPLETED, SagaStatus.ROLLED_BACK)
    done = saga.status is SagaStatus.COMPLETED
    assert stock.units == (8 if done else 10)
    assert credit.available_cents + sum(charge.amount_cents for charge in paid) in (5000, 10)
    assert (len(paid), len(sent)) == ((1, 1) if done else (0, 0))
    assert len(store.run(Query(Notification))) == done or not done


ORDERS = {
    "a good order": (make_order(), open_shop()),
    "an order without credit": (make_order(), open_shop(cents=10)),
    "an order that does not ship": (make_order("ZZ"), open_shop()),
}


@pytest.mark.parametrize("what", ORDERS)
def test_the_books_balance_after_every_fault(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    order, prepare = ORDERS[what]
    ran = explore(ORDER_PROCESSING, order, books_balance, prepare=prepare, may_park=False)
    assert ran.schedules > 100
    if what == "a good order":
        print(ran)
        check_report(capsys.readouterr().out)


def check_report(printed: str) -> None:
    """Check that the printed report shows which faults each step met."""
    first, *parts = printed.splitlines()
    assert first.endswith(f"the saga in the end: COMPLETED {first.split()[0]}")
    assert [line.partition(":")[0] for line in parts] == [
        step.name for step in ORDER_PROCESSING.elements
    ]
    for line in parts:
        assert {"crash", "freeze", "timeout"} <= {
            each.strip().rpartition(" ")[0] for each in line.partition(":")[2].split(",")
        }
