"""The cost of a saga at the list prices of Datastore and Cloud Tasks."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from lib.saga.state.cost import Cost

#: The prices, each with its source, and the date on which they were read.
PRICES = Path(__file__).with_name("prices.json")


def bill_of(cost: Cost) -> dict[str, int]:
    """Return the billed operations by price name; a task counts as creation and dispatch."""
    return {
        "datastore_write": cost.writes,
        "datastore_read": cost.reads,
        "tasks_operation": 2 * cost.tasks,
    }


def price_of(billed: Mapping[str, float], prices: Mapping[str, Any]) -> float:
    """Return the list price in US dollars, without free tiers."""
    return sum(
        count * float(prices[name]["usd"]) / float(prices[name]["per"])
        for name, count in billed.items()
    )


def show_cost(cost: Cost) -> dict[str, Any]:
    """Return a saga's numbers of operations, their price, and the date of the prices."""
    prices = read_prices()
    usd = round(price_of(bill_of(cost), prices), 9)
    return {**dataclasses.asdict(cost), "usd": usd, "prices_read_on": prices["read_on"]}


@cache
def read_prices() -> Mapping[str, Any]:
    """Return the prices by name."""
    prices: Mapping[str, Any] = msgspec.json.decode(PRICES.read_bytes())
    return prices
