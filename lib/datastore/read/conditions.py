"""The conditions of a query: comparisons of fields, and their combinations by AND and OR."""

from dataclasses import dataclass
from typing import Any, Literal

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "IN", "NOT_IN"]

OPERATORS: dict[str, str] = {
    "=": "EQUAL",
    "!=": "NOT_EQUAL",
    "<": "LESS_THAN",
    "<=": "LESS_THAN_OR_EQUAL",
    ">": "GREATER_THAN",
    ">=": "GREATER_THAN_OR_EQUAL",
    "IN": "IN",
    "NOT_IN": "NOT_IN",
}

Comparison = tuple[str, str, Any]


@dataclass(frozen=True, slots=True)
class Combination:
    """Several conditions, of which all or any must hold."""

    operator: Literal["AND", "OR"]
    conditions: tuple["Condition", ...]


Condition = Comparison | Combination


def any_of(*conditions: Condition) -> Combination:
    """Combine conditions by OR: `any_of(("done", "=", True), ("priority", ">", 5))`."""
    return Combination("OR", conditions)


def all_of(*conditions: Condition) -> Combination:
    """Combine conditions by AND."""
    return Combination("AND", conditions)


def count_disjunctions(condition: Condition) -> int:
    """Return how many AND-only queries the service must run for a condition."""
    if isinstance(condition, Combination):
        counts = [count_disjunctions(item) for item in condition.conditions]
        if condition.operator == "OR":
            return sum(counts)
        product = 1
        for count in counts:
            product *= count
        return product
    return len(condition[2]) if condition[1] == "IN" else 1
