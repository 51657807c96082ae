"""Definitions of indexes, and an entity's entries in them.

An entry is ``index id | [ancestor] | values in the index's order and directions | entity path``.
"""

import math
import re
from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

from local.datastore.encoding.keys import list_ancestors
from local.datastore.encoding.messages import Entity
from local.datastore.encoding.ordered import invert
from local.datastore.encoding.values import encode_value
from local.rpc.errors import InvalidArgument

#: The name of the key in queries and indexes.
KEY = "__key__"

#: The maximum number of index entries of one entity.
MAX_ENTRIES = 20_000

#: A name that YAML reads as text without quotes, unless it is one of those below.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_TAKEN = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

Values = Mapping[str, list[bytes]]


class Definition(NamedTuple):
    """An index of one kind, with or without an entry for each ancestor, over columns.

    A column is a property and whether it descends. Without columns it is the kind's own index. The
    key is last, in the direction of the last property, unless ``__key__`` is named last.
    """

    kind: str
    ancestor: bool
    columns: tuple[tuple[str, bool], ...]

    @property
    def value_columns(self) -> tuple[tuple[str, bool], ...]:
        """The columns without the key."""
        return self.columns[:-1] if self.columns and self.columns[-1][0] == KEY else self.columns

    @property
    def key_descends(self) -> bool:
        """Whether the key is inverted at the end of an entry."""
        return bool(self.columns) and self.columns[-1][1]

    def describe(self) -> str:
        """Return the entry of index.yaml that declares this index."""
        lines = [f"- kind: {quote(self.kind)}"]
        if self.ancestor:
            lines.append("  ancestor: yes")
        lines.append("  properties:")
        for name, descending in self.columns:
            lines.append(f"  - name: {quote(name)}")
            if descending:
                lines.append("    direction: desc")
        return "\n".join(lines)


def quote(name: str) -> str:
    """Return a name as YAML, quoted if YAML could read it as something other than text."""
    if _PLAIN.fullmatch(name) and name.lower() not in _TAKEN:
        return name
    import yaml

    quoted = yaml.dump(name, default_style='"', width=math.inf)
    return str(quoted).removesuffix("\n")


class Entry(NamedTuple):
    """An entry without its index id, the length of the path at its end, and whether the entity
    may have further entries in the same index because a property of it has several values.
    """

    body: bytes
    path_length: int
    multiple: bool


def collect_values(entity: Entity) -> dict[str, list[bytes]]:
    """Return the distinct indexed values of every property, in order.

    Properties of an embedded entity have a path as their name, such as ``address.city``.
    """
    found: dict[str, set[bytes]] = {}
    _collect(entity.properties, "", found)
    return {name: sorted(encoded) for name, encoded in found.items()}


def _collect(properties: Mapping[str, Any], prefix: str, found: dict[str, set[bytes]]) -> None:
    # Iterating over names is twice as fast as items() of a message map.
    for name in properties:
        value = properties[name]
        if value.exclude_from_indexes:
            continue
        if value.WhichOneof("value_type") == "array_value":
            for element in value.array_value.values:
                if not element.exclude_from_indexes:
                    _collect_one(element, prefix + name, found)
        else:
            _collect_one(value, prefix + name, found)


def _collect_one(value: Any, path: str, found: dict[str, set[bytes]]) -> None:
    encoded = encode_value(value)
    if encoded is not None:
        found.setdefault(path, set()).add(encoded)
    elif value.HasField("entity_value"):
        _collect(value.entity_value.properties, path + ".", found)


def build_entries(definition: Definition, values: Values, path: bytes) -> list[Entry]:
    """Return the entries of one entity in one index; none if it lacks a column."""
    columns: list[list[bytes]] = []
    for name, descending in definition.value_columns:
        encoded = values.get(name)
        if not encoded:
            return []
        columns.append([invert(one) for one in encoded] if descending else encoded)
    multiple = any(len(column) > 1 for column in columns)
    prefixes = list_ancestors(path) if definition.ancestor else [b""]
    check_entry_count(math.prod(map(len, columns), start=len(prefixes)))
    length = len(path)
    tail = invert(path) if definition.key_descends else path
    return [
        Entry(b"".join((prefix, *combination, tail)), length, multiple)
        for prefix in prefixes
        for combination in product(*columns)
    ]


def check_entry_count(count: int) -> None:
    """Refuse an entity with more index entries than the service allows."""
    if count > MAX_ENTRIES:
        raise InvalidArgument(
            f"too many index entries for entity: {count}, at most {MAX_ENTRIES} are allowed"
        )
