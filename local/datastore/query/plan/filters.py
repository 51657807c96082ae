"""Normalizes a filter to a list of alternatives, each a conjunction that one plan can serve."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from local.datastore.encoding.keys import Partition
from local.datastore.encoding.messages import Filter
from local.datastore.query.plan.comparisons import MAX_DISJUNCTS, Predicate, expand_comparison
from local.datastore.query.plan.intervals import (
    END,
    START,
    Cut,
    Interval,
    equal_to,
    intersect,
    other_than,
)
from local.datastore.storage.indexes import KEY
from local.rpc.errors import InvalidArgument


@dataclass(slots=True)
class Conjunction:
    """Filters that must all match. Values of ``__key__`` are encoded paths.

    ``equated`` names the properties with equality filters, including those that became ranges.
    """

    equalities: dict[str, set[bytes]] = field(default_factory=dict)
    ranges: dict[str, list[Interval]] = field(default_factory=dict)
    ancestor: bytes | None = None
    equated: set[str] = field(default_factory=set)

    @property
    def names_one_key(self) -> bool:
        """Whether the filters on ``__key__`` match a single key."""
        intervals = self.ranges.get(KEY, [])
        return len(intervals) == 1 and intervals[0][0].value == intervals[0][1].value != b""

    @property
    def key_intervals(self) -> list[Interval] | None:
        """The intervals of keys by the ancestor and filters on ``__key__``; None for all keys."""
        intervals = self.ranges.get(KEY)
        if self.ancestor is None:
            return intervals
        below = [(Cut(self.ancestor, False), Cut(self.ancestor, True))]
        return below if intervals is None else intersect(intervals, below)


def normalize_filter(filter_: Filter | None, partition: Partition) -> list[Conjunction]:
    """Return the alternatives of a filter; InvalidArgument if it is invalid.

    Writes the partition's project into keys that name none, in place.
    """
    if filter_ is None:
        return [Conjunction()]
    expanded = _expand(filter_, partition)
    _check_operators(list(_list_operators(filter_)))
    alternatives = [_build_conjunction(one) for one in expanded]
    if len({one.ancestor for one in alternatives}) > 1:
        raise InvalidArgument("All disjuncts must have the same HAS_ANCESTOR filter.")
    return alternatives


def count_comparisons(filter_: Filter) -> int:
    """Return the number of comparisons in a filter."""
    if filter_.WhichOneof("filter_type") == "property_filter":
        return 1
    return sum(count_comparisons(one) for one in filter_.composite_filter.filters)


def _check_operators(operators: list[str]) -> None:
    if operators.count("NOT_EQUAL") + operators.count("NOT_IN") > 1:
        raise InvalidArgument("Only a single 'NOT_EQUAL' or 'NOT_IN' is allowed per query.")
    if "NOT_IN" in operators and ("IN" in operators or "OR" in operators):
        raise InvalidArgument("'NOT_IN' cannot be used in the same query with 'IN' or 'OR'.")


def _list_operators(filter_: Filter) -> Iterator[str]:
    """Yield the operators of a filter and of all filters in it."""
    if filter_.WhichOneof("filter_type") == "property_filter":
        yield filter_.property_filter.Operator.Name(filter_.property_filter.op)
        return
    composite = filter_.composite_filter
    yield composite.Operator.Name(composite.op)
    for one in composite.filters:
        yield from _list_operators(one)


def _expand(filter_: Filter, partition: Partition) -> list[list[Predicate]]:
    which = filter_.WhichOneof("filter_type")
    if which == "property_filter":
        return expand_comparison(filter_.property_filter, partition)
    if which is None:
        raise InvalidArgument("A filter must have a type.")
    composite = filter_.composite_filter
    if not composite.filters:
        raise InvalidArgument("A composite filter must have at least one sub-filter.")
    parts = [_expand(one, partition) for one in composite.filters]
    if composite.op == composite.OR:
        return _check_count([alternative for part in parts for alternative in part])
    if composite.op != composite.AND:
        raise InvalidArgument("A composite filter must have an operator.")
    return _distribute(parts)


def _distribute(parts: Sequence[list[list[Predicate]]]) -> list[list[Predicate]]:
    combined: list[list[Predicate]] = [[]]
    for part in parts:
        combined = _check_count([left + right for left in combined for right in part])
    return combined


def _check_count(alternatives: list[list[Predicate]]) -> list[list[Predicate]]:
    if len(alternatives) > MAX_DISJUNCTS:
        raise InvalidArgument(
            f"The query has more than {MAX_DISJUNCTS} disjunctions after normalization."
        )
    return alternatives


def _build_conjunction(predicates: Sequence[Predicate]) -> Conjunction:
    built = Conjunction()
    for name, operator, values in predicates:
        if operator == "HAS_ANCESTOR":
            if built.ancestor not in (None, values[0]):
                raise InvalidArgument("Only one ancestor is allowed.")
            built.ancestor = values[0]
        elif operator == "EQUAL" and name != KEY:
            built.equated.add(name)
            built.equalities.setdefault(name, set()).add(values[0])
        else:
            known = built.ranges.get(name, [(START, END)])
            built.ranges[name] = intersect(known, _get_intervals(operator, values))
    for name in list(built.equalities):
        if name in built.ranges:
            # As in the service, one value must satisfy all filters on its property.
            for value in built.equalities.pop(name):
                built.ranges[name] = intersect(built.ranges[name], equal_to(value))
    return built


def _get_intervals(operator: str, values: tuple[bytes, ...]) -> list[Interval]:
    before, after = Cut(values[0], False), Cut(values[0], True)
    match operator:
        case "LESS_THAN":
            return [(START, before)]
        case "LESS_THAN_OR_EQUAL":
            return [(START, after)]
        case "GREATER_THAN":
            return [(after, END)]
        case "GREATER_THAN_OR_EQUAL":
            return [(before, END)]
        case "EQUAL":
            return equal_to(values[0])
        case _:
            return other_than(values)
