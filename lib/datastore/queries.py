"""Queries as immutable values, checked against the model when they are formed."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from lib.datastore import limits
from lib.datastore.compiling import Compiler
from lib.datastore.conditions import (
    OPERATORS,
    Combination,
    Condition,
    Operator,
    count_disjunctions,
)
from lib.datastore.keys import NOWHERE, Key, write_key
from lib.datastore.messages import message
from lib.datastore.plan import StoredField
from lib.datastore.schema import model_of
from lib.datastore.values import Misfit
from lib.errors import Invalid

T = TypeVar("T")

Row = dict[str, Any]

#: The name under which the key itself is filtered and ordered by.
KEY = "__key__"
#: The service runs at most so many AND-only queries for one query with OR, IN and !=.
MAX_DISJUNCTIONS = 30

_compiler = Compiler(NOWHERE)


@dataclass(frozen=True, slots=True)
class Query(Generic[T]):
    """Which entities of a model, in which order, and how much of each.

    Every method returns a new query. Fields are named as in Python, those of nested dataclasses
    with dots (`address.city`); an unknown or unindexed one is refused at once (Invalid).
    """

    model: type[Any]
    conditions: tuple[Condition, ...] = ()
    orders: tuple[tuple[str, bool], ...] = ()
    projected: tuple[str, ...] = ()
    distinct_on: tuple[str, ...] = ()
    ancestor_key: Key[Any] | None = None
    only_keys: bool = False

    def ancestor(self, key: Key[Any]) -> "Query[T]":
        """Only what is under (or at) this key."""
        if not key.is_complete:
            raise Invalid(f"{key} is incomplete: nothing is under it", field="ancestor")
        return dataclasses.replace(self, ancestor_key=key)

    @overload
    def where(self, name: str, operator: Operator, value: Any, /) -> "Query[T]": ...
    @overload
    def where(self, condition: Combination, /) -> "Query[T]": ...
    def where(self, *parts: Any) -> "Query[T]":
        """Only what meets this condition too."""
        condition: Condition = parts[0] if len(parts) == 1 else parts
        _check(self.model, condition)
        conditions = (*self.conditions, condition)
        if count_disjunctions(Combination("AND", conditions)) > MAX_DISJUNCTIONS:
            raise Invalid(f"the query has over {MAX_DISJUNCTIONS} alternatives", field="where")
        return dataclasses.replace(self, conditions=conditions)

    def order(self, *names: str) -> "Query[T]":
        """Order by these fields, descending where the name starts with a minus sign."""
        orders = tuple((name.removeprefix("-"), name.startswith("-")) for name in names)
        for name, _ in orders:
            _require_indexed(self.model, name)
        return dataclasses.replace(self, orders=(*self.orders, *orders))

    def keys_only(self) -> "Query[Key[Any]]":
        """Return keys instead of entities."""
        return dataclasses.replace(self, only_keys=True)  # type: ignore[return-value]

    def project(self, *names: str) -> "Query[Row]":
        """Return rows (dicts by field name) of these indexed fields, and the ids."""
        for name in names:
            _require_indexed(self.model, name)
        return dataclasses.replace(self, projected=names)  # type: ignore[return-value]

    def distinct(self, *names: str) -> "Query[T]":
        """Return one result for each different combination of these projected fields."""
        for name in names:
            _require_indexed(self.model, name)
        return dataclasses.replace(self, distinct_on=names)


def find_field(model: type[Any], name: str) -> StoredField:
    """Return the stored field that a query means by a name; raise Invalid if there is none."""
    plan = _compiler.plan_of(model)
    head, _, rest = name.partition(".")
    for stored in plan.stored_under(head):
        field = plan.by_stored[stored]
        if not rest and field.name == head and field.level == 0:
            return field
        if rest and stored == f"{plan.stored_name(head)}.{rest}":
            return field
    raise Invalid(f"{model.__name__} has no field {name!r} to query by", field=name)


def stored_name(model: type[Any], name: str) -> str:
    """Return the stored name that a query's field has."""
    return KEY if name in (KEY, _id_name(model)) else find_field(model, name).stored


def _id_name(model: type[Any]) -> str:
    return model_of(model).path[-1].name


def _require_indexed(model: type[Any], name: str) -> None:
    if name in (KEY, _id_name(model)):
        return
    if not find_field(model, name).codec.indexes:
        raise Invalid(f"{model.__name__}.{name} is not indexed", field=name)


def _check(model: type[Any], condition: Condition) -> None:
    if isinstance(condition, Combination):
        if not condition.conditions:
            raise Invalid("an empty any_of or all_of", field="where")
        for item in condition.conditions:
            _check(model, item)
        return
    name, operator, _ = condition
    if operator not in OPERATORS:
        raise Invalid(f"no operator {operator!r}; there are {', '.join(OPERATORS)}", field=name)
    write_operand(_compiler, model, condition, message("Value")())


def write_operand(compiler: Compiler, model: type[Any], condition: Any, into: Any) -> None:
    """Write what a field is compared with; raise Invalid if the field could not hold it."""
    name, operator, value = condition
    _require_indexed(model, name)
    if operator not in ("IN", "NOT_IN"):
        return _write_one(compiler, model, name, value, into)
    if not isinstance(value, list | tuple | set | frozenset) or not value:
        raise Invalid(f"{name} {operator} takes some values", field=name)
    for item in value:
        _write_one(compiler, model, name, item, into.array_value.values.add())
    return None


def _write_one(compiler: Compiler, model: type[Any], name: str, value: Any, into: Any) -> None:
    if name in (KEY, _id_name(model)):
        if not isinstance(value, Key) or not value.is_complete:
            raise Invalid(f"{name} is compared with a complete Key", field=name)
        write_key(value, compiler.partition, into.key_value)
        return
    codec = compiler.operand_codec(find_field(model, name))
    try:
        codec.encode(into, value, limits.NESTING - 1)
    except Misfit as misfit:
        raise Invalid(f"{name} {misfit.reason}", field=name) from None
