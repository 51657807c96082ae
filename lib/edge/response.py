"""From a function's result to a response."""

from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from typing import Any

import flask
import msgspec

from lib.errors import Invalid


@dataclass(frozen=True, slots=True)
class Reply:
    """A result with a status or headers of its own."""

    value: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def render_result(result: Any, status: int) -> flask.Response:
    """Return a result as JSON; nothing is 204, and its version is its ETag."""
    reply = result if isinstance(result, Reply) else Reply(result, status)
    if reply.value is None:
        return flask.Response(b"", 204, headers=reply.headers)
    body = msgspec.json.encode(_to_plain(reply.value))
    headers = {**_etag_of(reply.value), **reply.headers}
    return flask.Response(body, reply.status, headers=headers, content_type="application/json")


def pick_fields(value: Any, names: str | None) -> Any:
    """Return an entity, or the entities of a page, with only the fields that `names` lists.

    `names` are separated by commas; None picks all. Raises Invalid for a name that is no field.
    """
    if names is None:
        return value
    if hasattr(value, "next_page_token"):
        return replace(value, items=[_pick(item, names.split(",")) for item in value.items])
    return Reply(_pick(value, names.split(",")), headers=_etag_of(value))


def _etag_of(value: Any) -> dict[str, str]:
    plain = isinstance(value, dict)
    version = value.get("version", 0) if plain else getattr(value, "version", 0)
    return {"ETag": f'"{version}"'} if version else {}


def _pick(value: Any, names: list[str]) -> dict[str, Any]:
    known = _public_fields(value)
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise Invalid(
            f"there is no field {unknown!r}; there are {', '.join(known)}", field="fields"
        )
    return {name: getattr(value, name) for name in names}


def _public_fields(value: Any) -> list[str]:
    """Return an entity's fields and properties less those that begin with an underscore."""
    return [name for name in _all_fields(value.__class__) if not name.startswith("_")]


@cache
def _all_fields(kind: type[Any]) -> list[str]:
    classes = reversed(kind.__mro__)
    named = {name: each for cls in classes for name, each in vars(cls).items()}
    computed = [name for name, each in named.items() if isinstance(each, property)]
    return [*(each.name for each in fields(kind)), *computed]


def _to_plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _to_plain(getattr(value, name)) for name in _public_fields(value)}
    if isinstance(value, list | tuple):
        return [_to_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _to_plain(each) for name, each in value.items()}
    return value
