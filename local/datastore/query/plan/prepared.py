"""Prepares a query: validates it, and chooses its order and plans."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local.datastore.encoding.keys import Partition
from local.datastore.encoding.messages import Query, get_message_class
from local.datastore.encoding.validation import check_name
from local.datastore.query.plan.cursors import CursorCodec
from local.datastore.query.plan.filters import Conjunction, count_comparisons, normalize_filter
from local.datastore.query.plan.intervals import START, Cut
from local.datastore.query.plan.layout import Column, Shape
from local.datastore.query.plan.metadata import METADATA_KINDS
from local.datastore.query.plan.planner import QueryPlan, plan_conjunction
from local.datastore.storage.engine import StorageEngine
from local.datastore.storage.indexes import KEY
from local.rpc.errors import FailedPrecondition, InvalidArgument, Unimplemented

#: The maximum number of filters and sort orders together.
MAX_TERMS = 100


@dataclass(slots=True)
class Prepared:
    """A validated query with its plans."""

    kind: str
    partition: Partition
    plans: list[QueryPlan]
    columns: list[Column]
    key_descends: bool
    projection: list[str] | None
    distinct: int
    cursors: CursorCodec
    start: Cut
    end: Cut | None
    start_cursor: bytes
    offset: int
    limit: int | None

    @property
    def keys_only(self) -> bool:
        """Whether the results are keys."""
        return self.projection == []

    def ends_before(self, position: bytes) -> bool:
        """Tell whether a position lies after the end cursor."""
        return self.end is not None and position >= self.end.edge


def prepare_query(engine: StorageEngine, query: Query, partition: Partition) -> Prepared:
    """Return a query that is ready to run.

    Raises InvalidArgument if it is malformed, FailedPrecondition if it needs a composite index that
    does not or cannot exist, and Unimplemented if it is a vector search.
    """
    if query.HasField("find_nearest"):
        raise Unimplemented("Searches for the nearest vectors are not supported.")
    kind = _read_kind(query)
    conjunctions = _conjunctions_of(query, partition)
    projection = _read_projection(query)
    distinct = _read_distinct(query)
    _check_equated(conjunctions, [*(projection or ()), *distinct])
    explicit, key_order = _read_orders(query)
    shape = _build_shape(kind, conjunctions, explicit, key_order, projection or [], distinct)
    if not kind:
        _check_kindless(conjunctions, shape)
    if kind in METADATA_KINDS:
        _check_metadata(conjunctions, shape)
    composites = engine.catalog.composites.get(kind, ())
    plans = [
        plan_conjunction(one, shape, composites, require_indexes=engine.require_indexes)
        for one in conjunctions
    ]
    columns = plans[0].layout.columns
    told_apart = _count_distinct(columns, distinct)
    cursors = CursorCodec(kind, columns, key_descends=shape.key_descends, distinct=told_apart)
    return Prepared(
        kind,
        partition,
        plans,
        columns,
        shape.key_descends,
        projection,
        told_apart,
        cursors,
        cursors.decode(query.start_cursor) if query.start_cursor else START,
        cursors.decode(query.end_cursor) if query.end_cursor else None,
        query.start_cursor or cursors.encode_start(),
        _check_count(query.offset, "offset"),
        _check_count(query.limit.value, "limit") if query.HasField("limit") else None,
    )


def _read_kind(query: Query) -> str:
    if len(query.kind) > 1:
        raise InvalidArgument("Only one kind per query is supported.")
    if not query.kind:
        return ""
    name = str(query.kind[0].name)
    check_name(name, "kind", reserved=True)
    return name


def _check_count(number: int, what: str) -> int:
    if number < 0:
        raise InvalidArgument(f"The {what} must not be negative: {number}.")
    return number


def _read_projection(query: Query) -> list[str] | None:
    if not query.projection:
        return None
    names = [one.property.name for one in query.projection if one.property.name != KEY]
    for name in names:
        check_name(name, "projected property")
    if len(set(names)) != len(names):
        raise InvalidArgument("A property may be projected only once.")
    return sorted(names)


def _read_distinct(query: Query) -> list[str]:
    names = [one.name for one in query.distinct_on]
    for name in names:
        check_name(name, "distinct property")
    return names


def _check_equated(conjunctions: Sequence[Conjunction], names: Sequence[str]) -> None:
    if any(name in one.equated for one in conjunctions for name in names):
        raise InvalidArgument("Cannot use projection on a property with an equality filter.")


def _read_orders(query: Query) -> tuple[list[Column], bool | None]:
    """Return the sort orders before the key's, and whether the key descends, if it is in them."""
    orders: dict[str, bool] = {}
    for one in query.order:
        check_name(one.property.name, "ordered property", reserved=True)
        if one.direction not in one.Direction.values():
            raise InvalidArgument(f"An order has no such direction: {one.direction}.")
        if one.property.name in orders:
            raise InvalidArgument(
                f"order by clause cannot contain duplicate fields {one.property.name}"
            )
        orders[one.property.name] = one.direction == one.DESCENDING
    names = list(orders)
    before_key = names[: names.index(KEY)] if KEY in orders else names
    return [(name, orders[name]) for name in before_key], orders.get(KEY)


def check_aggregation(engine: StorageEngine, aggregated: Any, partition: Partition) -> None:
    """Raise FailedPrecondition for a sum or an average whose numbers are in no index.

    The service computes them from index entries, so they need the same index as a projection of the
    same properties. A property with an equality filter is in the filter's index. Sorting by key
    first, which no projection allows, does not matter to a sum.
    """
    nested = aggregated.nested_query
    by_key = any(KEY in one.ranges for one in _conjunctions_of(nested, partition)) or any(
        one.property.name == KEY for one in nested.order
    )
    if nested.projection or nested.distinct_on or by_key:
        return
    projecting = get_message_class("Query")()
    projecting.CopyFrom(nested)
    equated = {name for one in _conjunctions_of(nested, partition) for name in one.equated}
    operators = [(one, one.WhichOneof("operator")) for one in aggregated.aggregations]
    named = {getattr(one, op).property.name for one, op in operators if op in ("sum", "avg")}
    for name in sorted(named - equated - {"", KEY}):
        projecting.projection.add().property.name = name
    prepare_query(engine, projecting, partition)


def _conjunctions_of(query: Query, partition: Partition) -> list[Conjunction]:
    filter_ = query.filter if query.HasField("filter") else None
    comparisons = 0 if filter_ is None else count_comparisons(filter_)
    if comparisons + len(query.order) > MAX_TERMS:
        raise InvalidArgument(
            f"The query has more than {MAX_TERMS} filters and orders: "
            f"{comparisons} filters, {len(query.order)} orders."
        )
    return normalize_filter(filter_, partition)


def _build_shape(
    kind: str,
    conjunctions: Sequence[Conjunction],
    explicit: list[Column],
    key_order: bool | None,
    projection: list[str],
    distinct: list[str],
) -> Shape:
    ordered = [name for name, _ in explicit] + [KEY] * (key_order is not None)
    _check_distinct(ordered, distinct)
    down = explicit[-1][1] if explicit else False
    columns = explicit + [(name, down) for name in distinct if name not in ordered]
    known = {name for name, _ in columns}
    unequal = {name for one in conjunctions for name in one.ranges if name != KEY} - known
    columns += [(name, down) for name in sorted(unequal)]
    known |= unequal
    free = [name for name in projection if name not in known]
    _check_key_order(conjunctions, key_order, unequal, free)
    if len(conjunctions) == 1:
        columns = [one for one in columns if one[0] not in conjunctions[0].equalities]
    else:
        columns += [(name, down) for name in free]
        free = []
    key_descends = down if key_order is None else key_order
    turned = bool(key_order) and not (columns and columns[-1][1])
    implied = not explicit and key_order is None
    return Shape(kind, columns, key_descends, free, turned, implied, bool(projection))


def _check_key_order(
    conjunctions: Sequence[Conjunction],
    key_order: bool | None,
    unequal: set[str],
    free: list[str],
) -> None:
    if key_order is not None and unequal:
        raise InvalidArgument(
            "An inequality filter's property must be ordered by before __key__: "
            f"{', '.join(sorted(unequal))}."
        )
    by_key = key_order is not None or any(KEY in one.ranges for one in conjunctions)
    if free and by_key:
        raise FailedPrecondition(
            f"no index can serve a projection of {', '.join(free)} that is ordered by __key__ first"
        )


def _check_distinct(ordered: Sequence[str], distinct: Sequence[str]) -> None:
    if len(set(distinct)) != len(distinct):
        raise InvalidArgument("Cannot be distinct on a property twice.")
    if not distinct or set(ordered) <= set(distinct):
        return
    if set(ordered[: len(distinct)]) != set(distinct):
        raise InvalidArgument(
            "All distinct properties must be ordered before any that are not distinct."
        )


def _count_distinct(columns: Sequence[Column], distinct: Sequence[str]) -> int:
    """Return how many columns at the start of a position distinguish distinct results."""
    return sum(name in distinct for name, _ in columns)


def _check_kindless(conjunctions: Sequence[Conjunction], shape: Shape) -> None:
    filtered = {name for one in conjunctions for name in (*one.equalities, *one.ranges)} - {KEY}
    named = filtered | {name for name, _ in shape.columns} | set(shape.free)
    if named:
        raise InvalidArgument(f"kind is required for filter, order or projection: {min(named)}")
    if shape.key_descends:
        raise InvalidArgument("kind is required for all orders except __key__ ascending")


def _check_metadata(conjunctions: Sequence[Conjunction], shape: Shape) -> None:
    if shape.columns or shape.free or shape.key_descends or any(c.equalities for c in conjunctions):
        raise InvalidArgument("Metadata is filtered and ordered by ascending key, and comes whole.")
