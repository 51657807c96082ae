"""Turns the results of functions into responses."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import flask
import msgspec

from lib.errors import Invalid


class Reply(NamedTuple):
    """A result with its own status or headers."""

    value: Any
    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})


def render_result(result: Any, status: int) -> flask.Response:
    """Return a result as JSON, with its version as ETag; None becomes 204."""
    reply = result if isinstance(result, Reply) else Reply(result, status)
    if reply.value is None:
        return flask.Response(b"", 204, headers=dict(reply.headers))
    # The newline is for people: a terminal's next prompt starts on a new line.
    body = msgspec.json.encode(_to_plain(reply.value)) + b"\n"
    headers = {**_etag_of(reply.value), **reply.headers}
    return flask.Response(body, reply.status, headers=headers, content_type="application/json")


def pick_fields(value: Any, model: type[Any], names: str | None) -> Any:
    """Return an entity of a model, or a page of them, with only the fields that `names` lists.

    `names` are separated by commas; None picks all. Raises Invalid for a name that is not a field
    of the model, even for an empty page.
    """
    if names is None:
        return value
    picked = _check_fields(model, names.split(","))
    if hasattr(value, "next_page_token"):
        return replace(value, items=[_pick(item, picked) for item in value.items])
    return Reply(_pick(value, picked), headers=_etag_of(value))


def _etag_of(value: Any) -> dict[str, str]:
    plain = isinstance(value, dict)
    version = value.get("version", 0) if plain else getattr(value, "version", 0)
    return {"ETag": f'"{version}"'} if version else {}


def _check_fields(model: Any, names: list[str]) -> list[str]:
    known = _public_fields(model)
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise Invalid(
            f"there is no field {unknown!r}; the fields are {', '.join(known)}", field="fields"
        )
    return names


def _pick(value: Any, names: list[str]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


@cache
def _public_fields(model: Any) -> list[str]:
    """Return the names of a class's fields and properties that do not begin with an underscore."""
    named = {name: each for cls in reversed(model.__mro__) for name, each in vars(cls).items()}
    computed = [name for name, each in named.items() if isinstance(each, property)]
    known = [*(each.name for each in fields(model)), *computed]
    return [name for name in known if not name.startswith("_")]


def _to_plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _to_plain(getattr(value, name)) for name in _public_fields(value.__class__)}
    if isinstance(value, list | tuple):
        return [_to_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _to_plain(each) for name, each in value.items()}
    return value
