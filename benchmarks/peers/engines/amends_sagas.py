"""The job as sagas of Amends, by both ways of chaining, and their table."""

import os
import socket
from typing import Any

from msgspec import Struct, structs

from benchmarks.peers.load import job
from lib.saga import Chaining, Permanent, Saga, Step, StepContext
from lib.saga.definition.table import Definitions

_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


class Order(Struct):
    """The payload."""

    id: str
    sku: str
    qty: int
    amount: int
    email: str
    fail: bool = False


def reserve(order: Order, _: StepContext) -> dict[str, Any]:
    return job.reserve(structs.asdict(order))


def pay(order: Order, _: StepContext) -> dict[str, Any]:
    return job.pay(structs.asdict(order))


def ship(order: Order, _: StepContext) -> dict[str, Any]:
    try:
        return job.ship(structs.asdict(order))
    except job.Declined as problem:
        raise Permanent(str(problem)) from problem


def notify(order: Order, _: StepContext) -> dict[str, Any]:
    sent = job.notify(structs.asdict(order))
    _tell(order, "done")
    return sent


def release(order: Order, _: StepContext) -> None:
    job.release(structs.asdict(order))
    _tell(order, "compensated")


def refund(order: Order, _: StepContext) -> None:
    job.refund(structs.asdict(order))


def cancel(order: Order, _: StepContext) -> None:
    job.cancel(structs.asdict(order))


def _tell(order: Order, ended: str) -> None:
    """Tell the client, as Celery's last task does over Redis; nobody may be there to hear it."""
    try:
        _socket.sendto(f"{order.id} {ended}".encode(), os.environ["PEER_SOCKET"])
    except OSError:
        return


def _make(name: str, **options: Any) -> Saga[Order]:
    return Saga(
        name,
        payload=Order,
        steps=(
            Step("reserve", execute=reserve, compensate=release),
            Step("pay", execute=pay, compensate=refund),
            Step("ship", execute=ship, compensate=cancel),
            Step("notify", execute=notify),
        ),
        **options,
    )


DEFINITIONS = Definitions([_make("chained"), _make("inline", chaining=Chaining.INLINE)])
