"""Property transforms: changes to an entity that the server computes during the commit."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from local.datastore.encoding.messages import Entity, PropertyTransform, Value, get_message_class
from local.datastore.encoding.partitions import Database
from local.datastore.encoding.value_checks import check_element
from local.datastore.storage.clock import set_timestamp
from local.datastore.write.paths import open_value, parse_path
from local.rpc.errors import InvalidArgument

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_NUMBERS = ("integer_value", "double_value")


def check_transforms(transforms: Sequence[PropertyTransform], database: Database) -> None:
    """Refuse invalid operands, and transforms of both a property and a property nested in it.

    Writes the request's project into keys that name none, in place.
    """
    if not transforms:
        return
    for one in transforms:
        for operand in (*one.append_missing_elements.values, *one.remove_all_from_array.values):
            check_element(one.property, operand, database)
    if len(transforms) < 2:
        return
    paths = [parse_path(one.property) for one in transforms]
    for outer in paths:
        if any(inner != outer and inner[: len(outer)] == outer for inner in paths):
            raise InvalidArgument(
                f"Cannot transform property {'.'.join(outer)} and its nested property at the "
                "same time."
            )


def apply_transforms(
    entity: Entity, transforms: Iterable[PropertyTransform], now: int
) -> list[Value]:
    """Apply transforms in order, in place; return their results. ``now`` is in microseconds."""
    return [_apply(entity, transform, now) for transform in transforms]


def _apply(entity: Entity, transform: PropertyTransform, now: int) -> Value:
    kind = transform.WhichOneof("transform_type")
    if kind is None:
        raise InvalidArgument("A property transform must have a type.")
    value = open_value(entity, parse_path(transform.property))
    if kind in ("append_missing_elements", "remove_all_from_array"):
        change = _append_missing if kind == "append_missing_elements" else _remove_all
        change(value, getattr(transform, kind).values)
        return get_message_class("Value")(null_value=0)  # type: ignore[no-any-return]
    if kind == "set_to_server_value":
        value.Clear()
        # The service rounds the request time to milliseconds.
        set_timestamp(value.timestamp_value, now - now % 1000)
    else:
        _compute(kind, value, getattr(transform, kind))
    return get_message_class("Value").FromString(  # type: ignore[no-any-return]
        value.SerializeToString()
    )


def _compute(kind: str, value: Value, operand: Any) -> None:
    given = _get_number(operand)
    if given is None:
        raise InvalidArgument("A numeric transform takes an integer or a double.")
    stored = _get_number(value)
    if stored is None or (kind != "increment" and _is_preferred(kind, stored, given)):
        # The whole value, because the operand says whether it is indexed.
        value.CopyFrom(operand)
    elif kind == "increment":
        _set_number(value, _add(stored, given))
        value.exclude_from_indexes = operand.exclude_from_indexes


def _set_number(value: Value, number: int | float) -> None:
    if isinstance(number, int):
        value.integer_value = number
    else:
        value.double_value = number


def _get_number(value: Any) -> int | float | None:
    which = value.WhichOneof("value_type")
    return getattr(value, which) if which in _NUMBERS else None


def _add(stored: int | float, given: int | float) -> int | float:
    if isinstance(stored, int) and isinstance(given, int):
        return max(_INT64_MIN, min(_INT64_MAX, stored + given))
    return float(stored) + float(given)


def _is_preferred(kind: str, stored: int | float, given: int | float) -> bool:
    """Tell whether the operand replaces the stored value: not if equal; NaN always does."""
    if math.isnan(stored) or math.isnan(given):
        return not math.isnan(stored)
    return given > stored if kind == "maximum" else given < stored


def _append_missing(value: Value, elements: Iterable[Any]) -> None:
    array = _open_array(value)
    known = {_identify(element) for element in array.values}
    for element in elements:
        identity = _identify(element)
        if identity not in known:
            known.add(identity)
            array.values.append(element)


def _remove_all(value: Value, elements: Iterable[Any]) -> None:
    array = _open_array(value)
    unwanted = {_identify(element) for element in elements}
    kept = [element for element in array.values if _identify(element) not in unwanted]
    del array.values[:]
    array.values.extend(kept)


def _open_array(value: Value) -> Any:
    if not value.HasField("array_value"):
        value.Clear()
        value.array_value.SetInParent()
    return value.array_value


def _identify(value: Any) -> Any:
    """Return a key that equal values share: numbers equal across types, NaN equals NaN."""
    number = _get_number(value)
    if number is not None:
        return "NaN" if math.isnan(number) else number
    plain = get_message_class("Value")()
    plain.CopyFrom(value)
    plain.ClearField("exclude_from_indexes")
    plain.ClearField("meaning")
    return plain.SerializeToString(deterministic=True)
