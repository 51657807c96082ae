"""Orders that are chained inline, placed over HTTP: the request that places one also runs it."""

from pathlib import Path

import pytest
import requests

from lib.timing.deadline import BUDGET_HEADER
from local.stack import Stack
from tests.support.wait import wait_until

ADDRESS = {"name": "Ann", "street": "1 Main St", "city": "Springfield", "country": "US"}
LINE = {"sku": "pen", "quantity": 1, "unit_price_cents": 100}


@pytest.mark.slow
def test_the_request_that_places_an_order_runs_it_without_a_task(tmp_path: Path) -> None:
    with Stack(data=tmp_path, env={"AMENDS_CHAINING": "inline"}) as stack:

        def call(method: str, name: str, body: object = None, **headers: str) -> requests.Response:
            url = f"{stack.url}/{name}"
            return requests.request(method, url, json=body, headers=headers, timeout=30)

        def order(order_id: str) -> dict[str, object]:
            return {"id": order_id, "customer_id": "ann", "lines": [LINE], "address": ADDRESS}

        def show(order_id: str) -> dict[str, object]:
            shown: dict[str, object] = call("GET", f"get-saga?id={order_id}").json()
            return shown

        call("PUT", "set-stock", {"sku": "pen", "units": 5})
        call("PUT", "set-credit", {"customer_id": "ann", "available_cents": 1000})
        plain = call("POST", "place-order", order("o1"))
        assert (plain.status_code, plain.json()["status"]) == (202, "COMPLETED")
        waited = call("POST", "place-order", order("o2"), Prefer="wait=20")
        assert (waited.status_code, waited.json()["status"]) == (200, "COMPLETED")
        assert call("POST", "place-order", order("o2")).json()["status"] == "COMPLETED"
        assert {show(each)["cost"]["tasks"] for each in ("o1", "o2")} == {0}  # type: ignore[index]
        hurried = call("POST", "place-order", order("o3"), **{BUDGET_HEADER: "5"})
        assert (hurried.status_code, hurried.json()["status"]) == (202, "PROCESSING")
        ended = wait_until(lambda: show("o3"), lambda saga: saga["status"] == "COMPLETED")
        assert ended["cost"]["tasks"] == 1  # type: ignore[index]
