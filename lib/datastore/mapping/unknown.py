"""Reads and writes unknown stored data: properties, keys of embedded entities, index settings.

Values keep it in addition to their fields, at any depth (lib.datastore.mapping.derived_class); a
dict read from an embedded entity keeps that entity's key.
"""

from typing import Any

from lib.datastore.mapping.derived_class import Kept, unknown_of

#: The name for an embedded entity's own key. No property can have such a name.
KEY = "__key__"

#: The name that marks an embedded entity which is not excluded from the indexes.
INDEXED = "__indexed__"


class KeyedDict(dict[str, Any]):
    """A dict that was read from an embedded entity with a key; the key is written back.

    A copy keeps the key, and so does a union: `d | {"a": 1}`. A new dict such as `{**d}` has no
    key, but the field of a dataclass remembers the key of its dict.
    """

    key = b""

    @classmethod
    def of(cls, items: dict[str, Any], key: bytes) -> "KeyedDict":
        """Return the items with a serialized key. Other ways to make a KeyedDict give it no key."""
        made = cls(items)
        made.key = key
        return made

    def copy(self) -> "KeyedDict":
        """Return the same items with the same key."""
        return KeyedDict.of(self, self.key)

    def __or__(self, other: Any) -> Any:
        return (
            KeyedDict.of({**self, **other}, self.key) if isinstance(other, dict) else NotImplemented
        )

    def __ror__(self, other: Any) -> Any:
        return (
            KeyedDict.of({**other, **self}, self.key) if isinstance(other, dict) else NotImplemented
        )


def key_of_dict(name: str) -> Any:
    """Return the name under which the key of a property's dict is kept."""
    return KEY, name


def write_unknown(unknown: Kept, properties: Any) -> None:
    """Write the unknown properties into a v1 map, and the keys of dicts that have none."""
    for name, stored in unknown.items():
        if isinstance(name, tuple):
            _write_key_of_dict(properties, name[1], stored)
        elif name not in (KEY, INDEXED):
            properties[name].ParseFromString(stored)


def _write_key_of_dict(properties: Any, name: str, stored: bytes) -> None:
    if name in properties and properties[name].HasField("entity_value"):
        embedded = properties[name].entity_value
        if not embedded.HasField("key"):
            embedded.key.ParseFromString(stored)


def write_embedded(value: Any, into: Any, *, indexes: bool) -> None:
    """Write the rest of an embedded entity into its Value: its key, and whether it is indexed.

    Unknown indexed data stays indexed; each known property has its own setting.
    """
    kept = {KEY: value.key} if isinstance(value, KeyedDict) else unknown_of(value)
    if kept.get(KEY):
        into.entity_value.key.ParseFromString(kept[KEY])
    if not indexes and INDEXED not in kept:
        into.exclude_from_indexes = True


def beside(unknown: Kept, pb: Any, kind: str) -> Kept:
    """Return the data to keep of an embedded Value: unknown properties, its key, its index setting.

    A key that has nothing but the class's `kind` is not kept: it is written anyway.
    """
    entity = pb.entity_value
    kept = unknown
    if entity.HasField("key") and not (kind and _is_of_kind(entity.key, kind)):
        kept = {**unknown, KEY: entity.key.SerializeToString()}
    return {**kept, INDEXED: b""} if kept and not pb.exclude_from_indexes else kept


def _is_of_kind(key: Any, kind: str) -> bool:
    path = key.path
    return len(path) == 1 and path[0].kind == kind and not (path[0].id or path[0].name)


def read_keyed(items: dict[str, Any], entity: Any) -> dict[str, Any]:
    """Return the items of an embedded entity, with its key if it has one."""
    return KeyedDict.of(items, entity.key.SerializeToString()) if entity.HasField("key") else items
