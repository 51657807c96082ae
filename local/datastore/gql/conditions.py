"""Parses WHERE: conditions on properties, combined by AND and OR."""

from collections.abc import Callable

from local.datastore.encoding.messages import Filter, Value
from local.datastore.gql.values import ValueReader

_COMPARISONS = {
    "=": "EQUAL",
    "!=": "NOT_EQUAL",
    "<": "LESS_THAN",
    "<=": "LESS_THAN_OR_EQUAL",
    ">": "GREATER_THAN",
    ">=": "GREATER_THAN_OR_EQUAL",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


class ConditionReader(ValueReader):
    """Parses conditions. ``kind`` may qualify the names of properties."""

    kind: str | None = None

    def read_filter(self) -> Filter:
        """Parse a whole condition; AND binds tighter than OR."""
        return self._combine("OR", self._read_conjunction)

    def _read_conjunction(self) -> Filter:
        return self._combine("AND", self._read_condition)

    def _combine(self, word: str, read: Callable[[], Filter]) -> Filter:
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
            inside = self.read_filter()
            self.expect_symbol(")")
            return inside
        return self._read_value_first() if self.begins_value() else self._read_property_first()

    def _read_value_first(self) -> Filter:
        value = self.read_value()
        if self.accept("IN"):
            return _contain(self.read_property(self.kind), value)
        if self.accept("HAS"):
            self.expect("DESCENDANT")
            return _compare(self.read_property(self.kind), "HAS_ANCESTOR", value)
        operator = self._expect_comparison()
        name = self.read_property(self.kind)
        return _compare(name, _COMPARISONS[_MIRRORED[operator]], value)

    def _read_property_first(self) -> Filter:
        name = self.read_property(self.kind)
        if self.accept("IS"):
            return _compare(name, "EQUAL", self.read_null())
        if self.accept("HAS"):
            self.expect("ANCESTOR")
            return _compare(name, "HAS_ANCESTOR", self.read_value())
        if self.accept("NOT"):
            self.expect("IN", "CONTAINS")
            return _compare(name, "NOT_IN", self.read_value())
        if self.accept("IN", "CONTAINS"):
            return _contain(name, self.read_value())
        operator = self._expect_comparison()
        return _compare(name, _COMPARISONS[operator], self.read_value())

    def _expect_comparison(self) -> str:
        operator = self.accept_symbol(*_COMPARISONS)
        if operator is None:
            raise self.fail("a comparison")
        return operator


def _contain(name: str, value: Value) -> Filter:
    """Return the filter for IN or CONTAINS, which is = for a single value."""
    several = value.WhichOneof("value_type") == "array_value"
    return _compare(name, "IN" if several else "EQUAL", value)


def _compare(name: str, operator: str, value: Value) -> Filter:
    one = Filter()
    one.property_filter.property.name = name
    one.property_filter.op = one.property_filter.Operator.Value(operator)
    one.property_filter.value.CopyFrom(value)
    return one
