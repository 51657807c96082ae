"""GQL: a query as text, read into the same messages that a client would send."""

from collections.abc import Callable
from typing import Any

from local.datastore.gql_tokens import Token, split_tokens
from local.datastore.gql_values import ValueReader
from local.datastore.keys import Partition
from local.datastore.messages import AggregationQuery, Filter, GqlQuery, Query
from local.rpc.errors import InvalidArgument

_COMPARISONS = {
    "=": "EQUAL",
    "!=": "NOT_EQUAL",
    "<": "LESS_THAN",
    "<=": "LESS_THAN_OR_EQUAL",
    ">": "GREATER_THAN",
    ">=": "GREATER_THAN_OR_EQUAL",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_AGGREGATES = ("COUNT", "COUNT_UP_TO", "SUM", "AVG")


def parse_query(gql: GqlQuery, partition: Partition) -> Query:
    """Return the query of a GqlQuery; InvalidArgument when it is not one."""
    parser = _Parser(gql, partition)
    query = parser.read_query()
    parser.expect_end()
    return query


def parse_aggregation(gql: GqlQuery, partition: Partition) -> AggregationQuery:
    """Return the aggregation query of a GqlQuery; InvalidArgument when it is not one."""
    parser = _Parser(gql, partition)
    aggregation = parser.read_aggregation()
    parser.expect_end()
    return aggregation


class _Parser(ValueReader):
    def __init__(self, gql: GqlQuery, partition: Partition) -> None:
        super().__init__(split_tokens(gql.query_string), gql, partition)

    def read_aggregation(self) -> AggregationQuery:
        aggregation = AggregationQuery()
        wrapped = self.accept("AGGREGATE")
        if not wrapped:
            self.expect("SELECT")
        self.read_list(lambda: self._read_aggregate(aggregation.aggregations.add()))
        if wrapped:
            self.expect("OVER")
            self.expect_symbol("(")
            aggregation.nested_query.CopyFrom(self.read_query())
            self.expect_symbol(")")
        else:
            self._read_rest(aggregation.nested_query)
        return aggregation

    def _read_aggregate(self, one: Any) -> None:
        operator = self.expect(*_AGGREGATES)
        self.expect_symbol("(")
        if operator == "COUNT":
            self.expect_symbol("*")
            one.count.SetInParent()
        elif operator == "COUNT_UP_TO":
            one.count.up_to.value = self.read_count()
        else:
            getattr(one, operator.lower()).property.name = self.read_name()
        self.expect_symbol(")")
        if self.accept("AS"):
            one.alias = self.read_name()

    def read_query(self) -> Query:
        query = Query()
        self.expect("SELECT")
        self._read_projection(query)
        self._read_rest(query)
        return query

    def _read_projection(self, query: Query) -> None:
        distinct = self.accept("DISTINCT")
        if distinct and self.accept("ON"):
            self.expect_symbol("(")
            self.read_list(lambda: query.distinct_on.add(name=self.read_name()))
            self.expect_symbol(")")
            distinct = False
        if self.accept_symbol("*"):
            return
        if self.peek().is_word("FROM", "WHERE", *_AGGREGATES):
            raise self.fail("a projection")
        self.read_list(lambda: query.projection.add(property={"name": self.read_name()}))
        if distinct:
            for one in query.projection:
                query.distinct_on.add(name=one.property.name)

    def _read_rest(self, query: Query) -> None:
        if self.accept("FROM"):
            query.kind.add(name=self.read_name())
        if self.accept("WHERE"):
            query.filter.CopyFrom(self._read_either())
        if self.accept("ORDER"):
            self.expect("BY")
            self.read_list(lambda: self._read_order(query.order.add()))
        if self.accept("LIMIT"):
            self._read_limit(query)
        if self.accept("OFFSET"):
            self._read_offset(query)

    def _read_order(self, order: Any) -> None:
        order.property.name = self.read_name()
        order.direction = order.DESCENDING if self.accept("DESC") else order.ASCENDING
        self.accept("ASC")

    def _read_limit(self, query: Query) -> None:
        if self.accept("FIRST"):
            self.expect_symbol("(")
            self.read_list(lambda: self._read_limit(query))
            self.expect_symbol(")")
            return
        cursor = self.accept_cursor()
        if cursor is not None:
            query.end_cursor = cursor
        elif query.HasField("limit"):
            raise InvalidArgument("GQL: there is one limit already.")
        else:
            query.limit.value = self.read_count()

    def _read_offset(self, query: Query) -> None:
        cursor = self.accept_cursor()
        if cursor is not None:
            query.start_cursor = cursor
        if cursor is None or self.peek().sort == "integer":
            query.offset = self.read_count()

    def _read_either(self) -> Filter:
        return self._read_composite("OR", lambda: self._read_composite("AND", self._read_condition))

    def _read_composite(self, word: str, read: Callable[[], Filter]) -> Filter:
        parts = [read()]
        while self.accept(word):
            parts.append(read())
        if len(parts) == 1:
            return parts[0]
        combined = Filter()
        composite = combined.composite_filter
        composite.op = composite.Operator.Value(word)
        composite.filters.extend(parts)
        return combined

    def _read_condition(self) -> Filter:
        if self.accept_symbol("("):
            inside = self._read_either()
            self.expect_symbol(")")
            return inside
        if self.begins_value():
            return self._read_value_first()
        return self._read_property_first()

    def _read_value_first(self) -> Filter:
        value = self.read_value()
        if self.accept("IN"):
            return _compare(self.read_name(), "EQUAL", value)
        if self.accept("HAS"):
            self.expect("DESCENDANT")
            return _compare(self.read_name(), "HAS_ANCESTOR", value)
        operator = self._expect_comparison()
        return _compare(self.read_name(), _COMPARISONS[_MIRRORED[operator]], value)

    def _read_property_first(self) -> Filter:
        name = self.read_name()
        if self.accept("IS"):
            self.expect("NULL")
            return _compare(name, "EQUAL", self.make_null())
        if self.accept("HAS"):
            self.expect("ANCESTOR")
            return _compare(name, "HAS_ANCESTOR", self.read_value())
        if self.accept("NOT"):
            self.expect("IN")
            return _compare(name, "NOT_IN", self.read_value())
        if self.accept("IN"):
            return _compare(name, "IN", self.read_value())
        if self.accept("CONTAINS"):
            return _compare(name, "EQUAL", self.read_value())
        return _compare(name, _COMPARISONS[self._expect_comparison()], self.read_value())

    def _expect_comparison(self) -> str:
        token: Token = self.next()
        if token.sort != "symbol" or token.text not in _COMPARISONS:
            raise self.fail("a comparison", token)
        return token.text


def _compare(name: str, operator: str, value: Any) -> Filter:
    one = Filter()
    one.property_filter.property.name = name
    one.property_filter.op = one.property_filter.Operator.Value(operator)
    one.property_filter.value.CopyFrom(value)
    return one
