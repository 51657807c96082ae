"""Queries of the store in memory, which check every entity of the kind."""

from collections.abc import Callable, Iterable
from operator import attrgetter, eq, ge, gt, le, lt, ne
from typing import Any

from lib.datastore.read.conditions import Combination, Condition
from lib.datastore.read.queries import Query
from lib.saga.testing.memory.entities import Path, copy_entity

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
    "IN": lambda value, operand: value in operand,
    "NOT_IN": lambda value, operand: value not in operand,
}


def select(stored: Iterable[tuple[Path, Any]], query: Query[Any]) -> list[Any]:
    """Return copies of a query's results, in its order."""
    if query.projected or query.only_keys:
        raise NotImplementedError("the store in memory only finds whole entities")
    above = query.ancestor_key.path if query.ancestor_key else ()
    found = [
        (path, entity)
        for path, entity in stored
        if path[: len(above)] == above
        and all(_meets(entity, condition) for condition in query.conditions)
        and all(_values(entity, name) for name, _ in query.orders)
    ]
    found.sort(key=lambda each: [(kind, isinstance(part, str), part) for kind, part in each[0]])
    for name, descending in reversed(query.orders):
        found.sort(key=lambda each, n=name: _values(each[1], n)[0], reverse=descending)  # type: ignore[misc]
    return [copy_entity(entity) for _, entity in found]


def _meets(entity: Any, condition: Condition) -> bool:
    if isinstance(condition, Combination):
        some = any if condition.operator == "OR" else all
        return some(_meets(entity, each) for each in condition.conditions)
    name, operator, operand = condition
    compare = COMPARISONS[operator]
    for value in _values(entity, name):
        same = operator in ("IN", "NOT_IN") or type(value) is type(operand)
        if (same or operator in ("=", "!=")) and compare(value, operand):
            return True
    return False


def _values(entity: Any, name: str) -> list[Any]:
    """Return a field's index entries; an empty list and a missing value have none."""
    value = attrgetter(name)(entity)
    if isinstance(value, list | tuple):
        return list(value)
    return [] if value is None else [value]
