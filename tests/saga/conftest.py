from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from demo.caller import Caller
from lib.datastore import connect
from local.datastore.api.server import serve
from local.stack.supervisor import PROJECT
from tests.saga.bench import Bench, Probe, make_saga
from tests.support.wait import PATIENCE, wait_until

FINAL = ("COMPLETED", "ROLLED_BACK", "FAILED")


class Shop:
    """A customer, a product and their orders, with names that no other test uses."""

    def __init__(self, caller: Caller, *, units: int = 10, cents: int = 10_000) -> None:
        self.caller = caller
        self.sku = f"cd-{uuid4().hex[:12]}"
        self.customer = f"ann-{uuid4().hex[:12]}"
        caller.call("PUT", "set-stock", json={"sku": self.sku, "units": units})
        caller.call(
            "PUT",
            "set-credit",
            json={"customer_id": self.customer, "available_cents": cents},
        )

    def order(self, *, quantity: int = 1, country: str = "US", id: str = "") -> str:
        """Place an order at 10 dollars a unit; return its id."""
        body = {
            "customer_id": self.customer,
            "lines": [{"sku": self.sku, "quantity": quantity, "unit_price_cents": 1000}],
            "address": {"name": "Ann", "street": "1 Main St", "city": "X", "country": country},
        }
        placed = self.caller.call("POST", "place-order", json=body | ({"id": id} if id else {}))
        return str(placed["id"])

    def settle(self, order_id: str, *, within: timedelta = PATIENCE) -> dict[str, Any]:
        """Wait until an order's saga is final, and return the saga."""
        read = partial(self.caller.call, "GET", "get-saga", params={"id": order_id})
        return wait_until(read, lambda saga: saga["status"] in FINAL, within)

    @property
    def units(self) -> int:
        return int(self.caller.call("GET", "get-stock", params={"sku": self.sku})["units"])

    @property
    def cents(self) -> int:
        found = self.caller.call("GET", "get-credit", params={"customer_id": self.customer})
        return int(found["available_cents"])


@pytest.fixture
def open_shop(caller: Caller) -> Callable[..., Shop]:
    def make(**options: Any) -> Shop:
        return Shop(caller, **options)

    return make


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = serve(tmp_path_factory.mktemp("engine"), index_file=PROJECT / "index.yaml")
    yield f"127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
def bench(host: str, probe: Probe) -> Bench:
    # Each test has its own project, so that it sees only its own sagas.
    return Bench(connect(project=f"p{uuid4().hex[:12]}", emulator_host=host), make_saga(probe))
