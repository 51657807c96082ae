"""Orders through the whole system: the possible ends of one, and its effects."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from domain.orders.faults import Fault
from lib.datastore import Store, connect
from local.stack import Stack
from tests.saga.conftest import Shop
from tests.support.wait import wait_until

Open = Callable[..., Shop]


@pytest.fixture(scope="session")
def store(stack: Stack) -> Store:
    return Store(connect(project=stack.project, emulator_host=stack.datastore_host))


def step_statuses(saga: dict[str, list[dict[str, str]]]) -> list[str]:
    return [step["status"] for step in saga["steps"]]


def find_lines(stack: Stack, *marks: str) -> list[str]:
    """Return the complete lines of the worker's log so far that have all these marks."""
    whole = (stack.logs / "worker.log").read_text().rpartition("\n")[0]
    return [line for line in whole.splitlines() if all(mark in line for mark in marks)]


def test_an_order_that_can_be_fulfilled_completes(open_shop: Open) -> None:
    shop = open_shop()
    saga = shop.settle(shop.order(quantity=3))
    assert saga["status"] == "COMPLETED"
    assert step_statuses(saga) == ["COMPLETED"] * 4
    assert (shop.units, shop.cents) == (7, 7000)


def test_an_order_beyond_the_stock_changes_nothing(open_shop: Open) -> None:
    shop = open_shop(units=2)
    saga = shop.settle(shop.order(quantity=3))
    assert saga["status"] == "ROLLED_BACK"
    assert step_statuses(saga) == ["FAILED", "PENDING", "PENDING", "PENDING"]
    assert "3 of" in saga["error"]
    assert (shop.units, shop.cents) == (2, 10_000)


def test_an_order_beyond_the_credit_puts_the_units_back(open_shop: Open) -> None:
    shop = open_shop(cents=2999)
    saga = shop.settle(shop.order(quantity=3))
    assert step_statuses(saga) == ["COMPENSATED", "FAILED", "PENDING", "PENDING"]
    assert (shop.units, shop.cents) == (10, 2999)


def test_an_order_that_cannot_be_shipped_is_refunded(open_shop: Open) -> None:
    shop = open_shop()
    saga = shop.settle(shop.order(quantity=3, country="AQ"))
    assert step_statuses(saga) == ["COMPENSATED", "COMPENSATED", "FAILED", "PENDING"]
    assert (shop.units, shop.cents) == (10, 10_000)


def test_a_step_that_fails_twice_is_retried_and_happens_once(open_shop: Open, store: Store) -> None:
    shop = open_shop()
    store.insert(Fault(id=f"payment:{shop.sku}", fail_times=2))
    saga = shop.settle(shop.order(quantity=1, id=shop.sku))
    assert saga["status"] == "COMPLETED"
    assert saga["steps"][1]["attempts"] == 3
    assert (shop.units, shop.cents) == (9, 9000)


def test_a_failed_compensation_is_retried_until_it_succeeds(open_shop: Open, store: Store) -> None:
    shop = open_shop(cents=0)
    saga_id = shop.sku
    store.insert(Fault(id=f"inventory:{saga_id}", pass_times=1, fail_times=2))
    saga = shop.settle(shop.order(quantity=1, id=saga_id))
    assert saga["status"] == "ROLLED_BACK"
    assert saga["steps"][0]["tries"] == 3
    assert shop.units == 10


def test_a_step_that_outlasts_its_time_out_happens_once(open_shop: Open, store: Store) -> None:
    shop = open_shop()
    store.insert(Fault(id=f"shipping:{shop.sku}", dawdle_times=1, dawdle_seconds=5.5))
    saga = shop.settle(shop.order(quantity=1, id=shop.sku))
    assert saga["status"] == "COMPLETED"
    assert saga["steps"][2]["uncertain"]
    assert saga["steps"][2]["attempts"] == 2
    assert (shop.units, shop.cents) == (9, 9000)


def test_the_same_order_twice_is_one_order(open_shop: Open) -> None:
    shop = open_shop()
    assert shop.order(quantity=1, id=shop.sku) == shop.order(quantity=1, id=shop.sku)
    shop.settle(shop.sku)
    assert shop.order(quantity=1, id=shop.sku) == shop.sku
    assert shop.units == 9


def test_a_saga_is_one_trace_through_all_its_tasks(open_shop: Open, stack: Stack) -> None:
    shop = open_shop()
    trace = uuid4().hex
    body = {
        "id": shop.sku,
        "customer_id": shop.customer,
        "lines": [{"sku": shop.sku, "quantity": 1, "unit_price_cents": 1000}],
        "address": {"name": "Ann", "street": "1 Main St", "city": "X", "country": "US"},
    }
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    shop.caller.call("POST", "place-order", json=body, headers=headers)
    shop.settle(shop.sku)
    [finished] = wait_until(lambda: find_lines(stack, '"a saga is finished"', shop.sku))
    assert f'"logging.googleapis.com/trace":"projects/{stack.project}/traces/{trace}"' in finished


def test_the_audit_trail_is_complete(open_shop: Open) -> None:
    shop = open_shop(cents=0)
    events = shop.settle(shop.order(quantity=1))["events"][::-1]
    moves = [(e["step"], e["from"], e["to"]) for e in events if e["from"] != e["to"]]
    assert moves == [
        ("", "PENDING", "RUNNING"),
        ("reserve-inventory", "PENDING", "COMPLETED"),
        ("process-payment", "PENDING", "FAILED"),
        ("", "RUNNING", "ROLLING_BACK"),
        ("reserve-inventory", "COMPLETED", "COMPENSATED"),
        ("", "ROLLING_BACK", "ROLLED_BACK"),
    ]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))


def test_secrets_of_an_order_are_not_shown(open_shop: Open) -> None:
    shop = open_shop()
    order = shop.caller.call("GET", "get-order", params={"id": shop.order()})
    hidden = {"name": "[redacted]", "street": "[redacted]", "city": "X", "country": "US"}
    assert order["address"] == hidden
