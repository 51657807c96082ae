"""Property paths, which name properties in masks and transforms: ``address.city``, ```a.b`.c``."""

import re
from collections.abc import Iterable
from typing import Any

from local.datastore.encoding.messages import Entity, Value, get_message_class
from local.datastore.encoding.validation import check_name
from local.datastore.storage.indexes import KEY
from local.rpc.errors import InvalidArgument

Path = tuple[str, ...]

_SEGMENT = re.compile(
    r"(?:([a-zA-Z_][a-zA-Z_0-9]*)|`((?:[^`\\]|\\.)+)`)(?:(\.)(?=.)|\Z)", re.DOTALL
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse_path(text: str) -> Path:
    """Return the names in a path; InvalidArgument if it is malformed."""
    if not text:
        raise InvalidArgument("Invalid empty property path string.")
    names, at = [], 0
    while match := _SEGMENT.match(text, at):
        plain, quoted, end = match.groups()
        names.append(plain or _ESCAPE.sub(r"\1", quoted))
        at = match.end()
        if not end:
            for name in names:
                check_name(name, "property name")
            return tuple(names)
    raise InvalidArgument(
        f'Invalid property path "{text}". Names other than letters, digits and _ are put in `.'
    )


def parse_mask(mask: Any) -> list[Path]:
    """Return the paths of a PropertyMask, without ``__key__``, which every response contains."""
    return [parse_path(text) for text in mask.paths if text != KEY]


def find_value(entity: Entity, path: Path) -> Value | None:
    """Return the value at a path; None if there is none."""
    properties = entity.properties
    for name in path[:-1]:
        if name not in properties or not properties[name].HasField("entity_value"):
            return None
        properties = properties[name].entity_value.properties
    return properties.get(path[-1])  # type: ignore[no-any-return]


def open_value(entity: Entity, path: Path) -> Value:
    """Return the value at a path; create it, and replace values on the way by entities."""
    properties = entity.properties
    for name in path[:-1]:
        value = properties[name]
        if not value.HasField("entity_value"):
            value.Clear()
            value.entity_value.SetInParent()
        properties = value.entity_value.properties
    return properties[path[-1]]  # type: ignore[no-any-return]


def remove_value(entity: Entity, path: Path) -> None:
    """Remove the value at a path, if there is one."""
    if find_value(entity, path) is None:
        return
    properties = entity.properties
    for name in path[:-1]:
        properties = properties[name].entity_value.properties
    del properties[path[-1]]


def pick_properties(entity: Entity, paths: Iterable[Path]) -> Entity:
    """Return an entity with only the key and these paths."""
    picked = get_message_class("Entity")(key=entity.key)
    for path in paths:
        value = find_value(entity, path)
        if value is not None:
            open_value(picked, path).CopyFrom(value)
    return picked  # type: ignore[no-any-return]


def copy_entity(entity: Entity) -> Entity:
    """Return a copy of an entity."""
    copied = get_message_class("Entity")()
    copied.CopyFrom(entity)
    return copied  # type: ignore[no-any-return]


def merge_properties(stored: Entity, written: Entity, paths: Iterable[Path]) -> Entity:
    """Return the stored entity with the written one's values at these paths, or without them."""
    merged = copy_entity(stored)
    for path in paths:
        value = find_value(written, path)
        if value is None:
            remove_value(merged, path)
        else:
            open_value(merged, path).CopyFrom(value)
    return merged
