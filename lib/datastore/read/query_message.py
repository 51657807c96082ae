"""Queries as v1 messages."""

from typing import Any

from lib.datastore.keys import Key, check_own, write_key
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.read import queries
from lib.datastore.read.conditions import OPERATORS, Combination, Condition
from lib.datastore.read.fields import KEY
from lib.datastore.read.queries import Query
from lib.datastore.v1.messages import enum_number, message


def write_query(codecs: Codecs, query: Query[Any]) -> Any:
    """Write a query as a v1 message without cursor or limit."""
    model = query.model
    pb = message("Query")()
    pb.kind.add(name=codecs.of(model).model.kind)
    conditions: list[Condition | Key[Any]] = list(query.conditions)
    if query.ancestor_key is not None:
        conditions.insert(0, query.ancestor_key)
    if len(conditions) == 1:
        _write_condition(codecs, model, conditions[0], pb.filter)
    elif conditions:
        _write_combination(codecs, model, "AND", conditions, pb.filter)
    for name, descending in query.orders:
        order = pb.order.add()
        order.property.name = queries.find(model, name).stored
        direction = "DESCENDING" if descending else "ASCENDING"
        order.direction = enum_number("PropertyOrder.Direction", direction)
    for name in (KEY,) if query.only_keys else query.projected:
        pb.projection.add().property.name = queries.find(model, name).stored
    for name in query.distinct_on:
        pb.distinct_on.add().name = queries.find(model, name).stored
    return pb


def _write_combination(
    codecs: Codecs, model: type[Any], operator: str, conditions: Any, into: Any
) -> None:
    into.composite_filter.op = enum_number("CompositeFilter.Operator", operator)
    for condition in conditions:
        _write_condition(codecs, model, condition, into.composite_filter.filters.add())


def _write_condition(
    codecs: Codecs, model: type[Any], condition: Condition | Key[Any], into: Any
) -> None:
    if isinstance(condition, Combination):
        _write_combination(codecs, model, condition.operator, condition.conditions, into)
        return
    comparison = into.property_filter
    if isinstance(condition, Key):
        comparison.property.name = KEY
        comparison.op = enum_number("PropertyFilter.Operator", "HAS_ANCESTOR")
        check_own(condition, codecs.partition, "ancestor")
        write_key(condition, codecs.partition, comparison.value.key_value)
        return
    name, operator, _ = condition
    comparison.property.name = queries.find(model, name).stored
    comparison.op = enum_number("PropertyFilter.Operator", OPERATORS[operator])
    queries.write_operand(codecs.compiler, model, condition, comparison.value)
