"""The costs of a saga: counted while it runs, and priced from one file."""

import re
from datetime import date

import pytest

from benchmarks.costs import (
    COORDINATION,
    add_compute,
    all_prices,
    print_bill,
    print_own_count,
    sagas_a_day,
)
from benchmarks.meter import Metered, meter
from lib.saga import Chaining
from lib.saga.operators.price import bill_of, price_of

NAMES = all_prices()


@pytest.fixture(scope="module")
def counted() -> Metered:
    return meter(4)


def test_a_saga_is_billed_for_its_tasks_twice_and_a_request_for_each_and_for_its_start(
    counted: Metered,
) -> None:
    assert counted.saga["tasks_operation"] == 2 * 4
    assert counted.saga["run_request"] == 4 + 1


def test_a_saga_is_read_once_a_delivery_and_written_once_more(counted: Metered) -> None:
    assert counted.saga["datastore_read"] == 4
    assert counted.saga["datastore_write"] == 4 + 1


def test_a_saga_is_one_record_to_delete(counted: Metered) -> None:
    assert counted.saga["datastore_delete"] == 1


def test_1000_chained_steps_cost_a_quarter_of_a_cent(counted: Metered) -> None:
    billed = {name: counted.saga[name] for name in COORDINATION}
    assert price_of(billed, NAMES) / 4 * 1000 <= 0.0025


def test_1000_inline_steps_cost_less_than_a_sixth_of_a_cent() -> None:
    inline = meter(4, Chaining.INLINE)
    counts = {name: inline.saga[name] for name in (*COORDINATION, "run_request")}
    assert counts == {
        "datastore_write": 5,
        "datastore_read": 0,
        "datastore_delete": 1,
        "tasks_operation": 0,
        "run_request": 1,
    }
    assert price_of({name: inline.saga[name] for name in COORDINATION}, NAMES) / 4 * 1000 <= 0.0015
    assert bill_of(inline.cost)["datastore_write"] == 5


def test_an_idle_sweep_costs_only_a_request(counted: Metered) -> None:
    billed = {name for name, count in counted.sweep.items() if count and name != "log_byte"}
    assert billed == {"run_request"}
    assert counted.sweep["run_request"] == 1


def test_a_saga_is_billed_for_a_line_of_each_of_its_requests(
    counted: Metered, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line has its time, message, function, saga and step, and no payload."""
    assert 5 * 200 < counted.saga["log_byte"] < 5 * 1000
    assert meter(5).saga["log_byte"] - counted.saga["log_byte"] > 200
    print_bill(counted.saga, NAMES, 4, 100)
    assert re.search(r"log_byte +\d+ +\$0.5 / 1,073,741,824", capsys.readouterr().out)


def test_the_price_is_the_count_times_the_list_price() -> None:
    prices = {"a": {"usd": 0.5, "per": 100}, "b": {"usd": 2.0, "per": 1}}
    assert price_of({"a": 300, "b": 2}, prices) == pytest.approx(5.5)


def test_the_free_tier_is_counted_after_the_sweep() -> None:
    prices = {
        "a": {"free": 100, "free_per": "day"},
        "b": {"free": 3000, "free_per": "month"},
        "c": {"free": 0, "free_per": "day"},
    }
    enough = sagas_a_day({"a": 5, "b": 1, "c": 1}, {"a": 50}, prices)
    assert enough == {"a": 10, "b": 100}


def test_a_request_is_billed_for_its_processor_and_its_memory() -> None:
    billed = add_compute({"run_request": 5}, 200)
    assert (billed["run_vcpu_second"], billed["run_gib_second"]) == (1.0, 0.5)


def test_every_price_has_its_source_and_the_file_its_date() -> None:
    assert date.fromisoformat(NAMES["read_on"])
    prices = [price for price in NAMES.values() if isinstance(price, dict)]
    assert all(price["source"] and price["usd"] > 0 for price in prices)


def test_a_sagas_own_count_equals_the_calls_on_the_wire(
    counted: Metered, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = {name: counted.saga[name] for name in ("datastore_write", "datastore_read")}
    assert bill_of(counted.cost) == seen | {"tasks_operation": counted.saga["tasks_operation"]}
    print_own_count(counted.cost, NAMES)
    assert "5 commits of 5 entities, 4 lookups of 4, 4 tasks: $0.0000089" in capsys.readouterr().out
