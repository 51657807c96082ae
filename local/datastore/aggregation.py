"""Counts, sums and averages over the results of a query."""

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from local.datastore.engine import Engine
from local.datastore.execution import Execution
from local.datastore.history import PastExecution
from local.datastore.messages import Entity, Message, get_message_class
from local.datastore.query import Prepared
from local.datastore.reads import Read
from local.datastore.results import View, list_hits, open_execution
from local.datastore.transactional import lock_ranges
from local.rpc.errors import InvalidArgument

MAX_AGGREGATIONS = 5
_INT64 = range(-(2**63), 2**63)


def aggregate(
    engine: Engine, read: Read, prepared: Prepared, aggregations: Sequence[Any], batch: Message
) -> int:
    """Write the one result of an aggregation query into its batch.

    Returns how many index entries it took.
    """
    aliases = _name_results(aggregations)
    if read.locks:
        lock_ranges(engine, read, prepared)
    named = [_get_property(one) for one in aggregations]
    names = {name for name in named if name}
    if prepared.projection is not None and not names <= set(prepared.projection):
        raise InvalidArgument("A sum or average needs its property in the base query's projection.")
    count, numbers, scanned = _collect(engine, read, prepared, names, _find_bound(aggregations))
    result = batch.aggregation_results.add()
    for alias, one, name in zip(aliases, aggregations, named, strict=True):
        value = result.aggregate_properties[alias]
        if name is None:
            value.integer_value = min(count, one.count.up_to.value) if _is_bound(one) else count
        else:
            write = _write_sum if one.WhichOneof("operator") == "sum" else _write_average
            write(value, numbers[name])
    batch.more_results = get_message_class("QueryResultBatch").NO_MORE_RESULTS
    return scanned


def _name_results(aggregations: Sequence[Any]) -> list[str]:
    if not 1 <= len(aggregations) <= MAX_AGGREGATIONS:
        raise InvalidArgument(f"A query has one to {MAX_AGGREGATIONS} aggregations.")
    unnamed = 0
    aliases = []
    for one in aggregations:
        unnamed += not one.alias
        aliases.append(one.alias or f"property_{unnamed}")
    if len(set(aliases)) != len(aliases):
        raise InvalidArgument("The aliases of aggregations must be unique.")
    return aliases


def _get_property(aggregation: Any) -> str | None:
    operator = aggregation.WhichOneof("operator")
    if operator is None:
        raise InvalidArgument("An aggregation must have an operator.")
    if operator == "count":
        if aggregation.count.up_to.value < 0:
            raise InvalidArgument("up_to must not be negative.")
        return None
    name = getattr(aggregation, operator).property.name
    if not name:
        raise InvalidArgument("An aggregation must name a property.")
    return str(name)


def _is_bound(aggregation: Any) -> bool:
    return bool(aggregation.count.HasField("up_to"))


def _find_bound(aggregations: Sequence[Any]) -> int | None:
    """Return after how many results nothing more can matter; None when all of them do."""
    if all(one.WhichOneof("operator") == "count" and _is_bound(one) for one in aggregations):
        return max(int(one.count.up_to.value) for one in aggregations)
    return None


def _collect(
    engine: Engine, read: Read, prepared: Prepared, names: set[str], bound: int | None
) -> tuple[int, dict[str, list[int | float]], int]:
    numbers: dict[str, list[int | float]] = {name: [] for name in names}
    limits = [one for one in (prepared.limit, bound) if one is not None]
    stop = min(prepared.offset + min(limits), sys.maxsize) if limits else None
    with read.open_snapshot() as connection:
        execution = open_execution(engine, prepared, View(connection, read.as_of))
        if execution is None:
            return 0, numbers, 0
        entities = _list_entities(prepared, execution, names)
        count = 0
        for entity in islice(entities, prepared.offset, stop):
            count += 1
            if entity is not None:
                _take_numbers(entity.properties, numbers)
        return count, numbers, execution.scanned


def _list_entities(
    prepared: Prepared, execution: Execution | PastExecution, names: set[str]
) -> Iterator[Entity | None]:
    """Yield what is aggregated: all that have the named properties in their index.

    Without names, the entities themselves are not needed, and are None.
    """
    parse = get_message_class("Entity").FromString
    for hit in list_hits(prepared, execution):
        if prepared.ends_before(hit.position):
            return
        entity = parse(execution.fetch(hit.path).entity) if names else None
        if entity is None or _has_all(entity.properties, names):
            yield entity


def _has_all(properties: Any, names: set[str]) -> bool:
    return all(name in properties and not properties[name].exclude_from_indexes for name in names)


def _take_numbers(properties: Any, numbers: dict[str, list[int | float]]) -> None:
    for name, collected in numbers.items():
        value = properties[name]
        which = value.WhichOneof("value_type")
        if which in ("integer_value", "double_value"):
            collected.append(getattr(value, which))


def _write_sum(value: Any, numbers: Iterable[int | float]) -> None:
    total = _add(numbers)
    if isinstance(total, int) and total in _INT64:
        value.integer_value = total
    else:
        value.double_value = float(total)


def _write_average(value: Any, numbers: Sequence[int | float]) -> None:
    if numbers:
        value.double_value = float(_add(numbers)) / len(numbers)
    else:
        value.null_value = 0


def _add(numbers: Iterable[int | float]) -> int | float:
    add: Callable[[Iterable[Any]], Any] = sum
    listed = list(numbers)
    if any(isinstance(one, float) for one in listed):
        infinite = [one for one in listed if not math.isfinite(one)]
        return float(add(infinite)) if infinite else math.fsum(listed)
    return int(add(listed))
