"""Compiles annotations to codecs and plans, once per class and partition."""

import dataclasses
import functools
import operator
import threading
import types
import typing
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Union
from uuid import UUID

from lib.datastore.keys import Key, Partition, write_partition
from lib.datastore.mapping import values
from lib.datastore.mapping.composites import (
    embed,
    enum_codec,
    key_codec,
    list_codec,
    mapping_codec,
    nothing,
    only_argument,
    optional_codec,
    union_codec,
)
from lib.datastore.mapping.conversion import Codec, wrong_stored_type, wrong_type
from lib.datastore.mapping.derived_class import is_of
from lib.datastore.mapping.dynamic import any_codec
from lib.datastore.mapping.plan import Level, MappingPlan, StoredField
from lib.datastore.mapping.unknown import write_embedded
from lib.datastore.model.schema import Model, Property, model_of, split_marks

SCALARS: dict[Any, Callable[[bool], Codec]] = {
    str: values.text_codec,
    bytes: values.bytes_codec,
    bool: values.bool_codec,
    int: values.int_codec,
    float: values.float_codec,
    datetime: values.datetime_codec,
    values.GeoPoint: values.geo_codec,
}

#: Types that Datastore cannot store, and what to declare instead.
INSTEAD: dict[Any, str] = {
    Decimal: "an int of the smallest unit, or a str",
    date: "a datetime with a time zone, or a str",
    time: "a str",
    timedelta: "an int or a float of seconds",
    UUID: "a str",
    complex: "two floats",
    set: "a list",
    frozenset: "a tuple",
    bytearray: "bytes",
}


class Compiler:
    """Makes the codecs of one partition: a key stored as a value contains its partition."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self._plans: dict[tuple[type, bool], MappingPlan] = {}
        # Held while a plan is completed, so that no other thread sees it incomplete.
        self._lock = threading.RLock()

    def plan_of(self, cls: type, indexed: bool = False) -> MappingPlan:
        """Return the plan of a class; with `indexed`, all its properties are indexed."""
        with self._lock:
            made = self._plans.get((cls, indexed))
            if made is None:
                kind: str = cls.__dict__.get("__kind__", "")
                made = self._plans[cls, indexed] = MappingPlan((), {}, indexed, kind)
                try:
                    self._lay_out(made, cls, indexed)
                except BaseException:
                    del self._plans[cls, indexed]
                    raise
            return made

    def _lay_out(self, plan: MappingPlan, cls: type, indexed: bool) -> None:
        """Fill a plan in place, so that a class may contain itself."""
        levels: list[Level] = []
        self._add_level(levels, model_of(cls), outer=-1, name="", prefix="", indexed=indexed)
        by_stored = {field.stored: field for level in levels for field in level.fields}
        indexes = indexed or any(field.codec.indexes for field in by_stored.values())
        plan.complete(tuple(levels), by_stored, indexes)

    def _add_level(
        self,
        levels: list[Level],
        model: Model[Any],
        *,
        outer: int,
        name: str,
        prefix: str,
        indexed: bool,
    ) -> None:
        index = len(levels)
        own = [item for item in model.properties if not item.flatten]
        fields = tuple(self._field(item, index, prefix, indexed) for item in own)
        levels.append(Level(model, outer, name, fields))
        for item in model.properties:
            if item.flatten:
                self._add_level(
                    levels,
                    _nested_model(item.hint),
                    outer=index,
                    name=item.name,
                    prefix=f"{prefix}{item.stored}.",
                    indexed=indexed or item.indexed,
                )

    def _field(self, item: Property, level: int, prefix: str, indexed: bool) -> StoredField:
        indexed = indexed or item.indexed
        codec = self.compile(item.hint, indexed)
        has_empty = codec.takes_none or codec.empty is not nothing
        return StoredField(
            level=level,
            name=item.name,
            stored=prefix + item.stored,
            hint=item.hint,
            codec=codec,
            empty=codec.empty if item.omit_empty and has_empty else None,
            default=item.default,
        )

    def operand_codec(self, field: StoredField) -> Codec:
        """Return the codec of a field's operand in a query: for a list, that of one item."""
        members = [item_of(member) or member for member in members_of(field.hint)]
        return self.compile(functools.reduce(operator.or_, members), indexed=True)

    def compile(self, hint: Any, indexed: bool) -> Codec:
        """Return the codec of an annotation; raise TypeError if Datastore cannot hold it."""
        hint, _ = split_marks(hint)
        if scalar := SCALARS.get(hint):
            return scalar(indexed)
        if hint is Any:
            return any_codec(self.partition, indexed)
        origin = typing.get_origin(hint) or hint
        if origin in (Union, types.UnionType):
            return self._union(typing.get_args(hint), indexed)
        if origin is list or origin is tuple:
            return list_codec(self._item(hint, indexed), origin)
        if origin is dict:
            arguments = typing.get_args(hint) or (str, Any)
            if arguments[0] is not str:
                raise TypeError(f"{hint!r}: the names of properties are str")
            return mapping_codec(self.compile(arguments[1], indexed))
        if origin is Key:
            return key_codec(only_argument(hint), self.partition, indexed)
        return self._class(hint, indexed)

    def _class(self, hint: Any, indexed: bool) -> Codec:
        if isinstance(hint, type) and issubclass(hint, Enum):
            kinds = {type(member.value) for member in hint}
            if len(kinds) != 1:
                raise TypeError(f"{hint!r}: the values of an enum must all have the same type")
            return enum_codec(hint, self.compile(kinds.pop(), indexed))
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            nested = _nested_model(hint).cls
            return embedded_codec(nested, self.plan_of(hint, indexed), self.partition)
        advice = INSTEAD.get(typing.get_origin(hint) or hint)
        instead = f": declare {advice} instead" if advice else ""
        raise TypeError(f"{hint!r} cannot be stored in Datastore{instead}")

    def _union(self, members: tuple[Any, ...], indexed: bool) -> Codec:
        codecs = [self.compile(item, indexed) for item in members if item is not type(None)]
        if sum(item.type_name.startswith(("dict", "embedded")) for item in codecs) > 1:
            raise TypeError(
                "a union holds at most one nested class or dict, which are stored in the same form"
            )
        inner = codecs[0] if len(codecs) == 1 else union_codec(codecs, indexed)
        return optional_codec(inner, indexed) if type(None) in members else inner

    def _item(self, hint: Any, indexed: bool) -> Codec:
        item = only_argument(hint)
        if typing.get_origin(item) in (list, tuple) or item in (list, tuple):
            raise TypeError(f"{hint!r}: Datastore does not store a list in a list")
        return self.compile(item, indexed)


def members_of(hint: Any) -> list[Any]:
    """Return the member types of a union without marks; any other annotation as the only one."""
    plain, _ = split_marks(hint)
    is_union = typing.get_origin(plain) in (Union, types.UnionType)
    return [split_marks(member)[0] for member in typing.get_args(plain)] if is_union else [plain]


def item_of(hint: Any) -> Any:
    """Return the type of a list's items, None if it is not a list."""
    is_list = (typing.get_origin(hint) or hint) in (list, tuple)
    return only_argument(hint) if is_list else None


def _nested_model(cls: type[Any]) -> Model[Any]:
    model: Model[Any] = model_of(cls)
    if model.id is not None or model.parents or model.version is not None:
        raise TypeError(f"{cls.__name__} has its own key or version, so it cannot be nested")
    return model


def embedded_codec(cls: type, plan: MappingPlan, partition: Partition) -> Codec:
    """A nested dataclass, stored as an embedded entity; if it has a kind, with that as its key."""

    def encode(pb: Any, value: Any, depth: int) -> None:
        if not is_of(value, cls):
            raise wrong_type(cls.__name__, value)
        entity = embed(pb, depth)
        if plan.kind:
            write_partition(partition, None, entity.key.partition_id)
            entity.key.path.add().kind = plan.kind
        plan.write(value, entity.properties, depth + 1)
        write_embedded(value, pb, indexes=plan.indexes)

    def decode(pb: Any) -> Any:
        if not pb.HasField("entity_value"):
            raise wrong_stored_type(cls.__name__, pb)
        return plan.read(pb.entity_value.properties, {}, pb)

    name = f"embedded {cls.__name__}"
    return Codec(encode, decode, nothing, plan.indexes, name, nested=plan)
