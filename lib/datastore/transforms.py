"""Changes that the service makes to the value that is stored, whatever it is by then."""

from dataclasses import dataclass
from typing import Any, Literal

from lib.datastore.compiling import Compiler
from lib.datastore.plan import Plan, StoredField
from lib.datastore.values import Misfit
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
        """Whether making it twice is the same as making it once."""
        return self.change != "increment"


def increment(field: str, by: float) -> Transform:
    """Add to a number; a missing or non-numeric one counts as 0. Integers stop at 64 bits."""
    return Transform("increment", field, by)


def maximum(field: str, at_least: float) -> Transform:
    """Raise a number to `at_least` if it is less."""
    return Transform("maximum", field, at_least)


def minimum(field: str, at_most: float) -> Transform:
    """Lower a number to `at_most` if it is more."""
    return Transform("minimum", field, at_most)


def append_missing(field: str, items: list[Any]) -> Transform:
    """Append to a list those of the items that are not in it."""
    return Transform("append_missing_elements", field, items)


def remove_all(field: str, items: list[Any]) -> Transform:
    """Remove from a list all that equals one of the items."""
    return Transform("remove_all_from_array", field, items)


def server_time(field: str) -> Transform:
    """Set a field to the time of the request, to the millisecond, by the service's clock."""
    return Transform("time", field)


def target_of(plan: Plan, kind: str, transform: Transform) -> StoredField:
    """Return the stored field that is changed; raise Invalid if there is no such one."""
    stored = plan.stored_under(transform.field)
    if len(stored) != 1:
        raise Invalid(f"{kind} has no field {transform.field!r}", field=transform.field)
    return plan.by_stored[stored[0]]


def write_transform(
    compiler: Compiler, target: StoredField, transform: Transform, into: Any
) -> None:
    """Write a change as a v1 message; raise Invalid if the field could not hold the operand."""
    into.property = target.stored
    if transform.change == "time":
        into.set_to_server_value = 1
        return
    is_list = transform.change in ("append_missing_elements", "remove_all_from_array")
    operands = transform.operand if is_list else [transform.operand]
    codec = compiler.operand_codec(target, indexed=target.codec.indexes)
    message = getattr(into, transform.change)
    message.SetInParent()
    try:
        for operand in operands:
            codec.encode(message.values.add() if is_list else message, operand, 0)
    except Misfit as misfit:
        raise Invalid(f"{transform.field} {misfit.reason}", field=transform.field) from None


def apply_here(target: StoredField, transform: Transform, result: Any, present: Any) -> Any:
    """Return the field's value after the change: what the service says, or for a list (of which
    it says nothing) what comes of the one that was handed in.
    """
    if transform.change == "append_missing_elements":
        return [*present, *(item for item in transform.operand if item not in present)]
    if transform.change == "remove_all_from_array":
        return [item for item in present if item not in transform.operand]
    return target.codec.decode(result)
