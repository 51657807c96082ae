"""Counts, sums and averages over the results of a query."""

import math
import sys
from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

from local.datastore.encoding.messages import Message, get_message_class
from local.datastore.encoding.validation import check_name
from local.datastore.encoding.values import decode_number
from local.datastore.query.plan.prepared import Prepared
from local.datastore.query.run.aggregated_rows import list_rows
from local.datastore.query.run.reads import Read
from local.datastore.query.run.results import View, open_execution
from local.datastore.query.run.transactional import lock_ranges
from local.datastore.storage.engine import StorageEngine
from local.rpc.errors import InvalidArgument

MAX_AGGREGATIONS = 5
_INT64 = range(-(2**63), 2**63)


def aggregate(
    engine: StorageEngine,
    read: Read,
    prepared: Prepared,
    aggregations: Sequence[Any],
    batch: Message,
) -> int:
    """Write the result of an aggregation query into its batch.

    Returns how many index entries it read.
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
        if one.alias:
            check_name(one.alias, "alias")
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
    name = str(getattr(aggregation, operator).property.name)
    check_name(name, "aggregated property")
    return name


def _is_bound(aggregation: Any) -> bool:
    return bool(aggregation.count.HasField("up_to"))


def _find_bound(aggregations: Sequence[Any]) -> int | None:
    """Return after how many results the aggregation can stop; None if it needs all of them."""
    if all(one.WhichOneof("operator") == "count" and _is_bound(one) for one in aggregations):
        return max(int(one.count.up_to.value) for one in aggregations)
    return None


def _collect(
    engine: StorageEngine, read: Read, prepared: Prepared, names: set[str], bound: int | None
) -> tuple[int, dict[str, list[int | float]], int]:
    listed = sorted(names)
    numbers: dict[str, list[int | float]] = {name: [] for name in listed}
    limits = [one for one in (prepared.limit, bound) if one is not None]
    stop = min(prepared.offset + min(limits), sys.maxsize) if limits else None
    with read.open_snapshot() as connection:
        execution = open_execution(engine, prepared, View(connection, read.as_of))
        if execution is None:
            return 0, numbers, 0
        count = 0
        for row in islice(list_rows(prepared, execution, listed), prepared.offset, stop):
            count += 1
            for name, encoded in zip(listed, row, strict=True):
                number = decode_number(encoded)
                if number is not None:
                    numbers[name].append(number)
        return count, numbers, execution.scanned


def _write_sum(value: Any, numbers: Sequence[int | float]) -> None:
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


def _add(numbers: Sequence[int | float]) -> int | float:
    if not any(isinstance(one, float) for one in numbers):
        return sum(numbers)
    # Infinities and NaN determine the result, whatever the other numbers are.
    special = [one for one in numbers if not math.isfinite(one)]
    return sum(special, 0.0) if special else _add_exactly(numbers)


def _add_exactly(numbers: Sequence[int | float]) -> float:
    try:
        return math.fsum(numbers)
    except OverflowError:
        exact = sum(map(Fraction, numbers), Fraction())
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf
