"""Queries as immutable values, checked against the model when they are constructed."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from lib.datastore.keys import NOWHERE, Key, check_own, write_key
from lib.datastore.mapping.compiler import Compiler
from lib.datastore.mapping.conversion import ConversionError
from lib.datastore.read.conditions import (
    OPERATORS,
    Combination,
    Comparison,
    Condition,
    Operator,
    count_disjunctions,
)
from lib.datastore.read.fields import QueryProperty, find_field
from lib.datastore.v1.messages import message
from lib.errors import Invalid

T = TypeVar("T")

Row = dict[str, Any]

#: The maximum number of AND-only queries that the service runs for one query with OR and IN.
MAX_DISJUNCTIONS = 30
#: The operators that take several values, and their maximum numbers.
MAX_VALUES = {"IN": MAX_DISJUNCTIONS, "NOT_IN": 10}

_compiler = Compiler(NOWHERE)


@dataclass(frozen=True, slots=True)
class Query(Generic[T]):
    """Which entities of a model to read, in which order, and how much of each.

    Every method returns a new query. Fields are named as in Python, those of nested dataclasses
    with dots (`address.city`). Raises Invalid immediately for an unknown or unindexed field.
    """

    model: type[T]
    conditions: tuple[Condition, ...] = ()
    orders: tuple[tuple[str, bool], ...] = ()
    projected: tuple[str, ...] = ()
    distinct_on: tuple[str, ...] = ()
    ancestor_key: Key[Any] | None = None
    only_keys: bool = False

    def ancestor(self, key: Key[Any]) -> "Query[T]":
        """Return only entities at or under this key."""
        if not key.is_complete:
            raise Invalid(f"{key} is incomplete, so nothing is under it", field="ancestor")
        return dataclasses.replace(self, ancestor_key=key)

    @overload
    def where(self, name: str, operator: Operator, value: Any, /) -> "Query[T]": ...
    @overload
    def where(self, condition: Combination, /) -> "Query[T]": ...
    def where(self, *parts: Any) -> "Query[T]":
        """Return only entities that also meet this condition."""
        condition: Condition = parts[0] if len(parts) == 1 else parts
        check_condition(self.model, condition)
        conditions = (*self.conditions, condition)
        if count_disjunctions(Combination("AND", conditions)) > MAX_DISJUNCTIONS:
            raise Invalid(f"the query has over {MAX_DISJUNCTIONS} alternatives", field="where")
        return dataclasses.replace(self, conditions=conditions)

    def order(self, *names: str) -> "Query[T]":
        """Order by these fields, descending where the name starts with a minus sign."""
        orders = tuple((name.removeprefix("-"), name.startswith("-")) for name in names)
        for name, _ in orders:
            find(self.model, name)
        return dataclasses.replace(self, orders=(*self.orders, *orders))

    def keys_only(self) -> "Query[Key[Any]]":
        """Return keys instead of entities."""
        return dataclasses.replace(self, only_keys=True)  # type: ignore[return-value]

    def project(self, *names: str) -> "Query[Row]":
        """Return rows, dicts by field name, with these indexed fields and the ids."""
        for name in names:
            find(self.model, name)
        return dataclasses.replace(self, projected=names)  # type: ignore[return-value]

    def distinct(self, *names: str) -> "Query[Row]":
        """Return one row for each different combination of these indexed fields."""
        for name in names:
            find(self.model, name)
        projected = self.projected or names
        return dataclasses.replace(self, projected=projected, distinct_on=names)  # type: ignore[return-value]


def find(model: type[Any], name: str) -> QueryProperty:
    """Return a model's property for a name in a query; raise Invalid if it cannot be queried."""
    return find_field(_compiler.plan_of(model), model, name)


def check_condition(model: type[Any], condition: Condition) -> None:
    """Raise Invalid if a comparison could be true for no entity of the model."""
    if isinstance(condition, Combination):
        if not condition.conditions:
            raise Invalid("an any_of or all_of without conditions", field="where")
        for item in condition.conditions:
            check_condition(model, item)
        return
    name, operator, value = condition
    if operator not in OPERATORS:
        raise Invalid(
            f"no operator {operator!r}; the operators are {', '.join(OPERATORS)}", field=name
        )
    if operator in MAX_VALUES and not isinstance(value, list | tuple | set | frozenset):
        raise Invalid(f"{name} {operator} takes a list of values", field=name)
    if operator in MAX_VALUES and not 0 < len(value) <= MAX_VALUES[operator]:
        raise Invalid(f"{name} {operator} takes 1 to {MAX_VALUES[operator]} values", field=name)
    write_operand(_compiler, model, condition, message("Value")())


def write_operand(compiler: Compiler, model: type[Any], condition: Comparison, into: Any) -> None:
    """Write the operand of a comparison; raise Invalid if the field cannot have this value."""
    name, operator, value = condition
    found = find(model, name)
    if operator not in MAX_VALUES:
        return _write_one(compiler, found, name, value, into)
    for item in value:
        _write_one(compiler, found, name, item, into.array_value.values.add())
    return None


def _write_one(compiler: Compiler, found: QueryProperty, name: str, value: Any, into: Any) -> None:
    if found.is_omitted(value):
        raise Invalid(f"{name} is not stored while it is {value!r}: nothing matches", field=name)
    if found.field is None:
        if not isinstance(value, Key) or not value.is_complete:
            raise Invalid(f"{name} is compared with a complete Key", field=name)
        check_own(value, compiler.partition, name)
        write_key(value, compiler.partition, into.key_value)
        return
    try:
        compiler.operand_codec(found.field).encode(into, value, 0)
    except ConversionError as mismatch:
        raise Invalid(f"{name} {mismatch.reason}", field=name) from None
