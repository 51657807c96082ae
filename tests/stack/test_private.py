"""No log line of a demo run quotes secrets or personal data of callers."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from demo.caller import Caller
from demo.purchases import read_purchases
from demo.replay import run
from domain.orders.faults import Fault
from lib.datastore import Store, connect
from local.stack import Stack
from tests.support.settled import wait_until_settled

JSON = {"Content-Type": "application/json"}
ORDERS = 40
PRICE = 73_819_264
CUSTOMER = "zelda.fitz.at.example.com"
ADDRESS = {"name": "Zelda Fitz", "street": "77 Hidden Lane", "city": "Whisperton"}
SECRETS = ("t0ken-s3cret", "idem-s3cret", "unknown-s3cret", "query-s3cret", "header-s3cret")


def make_order(order_id: str, **change: Any) -> dict[str, Any]:
    line = {"sku": "tea", "quantity": 2, "unit_price_cents": PRICE}
    address = {**ADDRESS, "country": "GB"}
    return {"id": order_id, "customer_id": CUSTOMER, "lines": [line], "address": address} | change


def place_orders(stack: Stack) -> None:
    """Place orders with every end: completed, refused by each service, failing twice, malformed."""
    caller = Caller(stack.url)
    store = Store(connect(project=stack.project, emulator_host=stack.datastore_host))
    caller.call("PUT", "set-stock", json={"sku": "tea", "units": 100})
    caller.call("PUT", "set-credit", json={"customer_id": CUSTOMER, "available_cents": 9 * PRICE})
    store.insert(Fault(id="payment:fails-twice", fail_times=2))
    too_many = [{"sku": "tea", "quantity": 1000, "unit_price_cents": 1}]
    too_dear = [{"sku": "tea", "quantity": 10, "unit_price_cents": 99_999_999}]
    for order in (
        make_order("done"),
        make_order("fails-twice"),
        make_order("no-stock", lines=too_many),
        make_order("no-credit", lines=too_dear),
        make_order("unshippable", address={**ADDRESS, "country": "AQ"}),
    ):
        caller.call("POST", "place-order", json=order)


def send_what_is_refused(stack: Stack) -> list[int]:
    """Send requests that the edge refuses, each with a secret; return the statuses."""
    place = f"{stack.url}/place-order"
    secret = {"Authorization": f"Bearer {SECRETS[0]}", "Idempotency-Key": SECRETS[1]}
    answers = [
        requests.post(place, json=make_order("x", **{SECRETS[2]: ADDRESS["street"]}), timeout=30),
        requests.post(place, json=make_order("x", address=ADDRESS["street"]), timeout=30),
        requests.post(place, data=f'{{"name": "{ADDRESS["name"]}"', headers=JSON, timeout=30),
        requests.get(f"{stack.url}/get-order", params={"id": f"{SECRETS[3]}!"}, timeout=30),
        requests.get(f"{stack.url}/{SECRETS[3]}", headers=secret, timeout=30),
        requests.post(f"{stack.url}/run-saga-step", headers=secret, json=ADDRESS, timeout=30),
        requests.post(place, json=ADDRESS, headers={"traceparent": SECRETS[4]}, timeout=30),
    ]
    return [answer.status_code for answer in answers]


def run_and_read_logs(folder: Path) -> dict[str, str]:
    """Run the demo and send all those requests; return the log of each process of the stack.

    The functions log like deployed ones; locally they would quote errors by default. The
    logs are read when the processes have ended, because some lines follow the answer.
    """
    as_deployed = {"AMENDS_ALLOW_FAULTS": "1", "AMENDS_LOG_TEXTS": "0"}
    with Stack(data=folder, port=0, env=as_deployed) as stack:
        assert run(stack, ORDERS, chaos=False) == 0
        place_orders(stack)
        assert all(400 <= status < 500 for status in send_what_is_refused(stack))
        wait_until_settled(Caller(stack.url), ORDERS + 5, timedelta(minutes=1))
    return {file.name: file.read_text() for file in stack.logs.glob("*.log")}


def test_no_log_line_of_a_demo_run_quotes_what_callers_sent(tmp_path: Path) -> None:
    logs = run_and_read_logs(tmp_path)
    personal = [CUSTOMER, *ADDRESS.values(), str(PRICE), "99999999", "1 Main Street", "Springfield"]
    for purchase in read_purchases(ORDERS):
        personal += [purchase.customer_id, f"Customer {purchase.customer_id}"]
    for name, text in logs.items():
        assert [mark for mark in (*personal, *SECRETS) if mark in text] == [], name
    assert_that_it_was_logged(logs["functions.log"] + logs["worker.log"])


def assert_that_it_was_logged(log: str) -> None:
    lines = [json.loads(each) for each in log.splitlines() if each[:1] == "{"]
    done = [line for line in lines if line["message"] == "request"]
    assert sum(line["function"] == "place-order" for line in done) >= ORDERS + 5
    assert sum(line["function"] == "run-saga-step" for line in done) >= ORDERS
    assert sum(line.get("saga") == "done" for line in done) >= 4
    assert any(line.get("alert") == "caller-refused" for line in lines)
