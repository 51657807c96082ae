"""Queries of the in-memory Datastore: every entity of the kind is looked at."""

from collections.abc import Callable, Iterable
from typing import Any

from lib.datastore.messages import message
from lib.saga.testing.mutating import Stored
from lib.saga.testing.refusal import Refusal

KEY = "__key__"

#: The order of types in an index.
RANKS = (
    "null_value",
    "integer_value",
    "timestamp_value",
    "boolean_value",
    "blob_value",
    "string_value",
    "double_value",
    "geo_point_value",
    "key_value",
)

#: A value as an index orders it: by type, then by value.
Ordered = tuple[int, Any]

COMPARISONS: dict[str, Callable[[Ordered, Ordered], bool]] = {
    "EQUAL": lambda a, b: a == b,
    "LESS_THAN": lambda a, b: a[0] == b[0] and a < b,
    "LESS_THAN_OR_EQUAL": lambda a, b: a[0] == b[0] and a <= b,
    "GREATER_THAN": lambda a, b: a[0] == b[0] and a > b,
    "GREATER_THAN_OR_EQUAL": lambda a, b: a[0] == b[0] and a >= b,
    "NOT_EQUAL": lambda a, b: a != b,
}


def find_results(stored: Iterable[Stored], query: Any) -> list[Stored]:
    """Return what a query finds, in its order; Refusal for what is not to be had in memory."""
    if query.start_cursor or query.distinct_on or _projects(query):
        raise Refusal("UNIMPLEMENTED", "the in-memory Datastore has no cursors and no projections")
    found = [each for each in stored if _matches(query.filter, each.entity)]
    orders = [(each.property.name, each.direction == each.DESCENDING) for each in query.order]
    found = [each for each in found if all(_values(each.entity, name) for name, _ in orders)]
    found.sort(key=lambda each: _path_of(each.entity.key))
    for name, descending in reversed(orders):
        found.sort(key=lambda each, n=name: _values(each.entity, n)[0], reverse=descending)  # type: ignore[misc]
    end = query.offset + query.limit.value if query.HasField("limit") else None
    return found[query.offset : end]


def _projects(query: Any) -> bool:
    return any(each.property.name != KEY for each in query.projection)


def _matches(condition: Any, entity: Any) -> bool:
    kind = condition.WhichOneof("filter_type")
    if kind is None:
        return True
    if kind == "composite_filter":
        some = any if condition.composite_filter.op == condition.composite_filter.OR else all
        return some(_matches(each, entity) for each in condition.composite_filter.filters)
    return _compares(condition.property_filter, entity)


def _compares(comparison: Any, entity: Any) -> bool:
    operator = _operator_name(comparison.op)
    if operator == "HAS_ANCESTOR":
        above = _path_of(comparison.value.key_value)
        return _path_of(entity.key)[: len(above)] == above
    values = _values(entity, comparison.property.name)
    if operator in ("IN", "NOT_IN"):
        wanted = [_ordered(each) for each in comparison.value.array_value.values]
        return any((value in wanted) == (operator == "IN") for value in values)
    operand = _ordered(comparison.value)
    return any(COMPARISONS[operator](value, operand) for value in values)


def _operator_name(number: int) -> str:
    operators = message("PropertyFilter").DESCRIPTOR.enum_types_by_name["Operator"]
    return str(operators.values_by_number[number].name)


def _values(entity: Any, name: str) -> list[Ordered]:
    """Return a property's index entries: none when it is missing or not indexed."""
    if name == KEY:
        return [(RANKS.index("key_value"), _path_of(entity.key))]
    if name not in entity.properties:
        return []
    value = entity.properties[name]
    each = value.array_value.values if value.HasField("array_value") else [value]
    return [_ordered(item) for item in each if not item.exclude_from_indexes]


def _ordered(value: Any) -> Ordered:
    kind = value.WhichOneof("value_type")
    if kind == "key_value":
        return RANKS.index(kind), _path_of(value.key_value)
    if kind == "timestamp_value":
        return RANKS.index(kind), (value.timestamp_value.seconds, value.timestamp_value.nanos)
    if kind not in RANKS:
        raise Refusal("UNIMPLEMENTED", f"the in-memory Datastore does not compare a {kind}")
    return RANKS.index(kind), getattr(value, kind)


def _path_of(key: Any) -> tuple[tuple[str, bool, Any], ...]:
    """Return a key's path as keys are ordered: numbers before names."""
    return tuple(
        (item.kind, bool(item.name), item.name if item.name else item.id) for item in key.path
    )
