"""Turns a request into the arguments of a plain function.

`body` is decoded from JSON, and collaborators are passed by name. All other parameters, and the
fields of `where` (a Struct), come from the query string by name and type.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import flask
import msgspec

from lib.edge.request.body import check_type, read_body
from lib.errors import Invalid, Malformed, VersionMismatch
from lib.json.decoder import convert, decode_body

#: Functions that make a collaborator for a request, by parameter name.
Collaborators = Mapping[str, Callable[[flask.Request], Any]]

#: Parameters taken from the request, which every function may have.
OF_REQUEST: Collaborators = {
    "request": lambda request: request,
    "if_match": lambda request: _version_of(request.headers.get("If-Match")),
    "create_only": lambda request: _is_any(request.headers.get("If-None-Match")),
    "update_only": lambda request: request.headers.get("If-Match") == "*",
    "idempotency_key": lambda request: _idempotency_key_of(request.headers.get("Idempotency-Key")),
}

#: A version as an entity tag, with or without quotes. A weak tag never matches (RFC 9110).
_TAG = re.compile(r'(?P<quote>"?)(?P<version>0|[1-9][0-9]{0,18})(?P=quote)')

Binding = Callable[[flask.Request], dict[str, Any]]


def compile_binding(function: Callable[..., Any], collaborators: Collaborators) -> Binding:
    """Inspect a function's parameters; return a function that turns a request into its arguments.

    A parameter whose name is in `collaborators` or OF_REQUEST gets what they make. The returned
    function raises Malformed, Invalid, UnsupportedMediaType or TooLarge.
    """
    parameters = inspect.signature(function, eval_str=True).parameters
    body = parameters.get("body")
    makers = {**OF_REQUEST, **collaborators}
    handed = [name for name in parameters if name in makers]
    asked = [p for p in parameters.values() if p.name not in makers and p is not body]
    where = parameters.get("where")
    query = _make_query_type(asked)

    def bind(request: flask.Request) -> dict[str, Any]:
        raw = read_body(request)
        given = _query_of(request)
        arguments = msgspec.structs.asdict(convert(given, query, strict=False))
        _check_digits(given, arguments)
        if where is not None:
            names = where.annotation.__struct_fields__
            arguments["where"] = where.annotation(**{name: arguments.pop(name) for name in names})
        if body is not None:
            if raw:
                check_type(request)
            arguments["body"] = decode_body(raw, body.annotation)
        return arguments | {name: makers[name](request) for name in handed}

    return bind


def _make_query_type(parameters: list[inspect.Parameter]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for each in parameters:
        if each.name == "where":
            struct = msgspec.structs.fields(each.annotation)
            fields += [(field.name, field.type, field.default) for field in struct]
        elif each.default is each.empty:
            fields.append((each.name, each.annotation))
        else:
            fields.append((each.name, each.annotation, each.default))
    return msgspec.defstruct("Query", fields, forbid_unknown_fields=True, kw_only=True)


def _query_of(request: flask.Request) -> dict[str, str]:
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        raise Invalid(f"{twice[0]} is given twice", field=twice[0])
    return request.args.to_dict()


def _check_digits(given: dict[str, str], arguments: dict[str, Any]) -> None:
    """Raise Invalid for an integer that is not written in plain digits.

    An entity has one address only: msgspec would read `1e3` as 1000 too.
    """
    for name, text in given.items():
        value = arguments[name]
        if type(value) is int and text != str(value):
            raise Invalid(f"{name} must be written in plain digits, as {value}", field=name)


def _version_of(if_match: str | None) -> int | None:
    """Return the version that an If-Match header requires; None for any (`*`)."""
    if if_match is None or if_match == "*":
        return None
    tag = _TAG.fullmatch(if_match)
    if tag is None:
        raise VersionMismatch(
            'If-Match is not an ETag from this API: send the ETag that you got, such as "5"',
            field="If-Match",
        )
    return int(tag["version"])


def _is_any(if_none_match: str | None) -> bool:
    """Return whether there is an If-None-Match header; raise Malformed if it is not `*`."""
    if if_none_match not in (None, "*"):
        raise Malformed("If-None-Match must be * here, or absent", field="If-None-Match")
    return if_none_match is not None


def _idempotency_key_of(header: str | None) -> str | None:
    if header is not None and not 1 <= len(header) <= 255:
        raise Malformed("an Idempotency-Key has 1 to 255 characters", field="Idempotency-Key")
    return header
