"""Maps the field names of queries (Python names, nested with dots) to stored properties."""

from dataclasses import dataclass
from typing import Any

from lib.datastore.mapping.plan import MappingPlan, StoredField
from lib.datastore.model.schema import model_of
from lib.errors import Invalid

#: The name under which the key itself is filtered and ordered by.
KEY = "__key__"


@dataclass(frozen=True, slots=True)
class QueryProperty:
    """A stored property that a query may name; `field` is None for the key."""

    stored: str
    field: StoredField | None

    def is_omitted(self, value: object) -> bool:
        """Whether a field with this value is not stored, and so in no index."""
        empty = self.field.empty if self.field is not None else None
        return empty is not None and value == empty()


def find_field(plan: MappingPlan, model: type[Any], name: str) -> QueryProperty:
    """Return the property that a query names; raise Invalid for an unknown or unindexed field.

    The name of the model's id field stands for the whole key.
    """
    own_id = model_of(model).id
    if name == KEY or (own_id is not None and name == own_id.name):
        return QueryProperty(KEY, None)
    found = _resolve(plan, 0, name.split("."), "")
    if found is None or found.field is None:
        raise Invalid(f"{model.__name__} has no field {name!r} to query by", field=name)
    if not found.field.codec.indexes:
        raise Invalid(f"{model.__name__}.{name} is not indexed", field=name)
    return found


def _resolve(plan: MappingPlan, level: int, names: list[str], prefix: str) -> QueryProperty | None:
    head, *rest = names
    for index, inner in enumerate(plan.levels):
        if rest and inner.outer == level and inner.name == head:
            return _resolve(plan, index, rest, prefix)
    for field in plan.levels[level].fields:
        if field.name == head:
            return _into(field, rest, prefix + field.stored)
    return None


def _into(field: StoredField, rest: list[str], stored: str) -> QueryProperty | None:
    if not rest:
        return QueryProperty(stored, field)
    nested = field.codec.nested
    return None if nested is None else _resolve(nested, 0, rest, f"{stored}.")
