"""Chooses composite indexes that can serve a query together.

The columns of such an index are some of the equality filters, in any order, and then exactly the
query's sort orders. Indexes are merged until they cover all filters.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from local.datastore.query.plan.filters import Conjunction
from local.datastore.query.plan.layout import Column, Shape
from local.datastore.storage.indexes import Definition


class Candidate(NamedTuple):
    """A composite index that can take part in a plan, and the columns that it sorts by.

    ``backward`` says that the index has these columns in reverse.
    """

    definition: Definition
    tail: list[Column]
    backward: bool

    @property
    def order(self) -> tuple[list[Column], bool]:
        """The sort order: of the columns, and whether keys descend."""
        return self.tail, self.definition.key_descends != self.backward

    def joins(self, other: "Candidate") -> bool:
        """Tell whether the two can be merged: the service reads both in the same direction."""
        return self.order == other.order and self.backward == other.backward

    @property
    def leading(self) -> Sequence[Column]:
        """The columns before those."""
        columns = self.definition.value_columns
        return columns[: len(columns) - len(self.tail)]


def choose_composites(
    conjunction: Conjunction,
    shape: Shape,
    ordered: list[Column],
    composites: Iterable[Definition],
) -> list[Candidate]:
    """Return indexes whose merge serves a conjunction in the order `ordered`, if there are any."""
    needed = set(conjunction.equalities)
    chosen: list[Candidate] = []
    candidates = _list_candidates(conjunction, shape, ordered, composites)
    need_ancestor = conjunction.ancestor is not None
    while chosen == [] or needed or need_ancestor:
        best = max(
            (one for one in candidates if not chosen or one.joins(chosen[0])),
            key=lambda one: _count_gain(one, needed, need_ancestor=need_ancestor),
            default=None,
        )
        if best is None or (chosen and not _count_gain(best, needed, need_ancestor=need_ancestor)):
            return []
        chosen.append(best)
        needed -= {name for name, _ in best.leading}
        need_ancestor = need_ancestor and not best.definition.ancestor
    return chosen


def _list_candidates(
    conjunction: Conjunction, shape: Shape, ordered: list[Column], composites: Iterable[Definition]
) -> list[Candidate]:
    found = []
    for definition in composites:
        if definition.ancestor and conjunction.ancestor is None:
            continue
        for backward in (False, True) if shape.implied else (False,):
            candidate = _match_tail(definition, conjunction, shape, ordered, backward)
            if candidate is not None:
                found.append(candidate)
    return found


def _match_tail(
    definition: Definition,
    conjunction: Conjunction,
    shape: Shape,
    ordered: list[Column],
    backward: bool,
) -> Candidate | None:
    columns = definition.value_columns
    length = len(ordered) + len(shape.free)
    if len(columns) < length:
        return None
    leading, own = columns[: len(columns) - length], columns[len(columns) - length :]
    tail = [(name, descends != backward) for name, descends in own]
    fits = (
        {name for name, _ in leading} <= set(conjunction.equalities)
        and tail[: len(ordered)] == ordered
        and sorted(name for name, _ in tail[len(ordered) :]) == sorted(shape.free)
    )
    candidate = Candidate(definition, tail, backward)
    if not fits or not (shape.free or candidate.order[1] == shape.key_descends):
        return None
    return candidate


def _count_gain(candidate: Candidate, needed: set[str], *, need_ancestor: bool) -> int:
    leading = {name for name, _ in candidate.leading}
    return len(leading & needed) + (need_ancestor and candidate.definition.ancestor)
