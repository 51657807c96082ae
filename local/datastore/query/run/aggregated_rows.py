"""The rows for sums and averages: the values that a projection of their properties would return.

As with index entries, an entity with several values of a property has a row for each, and one that
lacks the property in its index has none. The rows are in the query's order.
"""

from collections.abc import Iterator, Sequence
from itertools import product

from local.datastore.encoding.messages import get_message_class
from local.datastore.encoding.ordered import invert
from local.datastore.query.plan.layout import split_position
from local.datastore.query.plan.planner import QueryPlan
from local.datastore.query.plan.prepared import Prepared
from local.datastore.query.run.execution import Execution
from local.datastore.query.run.past import PastExecution
from local.datastore.query.run.results import list_hits, list_positions
from local.datastore.query.run.scans import Hit
from local.datastore.storage.indexes import Values, build_entries, collect_values

Row = tuple[bytes, ...]


def list_rows(
    prepared: Prepared, execution: Execution | PastExecution, names: Sequence[str]
) -> Iterator[Row]:
    """Yield the encoded values of the named properties, with a row for each combination.

    Without names, yields an empty row for each result.
    """
    hits = (list_positions if names else list_hits)(prepared, execution)
    for hit in hits:
        if prepared.ends_before(hit.position):
            return
        yield from _expand(prepared, execution, hit, names)


def _expand(
    prepared: Prepared, execution: Execution | PastExecution, hit: Hit, names: Sequence[str]
) -> Iterator[Row]:
    fixed = _read_position(prepared, hit.position) if names else {}
    free = [name for name in names if name not in fixed]
    if not free:
        yield tuple(fixed[name] for name in names)
        return
    entity = get_message_class("Entity").FromString(execution.fetch(hit.path).entity)
    for found in _list_combinations(prepared, hit, collect_values(entity), free):
        row = fixed | found
        yield tuple(row[name] for name in names)


def _read_position(prepared: Prepared, position: bytes) -> dict[str, bytes]:
    """Return the values of the columns that the results are sorted by."""
    components = split_position(position, prepared.columns)
    pairs = zip(prepared.columns, components, strict=False)
    return {name: invert(one) if descends else one for (name, descends), one in pairs}


def _list_combinations(
    prepared: Prepared, hit: Hit, values: Values, free: Sequence[str]
) -> Iterator[dict[str, bytes]]:
    """Yield an entity's values of properties without a column that match the filters."""
    known = set()
    for plan in prepared.plans:
        if len(prepared.plans) > 1 and not _finds(plan, hit, values):
            continue
        columns = [
            sorted(plan.equalities[name]) if name in plan.equalities else values.get(name, [])
            for name in free
        ]
        for combination in product(*columns):
            if combination not in known:
                known.add(combination)
                yield dict(zip(free, combination, strict=True))


def _finds(plan: QueryPlan, hit: Hit, values: Values) -> bool:
    """Tell whether a plan finds an entity at the position of a hit."""
    return plan.selects(values) and any(
        plan.layout.build_position(entry.body) == hit.position and plan.admits(entry.body)
        for entry in build_entries(plan.build_definition(), values, hit.path)
    )
