"""The types that a type contains, as msgspec sees them."""

from collections.abc import Iterator
from typing import Any

from msgspec import inspect


def walk_types(root: inspect.Type) -> Iterator[Any]:
    """Yield a type and every type in it, once each; a type may contain itself."""
    todo: list[Any] = [root]
    seen: set[int] = set()
    while todo:
        node = todo.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            todo += _types_in(node)


def _types_in(node: Any) -> Iterator[Any]:
    for name in ("type", "key_type", "value_type", "item_type"):
        inner = getattr(node, name, None)
        if isinstance(inner, inspect.Type):
            yield inner
    yield from getattr(node, "item_types", ())
    yield from (each for each in getattr(node, "types", ()) if isinstance(each, inspect.Type))
    yield from (each.type for each in getattr(node, "fields", ()))
