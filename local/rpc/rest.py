"""The same methods over HTTP/1.1: REST by the rules of google.api.http, in JSON or protobuf.

A route maps a verb and a path to a method. It says which fields of the request are in the path, and
which field is the body. The query string has the rest.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status

from local.rpc.errors import Code, InvalidArgument, ServiceError
from local.rpc.grpc import Method, RpcDispatcher
from local.rpc.http1 import HttpRequest, HttpResponse, Respond

_JSON: Final = "application/json; charset=UTF-8"
_PROTOBUF: Final = "application/x-protobuf"

#: Parameters of the call itself (Google's system parameters).
_SYSTEM: Final = re.compile(r"\$.*|alt|key|prettyPrint|access_token|oauth_token|quotaUser|fields")

#: google.rpc.Code's own mapping.
_STATUSES: Final = {
    Code.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    Code.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Code.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    Code.FAILED_PRECONDITION: HTTPStatus.BAD_REQUEST,
    Code.ABORTED: HTTPStatus.CONFLICT,
    Code.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    Code.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    Code.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}

_VARIABLE: Final = re.compile(r"\{([a-z_.]+)(?:=([^}]+))?\}")

_ESCAPED_COLON = re.compile("%3A", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Route:
    """One route: ("POST", "/v2/{name=queues/*}:pause", "/service/PauseQueue", "*")."""

    verb: str
    template: str
    path: str
    body: str = ""
    pattern: re.Pattern[str] = field(init=False)
    variables: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        literal = 0
        pattern = ""
        for variable in _VARIABLE.finditer(self.template):
            pattern += re.escape(self.template[literal : variable.start()])
            segments = re.escape(variable[2] or "*").replace(r"\*", "[^/]+")
            pattern += f"({segments})"
            literal = variable.end()
        pattern += re.escape(self.template[literal:])
        object.__setattr__(self, "pattern", re.compile(pattern))
        names = tuple(variable[1] for variable in _VARIABLE.finditer(self.template))
        object.__setattr__(self, "variables", names)


class Rest:
    """Answers HTTP requests by calling a dispatcher's methods."""

    def __init__(self, dispatcher: RpcDispatcher, routes: Iterable[Route]) -> None:
        self._dispatcher = dispatcher
        self._routes = tuple(routes)

    def respond(self, request: HttpRequest) -> HttpResponse | None:
        """Return the response, also for an error; None if no route matches."""
        # Some clients escape the colon before the verb; Google's servers accept that.
        path = _ESCAPED_COLON.sub(":", request.path)
        for route in self._routes:
            found = route.pattern.fullmatch(path)
            if found and request.method == route.verb:
                values = dict(zip(route.variables, map(unquote, found.groups()), strict=True))
                return self._call(route, values, request)
        return None

    def _call(self, route: Route, values: Mapping[str, str], request: HttpRequest) -> HttpResponse:
        query = parse_qsl(request.query, keep_blank_values=True)
        form = _Form(request.headers.get("content-type", ""), dict(query))

        def use(method: Method, body: bytes) -> Any:
            return method.call(form.read(method.message, route, values, query, body))

        try:
            return form.write(self._dispatcher.answer(route.path.encode(), use, request.body))
        except ServiceError as error:
            return form.write_error(error)


def serve_rest(rest: Rest, otherwise: Respond) -> Respond:
    """Return a responder that uses `rest`, or `otherwise` if no route matches."""

    def respond(request: HttpRequest) -> HttpResponse:
        answer = rest.respond(request) or otherwise(request)
        versioned = re.match(r"/v\d", request.path)
        if answer.status is HTTPStatus.NOT_FOUND and versioned and answer.kind != _JSON:
            reason = f"Method not found: {request.method} {request.path}"
            return render_error(HTTPStatus.NOT_FOUND, "NOT_FOUND", reason)
        return answer

    return respond


class _Form:
    """The encoding of one call's messages: JSON or protobuf."""

    def __init__(self, kind: str, parameters: Mapping[str, str]) -> None:
        alt = parameters.get("$alt") or parameters.get("alt") or ""
        self._sent_protobuf = kind.partition(";")[0].strip().lower() == _PROTOBUF
        self._wants_protobuf = alt == "proto" or (self._sent_protobuf and not alt)
        self._wants_numbers = "enum-encoding=int" in alt

    def read(
        self,
        message: Any,
        route: Route,
        values: Mapping[str, str],
        query: Iterable[tuple[str, str]],
        body: bytes,
    ) -> Any:
        """Return a request's message; raise InvalidArgument if it is malformed."""
        if self._sent_protobuf:
            return self._read_protobuf(message, values, body)
        tree = _read_json(route, body)
        for name, value in query:
            if not _SYSTEM.fullmatch(name):
                _put(message.DESCRIPTOR, tree, name.split("."), value)
        for name, value in values.items():
            _put(message.DESCRIPTOR, tree, name.split("."), value, replaces=True)
        try:
            return json_format.ParseDict(tree, message())
        except (json_format.ParseError, RecursionError) as error:
            raise InvalidArgument(f"Invalid JSON payload received. {error}") from None

    def _read_protobuf(self, message: Any, values: Mapping[str, str], body: bytes) -> Any:
        try:
            request = message.FromString(body)
        except DecodeError:
            raise InvalidArgument("The request cannot be parsed.") from None
        for name, value in values.items():
            setattr(request, name, value)
        return request

    def write(self, message: Any) -> HttpResponse:
        """Return the response with a message."""
        if self._wants_protobuf:
            return HttpResponse(HTTPStatus.OK, message.SerializeToString(), _PROTOBUF)
        text = json_format.MessageToJson(
            message, use_integers_for_enums=self._wants_numbers, ensure_ascii=False
        )
        return HttpResponse(HTTPStatus.OK, text.encode(), _JSON)

    def write_error(self, error: ServiceError) -> HttpResponse:
        """Return an error in the format of Google's services."""
        status = _STATUSES[error.code]
        if self._wants_protobuf:
            pb = Status(code=int(error.code), message=str(error))
            return HttpResponse(status, pb.SerializeToString(), _PROTOBUF)
        return render_error(status, error.code.name, str(error))


def render_error(status: HTTPStatus, name: str, message: str) -> HttpResponse:
    """Return an error in JSON, in the format of Google's services."""
    error = {"code": status.value, "message": message, "status": name}
    return HttpResponse(status, json.dumps({"error": error}).encode(), _JSON)


def _read_json(route: Route, body: bytes) -> dict[str, Any]:
    if not body.strip() or not route.body:
        return {}
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"Invalid JSON payload received. {error}") from None
    if not isinstance(tree, dict):
        raise InvalidArgument("Invalid JSON payload received. Root element must be a message.")
    return tree if route.body == "*" else {route.body: tree}


def _put(
    descriptor: Any, tree: dict[str, Any], names: list[str], value: str, *, replaces: bool = False
) -> None:
    """Set a parameter's field in the tree; a field has a proto name and a JSON name."""
    fields = {key: each for each in descriptor.fields for key in (each.name, each.json_name)}
    found = fields.get(names[0])
    if found is None:
        raise InvalidArgument(f'Invalid request. Cannot bind query parameter. Field "{names[0]}".')
    key = next((each for each in (found.name, found.json_name) if each in tree), found.json_name)
    if len(names) > 1:
        inner = tree.setdefault(key, {})
        if found.message_type is None or not isinstance(inner, dict):
            raise InvalidArgument(f'Invalid request. "{found.json_name}" has no fields.')
        _put(found.message_type, inner, names[1:], value, replaces=replaces)
    elif found.is_repeated:
        tree.setdefault(key, []).append(value)
    elif replaces or key not in tree:
        tree[key] = value == "true" if found.type == FieldDescriptor.TYPE_BOOL else value
