"""A stand-in for the services that a saga calls by HTTP: it has routes, but no socket.

    def charge(request: ServiceRequest, state: dict[str, Any]) -> Any:
        charges = state.setdefault("charges", {})
        return charges.setdefault(request.key, {"id": len(charges) + 1})

    BANK = HttpStandIn({"POST https://bank.example/charge": charge})
    explore(SAGA, order, books_balance, http=BANK)

The explored store holds what a service remembers, so that it survives a kill.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from lib.datastore import Id, Store, Version, entity, key
from lib.saga.remote.exchange import CallAnswer, CallRequest


@entity(kind="StandIn")
@dataclass(slots=True, kw_only=True)
class StandInState:
    """What a stand-in remembers, as JSON, by the stand-in's name."""

    id: Id[str]
    state: str
    version: Version = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRequest:
    """A request as a service sees it: `body` is the decoded JSON, None without one.

    `key` is the Idempotency-Key: one for the step, another for its compensation, the same in every
    attempt. `parts` has the values of the route's names in braces.
    """

    method: str
    url: str
    key: str
    body: Any
    parts: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAnswer:
    """An answer with its own status; `body` is sent as JSON, None as an empty body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


#: Returns the answer to a request: a ServiceAnswer, or the JSON of a 200. It may change the state.
Route = Callable[[ServiceRequest, dict[str, Any]], Any]


class HttpStandIn:
    """Services by routes, such as `"POST https://bank.example/charges/{id}"`; the first match wins.

    A name in braces matches one segment of the path. A request that matches no route ends the
    exploration: a missing service is an error in the test.
    """

    def __init__(self, routes: Mapping[str, Route], *, name: str = "services") -> None:
        self._routes = [(_compile(each), route) for each, route in routes.items()]
        self._known = ", ".join(routes)
        self._name = name

    def read_state(self, store: Store) -> dict[str, Any]:
        """Return what the services remember in a store, for an invariant."""
        found = store.find(key(StandInState, self._name))
        return msgspec.json.decode(found.state) if found else {}

    def serve(self, request: CallRequest, store: Store) -> CallAnswer:
        """Answer a request, and store what the service remembers.

        Raises LookupError for a request without a route.
        """
        url = request.url.partition("?")[0]
        for pattern, route in self._routes:
            fits = pattern.fullmatch(f"{request.method} {url}")
            if fits:
                return self._answer(route, _read(request, fits.groupdict()), store)
        raise LookupError(f"no route for {request.method} {url}, only for {self._known}")

    def _answer(self, route: Route, request: ServiceRequest, store: Store) -> CallAnswer:
        state = self.read_state(store)
        answer = route(request, state)
        store.upsert(StandInState(id=self._name, state=msgspec.json.encode(state).decode()))
        if not isinstance(answer, ServiceAnswer):
            answer = ServiceAnswer(status=200, body=answer)
        body = b"" if answer.body is None else msgspec.json.encode(answer.body)
        kind = "application/problem+json" if answer.status >= 400 else "application/json"
        headers = {"Content-Type": kind, **answer.headers}
        return CallAnswer(status=answer.status, headers=headers, body=body)


def _compile(route: str) -> re.Pattern[str]:
    if not re.fullmatch(r"[A-Z]+ https?://\S+", route):
        raise ValueError(f"route {route!r}: write a method and a URL, 'POST https://host/path'")
    pieces = re.split(r"\{(\w+)\}", route)
    named = [f"(?P<{piece}>[^/]+)" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces)]
    return re.compile("".join(named))


def _read(request: CallRequest, parts: Mapping[str, str]) -> ServiceRequest:
    return ServiceRequest(
        method=request.method,
        url=request.url,
        key=request.headers.get("Idempotency-Key", ""),
        body=msgspec.json.decode(request.body) if request.body else None,
        parts=parts,
        query=dict(parse_qsl(urlsplit(request.url).query)),
        headers=request.headers,
    )
