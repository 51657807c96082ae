"""Changes that the service applies to the stored value."""

import functools
import operator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lib.datastore.mapping.compiler import Compiler, item_of, members_of
from lib.datastore.mapping.conversion import ConversionError
from lib.datastore.mapping.plan import MappingPlan, StoredField
from lib.datastore.v1.paths import property_path
from lib.errors import Invalid

Change = Literal[
    "increment", "maximum", "minimum", "append_missing_elements", "remove_all_from_array", "time"
]


@dataclass(frozen=True, slots=True)
class Transform:
    """One change of one field."""

    change: Change
    field: str
    operand: Any = None

    @property
    def is_repeatable(self) -> bool:
        """Whether applying it twice has the same effect as applying it once."""
        return self.change != "increment"

    @property
    def is_of_list(self) -> bool:
        """Whether it changes a list, whose new value the service does not return."""
        return self.change in ("append_missing_elements", "remove_all_from_array")


def increment(field: str, by: float) -> Transform:
    """Add to a number; a missing or non-numeric value counts as 0. Integers saturate at 64 bits."""
    return Transform("increment", field, by)


def maximum(field: str, at_least: float) -> Transform:
    """Raise a number to `at_least` if it is lower."""
    return Transform("maximum", field, at_least)


def minimum(field: str, at_most: float) -> Transform:
    """Lower a number to `at_most` if it is higher."""
    return Transform("minimum", field, at_most)


def append_missing(field: str, items: list[Any]) -> Transform:
    """Append the items that are not in a list yet."""
    return Transform("append_missing_elements", field, items)


def remove_all(field: str, items: list[Any]) -> Transform:
    """Remove all elements of a list that equal one of the items."""
    return Transform("remove_all_from_array", field, items)


def server_time(field: str) -> Transform:
    """Set a field to the time of the request by the service's clock, in milliseconds."""
    return Transform("time", field)


def target_of(plan: MappingPlan, kind: str, transform: Transform) -> StoredField:
    """Return the stored field that is changed; raise Invalid if there is none."""
    stored = plan.stored_under(transform.field)
    field = plan.by_stored[stored[0]] if len(stored) == 1 else None
    if field is None or field.level != 0:
        raise Invalid(f"{kind} has no field {transform.field!r} to change", field=transform.field)
    return field


def write_transform(
    compiler: Compiler, target: StoredField, transform: Transform, into: Any
) -> None:
    """Write a change as a v1 message; raise Invalid if the field could not store the result."""
    into.property = property_path(target.stored)
    changed = _changed_type(target, transform)
    if transform.change == "time":
        into.set_to_server_value = 1
        return
    is_list = transform.is_of_list
    if is_list and not isinstance(transform.operand, list | tuple):
        raise Invalid(f"{transform.field} needs a list of items", field=transform.field)
    operands = transform.operand if is_list else [transform.operand]
    codec = compiler.compile(changed, target.codec.indexes)
    message = getattr(into, transform.change)
    message.SetInParent()
    try:
        for operand in operands:
            codec.encode(message.values.add() if is_list else message, operand, 0)
    except ConversionError as mismatch:
        raise Invalid(f"{transform.field} {mismatch.reason}", field=transform.field) from None


def _changed_type(target: StoredField, transform: Transform) -> Any:
    """Return the type of a change's operand; raise Invalid if the field has another type.

    The service would turn text into a list or a number into a time, and the entity could no longer
    be read.
    """
    members = members_of(target.hint)
    if transform.is_of_list:
        wanted, found = "a list", [item_of(member) for member in members if item_of(member)]
    elif transform.change == "time":
        wanted, found = "a datetime", [member for member in members if member is datetime]
    else:
        wanted, found = "a number", [member for member in members if member in (int, float)]
    if not found and Any not in members:
        raise Invalid(f"{transform.field} is not {wanted}", field=transform.field)
    return functools.reduce(operator.or_, found or [Any])
