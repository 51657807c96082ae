"""The plan of one class: its properties with their codecs, in the order in which they are written.

A flattened field is a separate level: its properties are in the outer entity, with dotted names.
All levels are read in one pass over the stored properties.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lib.datastore.mapping.conversion import Codec, ConversionError, wrong_type
from lib.datastore.mapping.derived_class import Kept, is_of, keeping, unknown_of
from lib.datastore.mapping.unknown import KeyedDict, beside, key_of_dict, write_unknown
from lib.datastore.model.schema import UNKNOWN, Model


@dataclass(frozen=True, slots=True)
class StoredField:
    """One property: where its value lives in Python (`level`, `name`) and how it is stored.

    `empty` is set if the empty value is left out, `default` if the field has one.
    """

    level: int
    name: str
    stored: str
    hint: Any
    codec: Codec
    empty: Callable[[], Any] | None
    default: Callable[[], Any] | None

    def when_missing(self) -> Any:
        """Return the value of a property that is not stored; raise ConversionError for none."""
        if self.empty is not None:
            return self.empty()
        if self.default is not None:
            return self.default()
        if self.codec.takes_none:
            return None
        raise ConversionError("is missing").within(self.stored)


@dataclass(frozen=True, slots=True)
class Level:
    """A class to build: the entity itself, or a flattened field of the level `outer`."""

    model: Model[Any]
    outer: int
    name: str
    fields: tuple[StoredField, ...]


@dataclass(slots=True)
class MappingPlan:
    """How a class is stored. Level 0 is the class itself; outer levels come before inner ones."""

    levels: tuple[Level, ...]
    by_stored: dict[str, StoredField]
    indexes: bool
    #: The kind of an entity class; an embedded entity of it has a key with only this kind.
    kind: str = ""

    def complete(
        self, levels: tuple[Level, ...], by_stored: dict[str, StoredField], indexes: bool
    ) -> None:
        """Complete an empty plan. It exists before, because a class may contain itself."""
        self.levels, self.by_stored, self.indexes = levels, by_stored, indexes

    def stored_under(self, name: str) -> list[str]:
        """Return the properties of a field: one, several if flattened, none if unknown."""
        for index, level in enumerate(self.levels):
            if level.outer == 0 and level.name == name:
                inner = self._within(index)
                return [stored for stored, field in self.by_stored.items() if field.level in inner]
        return [field.stored for field in self.levels[0].fields if field.name == name]

    def _within(self, index: int) -> set[int]:
        inner = {index}
        for other, level in enumerate(self.levels):
            if level.outer in inner:
                inner.add(other)
        return inner

    def write(self, value: Any, properties: Any, depth: int) -> None:
        """Write a value of the class into a v1 map of properties; raise ConversionError."""
        owners = [value]
        for level in self.levels:
            owner = owners[0]
            if level.outer >= 0:
                owner = getattr(owners[level.outer], level.name)
                if not is_of(owner, level.model.cls):
                    raise wrong_type(level.model.cls.__name__, owner).within(level.name)
                owners.append(owner)
            write_fields(level.fields, owner, properties, depth)
        write_unknown(unknown_of(value), properties)

    def read(self, properties: Any, key_values: dict[str, Any], embedded: Any = None) -> Any:
        """Build a value of the class from a v1 map of properties; raise ConversionError.

        `embedded` is the Value that has the properties, None for an entity's own.
        """
        values: list[dict[str, Any]] = [key_values, *({} for _ in self.levels[1:])]
        by_stored = self.by_stored
        unknown: Kept = {}
        for name, pb in properties.items():
            field = by_stored.get(name)
            if field is None:
                unknown[name] = pb.SerializeToString()
                continue
            try:
                decoded = values[field.level][field.name] = field.codec.decode(pb)
            except ConversionError as mismatch:
                raise mismatch.within(name) from None
            if type(decoded) is KeyedDict:
                unknown[key_of_dict(name)] = decoded.key
        if embedded is not None:
            unknown = beside(unknown, embedded, self.kind)
        if unknown and (embedded is not None or self.levels[0].model.keeps_unknown):
            key_values[UNKNOWN] = unknown
        return self._build(values)

    def _build(self, values: list[dict[str, Any]]) -> Any:
        built: Any = None
        for index in range(len(self.levels) - 1, -1, -1):
            level, found = self.levels[index], values[index]
            for field in level.fields:
                if field.name not in found:
                    found[field.name] = field.when_missing()
            cls: Any = level.model.cls
            built = (keeping(cls) if UNKNOWN in found else cls)(**found)
            if level.outer >= 0:
                values[level.outer][level.name] = built
        return built


def write_fields(fields: tuple[StoredField, ...], owner: Any, properties: Any, depth: int) -> None:
    """Write some of an object's fields; raise ConversionError."""
    for field in fields:
        value = getattr(owner, field.name)
        codec = field.codec
        if field.empty is not None and value == field.empty():
            continue
        try:
            codec.encode(properties[field.stored], value, depth)
        except ConversionError as mismatch:
            raise mismatch.within(field.stored) from None
