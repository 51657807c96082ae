"""Chooses the index scans that serve a query, or refuses a query that lacks its index.

Built in are the index of each kind (its keys) and of each property, in both directions. Merging
those serves queries with only equality filters. Everything else needs composite indexes: see
``candidates``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

from local.datastore.encoding.keys import END as PATH_END
from local.datastore.encoding.ordered import invert
from local.datastore.query.plan.candidates import Candidate, choose_composites
from local.datastore.query.plan.filters import Conjunction
from local.datastore.query.plan.intervals import EVERYTHING, Interval, contains, flip_all
from local.datastore.query.plan.layout import Column, Layout, Shape, split_position
from local.datastore.storage.indexes import KEY, Definition, Values
from local.rpc.errors import FailedPrecondition


@dataclass(slots=True)
class Leg:
    """One index of a plan, and the prefix of all its entries (after the index id).

    It may be read backward, or grouped by value: values descend, and keys of a value ascend.
    """

    definition: Definition
    prefix: bytes = b""
    backward: bool = False
    grouped: bool = False

    @property
    def turned(self) -> bool:
        """Whether the plan's intervals are in the reverse order of the index."""
        return self.backward or self.grouped


@dataclass(slots=True)
class QueryPlan:
    """The scans that serve one conjunction.

    ``intervals`` bound the first component of an entry. ``residual`` has more intervals by column
    number, which are tested on each entry. If ``built`` is set, the index does not exist: its
    entries are computed from the entities that the legs find in ``base``.
    """

    legs: list[Leg]
    layout: Layout
    intervals: list[Interval]
    residual: dict[int, list[Interval]]
    built: Definition | None = None
    base: list[Interval] = field(default_factory=lambda: EVERYTHING)
    equalities: dict[str, set[bytes]] = field(default_factory=dict)
    key_descends: bool = False

    @property
    def kind(self) -> str:
        """The queried kind; empty for all kinds."""
        return self.legs[0].definition.kind

    def build_definition(self) -> Definition:
        """Return an index with exactly the columns of this plan's entries."""
        columns = (*self.layout.scanned, (KEY, self.key_descends))
        return Definition(self.kind, False, columns)

    def selects(self, values: Values) -> bool:
        """Tell whether an entity's values match the equality filters."""
        return all(wanted <= set(values.get(name, ())) for name, wanted in self.equalities.items())

    def admits(self, suffix: bytes) -> bool:
        """Tell whether an entry matches the filters on its columns and key."""
        components = split_position(suffix, self.layout.scanned)
        return contains(self.intervals, suffix) and all(
            contains(intervals, components[number]) for number, intervals in self.residual.items()
        )


def plan_conjunction(
    conjunction: Conjunction,
    shape: Shape,
    composites: Iterable[Definition],
    *,
    require_indexes: bool,
) -> QueryPlan:
    """Return the plan for one conjunction; FailedPrecondition if it needs a missing index."""
    constants = [_find_constant(conjunction, column) for column in shape.columns]
    layout = Layout(shape.columns, constants)
    plain_key = not shape.needs_key_index or not require_indexes
    if not layout.scanned and not shape.free and plain_key:
        return _complete(conjunction, shape, layout, _plan_merge(conjunction, shape))
    if conjunction.names_one_key and not shape.projects:
        # A single entity needs no sort order.
        return _plan_without(conjunction, shape, layout, require_indexes=False)
    simple = len(layout.scanned) + len(shape.free) == 1 and plain_key
    if simple and not conjunction.equalities and conjunction.ancestor is None:
        return _plan_property(conjunction, shape, layout)
    chosen = choose_composites(conjunction, shape, layout.scanned, composites)
    if not chosen:
        return _plan_without(conjunction, shape, layout, require_indexes=require_indexes)
    return _plan_composites(conjunction, shape, layout, chosen)


def _find_constant(conjunction: Conjunction, column: Column) -> bytes | None:
    name, descends = column
    values = conjunction.equalities.get(name)
    if not values:
        return None
    return invert(max(values)) if descends else min(values)


def _plan_merge(conjunction: Conjunction, shape: Shape) -> list[Leg]:
    """Serve only equality filters: one leg per filter, or the kind's index if there are none."""
    legs = [
        Leg(Definition(shape.kind, False, ((name, False),)), value, shape.key_descends)
        for name, values in sorted(conjunction.equalities.items())
        for value in sorted(values)
    ]
    return legs or [Leg(Definition(shape.kind, False, ()), b"", shape.key_descends)]


def _plan_keys(conjunction: Conjunction, shape: Shape) -> list[Leg]:
    """Find the entities that match the equality filters, in ascending order of keys."""
    return _plan_merge(conjunction, Shape(shape.kind, [], False))


def _plan_property(conjunction: Conjunction, shape: Shape, layout: Layout) -> QueryPlan:
    if shape.free:
        layout.columns.append((shape.free.pop(), False))
        layout.constants.append(None)
    name, descends = layout.columns[0]
    if descends and not shape.key_descends:
        leg = Leg(Definition(shape.kind, False, ((name, False),)), grouped=True)
        return _complete(conjunction, shape, layout, [leg])
    if shape.key_descends != descends:
        # Reading an index backward reverses both value and key.
        built = Definition(shape.kind, False, ((name, descends), (KEY, shape.key_descends)))
        return _complete(conjunction, shape, layout, _plan_keys(conjunction, shape), built=built)
    leg = Leg(Definition(shape.kind, False, ((name, False),)), b"", descends)
    return _complete(conjunction, shape, layout, [leg])


def _complete(
    conjunction: Conjunction,
    shape: Shape,
    layout: Layout,
    legs: list[Leg],
    *,
    built: Definition | None = None,
) -> QueryPlan:
    scanned = layout.scanned
    residual: dict[int, list[Interval]] = {}
    for number, (name, descends) in enumerate(scanned):
        if name in conjunction.ranges:
            intervals = conjunction.ranges[name]
            residual[number] = flip_all(intervals) if descends else intervals
    keys = conjunction.key_intervals
    by_prefix = legs[0].definition.ancestor and KEY not in conjunction.ranges
    if keys is not None and not by_prefix:
        residual[len(scanned)] = flip_all(keys) if shape.key_descends else keys
    first = residual.pop(0, EVERYTHING)
    base = EVERYTHING if keys is None else keys
    return QueryPlan(
        legs, layout, first, residual, built, base, conjunction.equalities, shape.key_descends
    )


def _plan_composites(
    conjunction: Conjunction, shape: Shape, layout: Layout, chosen: Sequence[Candidate]
) -> QueryPlan:
    tail, key_descends = chosen[0].order
    free = tail[len(layout.scanned) :]
    layout.columns += free
    layout.constants += [None] * len(free)
    shape.free.clear()
    shape.key_descends = key_descends
    legs = [leg for one in chosen for leg in _build_legs(conjunction, one)]
    legs.sort(key=lambda leg: not leg.definition.ancestor)
    return _complete(conjunction, shape, layout, legs)


def _build_legs(conjunction: Conjunction, candidate: Candidate) -> list[Leg]:
    definition = candidate.definition
    ancestor = b""
    if definition.ancestor and conjunction.ancestor is not None:
        ancestor = conjunction.ancestor + PATH_END
    columns = [
        [invert(value) if descends else value for value in sorted(conjunction.equalities[name])]
        for name, descends in candidate.leading
    ]
    return [
        Leg(definition, b"".join((ancestor, *combination)), candidate.backward)
        for combination in product(*columns)
    ]


def recommend_index(conjunction: Conjunction, shape: Shape, layout: Layout) -> Definition:
    """Return the single index that would serve a conjunction."""
    columns = [(name, False) for name in sorted(conjunction.equalities)]
    columns += layout.scanned
    columns += shape.free_columns
    if not shape.free and shape.key_descends != (columns[-1][1] if columns else False):
        columns.append((KEY, shape.key_descends))
    return Definition(shape.kind, conjunction.ancestor is not None, tuple(columns))


def _plan_without(
    conjunction: Conjunction, shape: Shape, layout: Layout, *, require_indexes: bool
) -> QueryPlan:
    recommended = recommend_index(conjunction, shape, layout)
    if require_indexes:
        raise FailedPrecondition(
            f"no matching index found. recommended index is:\n{recommended.describe()}"
        )
    layout.columns += shape.free_columns
    layout.constants += [None] * len(shape.free)
    shape.free.clear()
    columns = [*layout.scanned, (KEY, shape.key_descends)]
    built = Definition(shape.kind, False, tuple(columns))
    legs = _plan_keys(conjunction, shape)
    return _complete(conjunction, shape, layout, legs, built=built)
