"""The decorator of our HTTP functions; it passes them their collaborators by parameter name."""

from typing import TYPE_CHECKING

import flask

from functions import clients
from lib.edge.caller.access import identify_caller
from lib.edge.endpoint import Edge
from lib.edge.request.parameters import OF_REQUEST

if TYPE_CHECKING:
    from functions.wait import Wait
    from lib.saga.operators.operator import Operator


def make_operator(request: flask.Request) -> "Operator":
    """Return a request's operator, with its If-Match version and its Idempotency-Key."""
    from lib.saga.operators.operator import Operator

    return Operator(
        engine=clients.engine(),
        name=identify_caller(request, clients.verifier),
        sequence=OF_REQUEST["if_match"](request),
        key=OF_REQUEST["idempotency_key"](request) or "",
    )


def make_wait(request: flask.Request) -> "Wait":
    """Return how long a request waits for a saga's end; imported late, since few functions wait."""
    from functions.wait import Wait

    return Wait(request, clients.waiters)


endpoint = Edge(
    clients.verifier,
    {"operator": make_operator, "wait": make_wait},
    store=clients.store,
    engine=clients.engine,
).endpoint
