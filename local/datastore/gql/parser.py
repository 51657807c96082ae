"""Parses whole GQL queries, and aggregations over them."""

from typing import Any

from local.datastore.encoding.keys import Partition
from local.datastore.encoding.messages import AggregationQuery, GqlQuery, Query
from local.datastore.gql.conditions import ConditionReader
from local.rpc.errors import InvalidArgument

_MAX_COUNT = 2**31 - 1


def parse_query(gql: GqlQuery, partition: Partition) -> Query:
    """Return the query of a GqlQuery; InvalidArgument if it is malformed."""
    parser = _Parser(gql, partition)
    query = parser.read_query()
    parser.finish()
    return query


def parse_aggregation(gql: GqlQuery, partition: Partition) -> AggregationQuery:
    """Return the aggregation query of a GqlQuery; InvalidArgument if it is malformed."""
    parser = _Parser(gql, partition)
    aggregation = parser.read_aggregation()
    parser.finish()
    return aggregation


class _Parser(ConditionReader):
    def finish(self) -> None:
        """Check that the text is at its end and that all parameters were used."""
        self.expect_end()
        self.bindings.check_used()

    def read_aggregation(self) -> AggregationQuery:
        aggregation = AggregationQuery()
        aggregation.nested_query.SetInParent()
        if self.accept("AGGREGATE"):
            self._read_aggregates(aggregation)
            self.expect("OVER")
            self.expect_symbol("(")
            aggregation.nested_query.CopyFrom(self.read_query())
            self.expect_symbol(")")
            return aggregation
        self.expect("SELECT")
        self.kind = self.find_kind()
        self._read_aggregates(aggregation)
        self._read_source(aggregation.nested_query)
        return aggregation

    def _read_aggregates(self, aggregation: AggregationQuery) -> None:
        self.read_list(lambda: self._read_aggregate(aggregation.aggregations.add()))

    def _read_aggregate(self, one: Any) -> None:
        operator = self.expect("COUNT", "COUNT_UP_TO", "SUM", "AVG")
        self.expect_symbol("(")
        if operator == "COUNT":
            self.expect_symbol("*")
            one.count.SetInParent()
        elif operator == "COUNT_UP_TO":
            one.count.up_to.value = self.read_integer()
        else:
            getattr(one, operator.lower()).property.name = self.read_property(self.kind)
        self.expect_symbol(")")
        if self.accept("AS"):
            one.alias = self.read_name()

    def read_query(self) -> Query:
        query = Query()
        self.expect("SELECT")
        self.kind = self.find_kind()
        self._read_projection(query)
        self._read_source(query)
        if self.accept("ORDER"):
            self.expect("BY")
            self.read_list(lambda: self._read_order(query.order.add()))
        if self.accept("LIMIT"):
            self._read_limit(query)
        if self.accept("OFFSET"):
            self._read_offset(query)
        return query

    def _read_projection(self, query: Query) -> None:
        distinct = self.accept("DISTINCT")
        if distinct and self.accept("ON"):
            distinct = None
            self.expect_symbol("(")
            self.read_list(lambda: query.distinct_on.add(name=self.read_property(self.kind)))
            self.expect_symbol(")")
        if not distinct and self.accept_symbol("*"):
            return
        self.read_list(
            lambda: query.projection.add(property={"name": self.read_property(self.kind)})
        )
        if distinct:
            query.distinct_on.extend(one.property for one in query.projection)

    def _read_source(self, query: Query) -> None:
        if self.accept("FROM"):
            query.kind.add(name=self.read_name())
        if self.accept("WHERE"):
            query.filter.CopyFrom(self.read_filter())

    def _read_order(self, order: Any) -> None:
        order.property.name = self.read_property(self.kind)
        descends = self.accept("ASC", "DESC") == "DESC"
        order.direction = order.DESCENDING if descends else order.ASCENDING

    def _read_limit(self, query: Query) -> None:
        if not self.calls("FIRST"):
            positions = [self._read_position("limit")]
        else:
            self.next()
            self.expect_symbol("(")
            positions = [self._read_position("limit")]
            self.expect_symbol(",")
            positions.append(self._read_position("limit"))
            self.expect_symbol(")")
            if {type(one) for one in positions} != {int, bytes}:
                raise InvalidArgument("GQL: FIRST takes an integer and a cursor.")
        for one in positions:
            if isinstance(one, bytes):
                query.end_cursor = one
            else:
                query.limit.value = one

    def _read_offset(self, query: Query) -> None:
        position = self._read_position("offset")
        if isinstance(position, int):
            query.offset = position
            return
        query.start_cursor = position
        if self.accept_symbol("+"):
            beyond = self._read_position("offset")
            if isinstance(beyond, bytes):
                raise InvalidArgument("GQL: what is added to a cursor is an integer.")
            query.offset = beyond

    def _read_position(self, what: str) -> int | bytes:
        """Parse a cursor, or a number of results."""
        if self.peek().sort != "binding":
            return _check_count(self.read_integer(), what)
        site = self.next().text
        parameter = self.bindings.find(site)
        if parameter.WhichOneof("parameter_type") == "cursor":
            return bytes(parameter.cursor)
        if parameter.value.WhichOneof("value_type") != "integer_value":
            raise InvalidArgument(f"GQL: {site} is no {what}: neither an integer nor a cursor.")
        return _check_count(parameter.value.integer_value, what)


def _check_count(number: int, what: str) -> int:
    if not 0 <= number <= _MAX_COUNT:
        raise InvalidArgument(f"GQL: the {what} is out of range: {number}.")
    return number
