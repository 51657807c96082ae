"""The job: reserve, pay, ship, notify. Each step is idempotent and returns a small JSON object.

The first three have compensations. Variant A runs all four; in variant B `ship` fails for good,
and `refund` and `release` run. Standard library only: every peer's interpreter imports it.

`PEER_STEPS` names a file that gets a line for each step that runs, and `PEER_PAUSE` one that says
how many seconds a step takes: both are for the crash test.
"""

import os
import time
import uuid
from pathlib import Path
from typing import Any

Order = dict[str, Any]

_STEPS = os.environ.get("PEER_STEPS", "")
_PAUSE = os.environ.get("PEER_PAUSE", "")
_steps = os.open(_STEPS, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if _STEPS else None


#: How a step takes its time; a peer whose steps are asynchronous has a way of its own.
sleep = time.sleep


class Declined(Exception):
    """The final error of variant B."""


def make_order(order_id: str, *, fail: bool = False) -> Order:
    """Return the payload of a saga."""
    return {
        "id": order_id, "sku": "sku-1", "qty": 2, "amount": 4200,
        "email": "a@example.com", "fail": fail,
    }  # fmt: skip


def new_id() -> str:
    """Return an id that no saga has."""
    return f"s-{uuid.uuid4().hex[:16]}"


def note(order: Order, step: str) -> None:
    """Record that a step runs, where that is asked for."""
    if _steps is not None:
        os.write(_steps, f"{order['id']} {step} {time.time():.4f}\n".encode())


def pause() -> float:
    """Return how many seconds a step is to take."""
    return float(Path(_PAUSE).read_text()) if _PAUSE else 0.0


def _work(order: Order, step: str) -> None:
    note(order, step)
    if seconds := pause():
        sleep(seconds)


def reserve(order: Order) -> Order:
    """Reserve the goods."""
    _work(order, "reserve")
    return {"reservation": f"r-{order['id']}", "sku": order["sku"], "qty": order["qty"]}


def pay(order: Order) -> Order:
    """Take the money."""
    _work(order, "pay")
    return {"payment": f"p-{order['id']}", "amount": order["amount"]}


def ship(order: Order) -> Order:
    """Send the parcel; raise Declined in variant B."""
    _work(order, "ship")
    if order["fail"]:
        raise Declined("no carrier")
    return {"shipment": f"s-{order['id']}", "eta_days": 3}


def notify(order: Order) -> Order:
    """Tell the customer."""
    _work(order, "notify")
    return {"sent": True, "to": order["email"]}


def release(order: Order) -> Order:
    """Undo `reserve`."""
    _work(order, "release")
    return {"released": f"r-{order['id']}"}


def refund(order: Order) -> Order:
    """Undo `pay`."""
    _work(order, "refund")
    return {"refunded": f"p-{order['id']}"}


def cancel(order: Order) -> Order:
    """Undo `ship`."""
    _work(order, "cancel")
    return {"cancelled": f"s-{order['id']}"}
