"""The sample over HTTP: orders, and the stock and credit that they use."""

from typing import Annotated

from msgspec import Meta, Struct

from domain.orders import placement
from domain.orders.inventory import Stock
from domain.orders.order import Identifier, Order
from domain.orders.payments import Credit
from functions.edge import endpoint
from functions.wait import Wait
from lib.datastore import Store, key
from lib.datastore.ids import make_id
from lib.edge.response.reply import Reply
from lib.observability.logs import traceparent
from lib.saga.engine.engine import Engine
from lib.saga.state.records import ACTIVE, SagaRecord


class StockLevel(Struct, forbid_unknown_fields=True):
    """How many units of a product can be sold from now on."""

    sku: Identifier
    units: Annotated[int, Meta(ge=0, le=1_000_000_000)]


class CreditLevel(Struct, forbid_unknown_fields=True):
    """How much a customer can spend from now on, in cents."""

    customer_id: Identifier
    available_cents: Annotated[int, Meta(ge=0, le=100_000_000_000)]


class NewOrder(Order, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order, optionally with the caller's own id for it."""

    id: Identifier | None = None


@endpoint("POST", status=202)
def place_order(body: NewOrder, engine: Engine, idempotency_key: str | None, wait: Wait) -> Reply:
    """Accept an order; get-order shows its progress. With `Prefer: wait=N`, return its end."""
    order = Order(customer_id=body.customer_id, lines=body.lines, address=body.address)
    order_id = body.id or make_id("order", idempotency_key)
    saga = wait.for_end(placement.place_order(engine, order, order_id, traceparent.get()))
    return _reply(engine, wait, saga, "place-order", unasked=202)


@endpoint("GET")
def get_order(id: Identifier, engine: Engine, wait: Wait) -> Reply:
    """Return an order and its status; with `Prefer: wait=N`, its end."""
    saga = wait.for_end(placement.find_order(engine, id))
    return _reply(engine, wait, saga, "get-order", unasked=200)


def _reply(engine: Engine, wait: Wait, saga: SagaRecord, own: str, *, unasked: int) -> Reply:
    ended = saga.status not in ACTIVE
    return wait.reply(
        placement.show_order(engine, saga), own, "get-order", ended=ended, unasked=unasked
    )


@endpoint("PUT")
def set_stock(body: StockLevel, store: Store) -> Stock:
    """Set a product's units in stock."""
    return store.upsert(Stock(id=body.sku, units=body.units))


@endpoint("GET")
def get_stock(sku: Identifier, store: Store) -> Stock:
    """Return a product's units in stock."""
    return store.get(key(Stock, sku))


@endpoint("PUT")
def set_credit(body: CreditLevel, store: Store) -> Credit:
    """Set a customer's credit."""
    return store.upsert(Credit(id=body.customer_id, available_cents=body.available_cents))


@endpoint("GET")
def get_credit(customer_id: Identifier, store: Store) -> Credit:
    """Return a customer's credit."""
    return store.get(key(Credit, customer_id))
