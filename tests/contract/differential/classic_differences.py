"""Known differences of the classic emulator on composite indexes."""

from tests.contract.differential.differences import Difference
from tests.contract.differential.queries import Selection


def _is_old_fashioned(selection: Selection) -> bool:
    """Return whether the orders begin with the one property that has inequalities, if any has."""
    equated = {name for name, operator, _ in selection.where if operator == "="}
    unequal = {name for name, operator, _ in selection.where if operator in ("<", ">=", ">")}
    order = [one for one in selection.order if one.lstrip("-") not in equated]
    first = {one.lstrip("-") for one in order[:1]} or set(selection.distinct[:1])
    return not unequal or not first or first == unequal


def _names_order_of_keys(selection: Selection) -> bool:
    """Return whether the order of keys is given where an index may have it without naming it."""
    equated = {name for name, operator, _ in selection.where if operator == "="}
    named = {"__key__", "-__key__"} & set(selection.order)
    if selection.order and selection.order[-1].lstrip("-") in equated:
        return True
    return bool(named) and (
        any(one.startswith("-") for one in selection.order if one != "-__key__")
        or any(operator in ("=", "has ancestor") for _, operator, _ in selection.where)
    )


def _orders_equated_and_distinct(selection: Selection) -> bool:
    equated = {name for name, operator, _ in selection.where if operator == "="}
    ordered = {one.lstrip("-") for one in selection.order}
    return bool(selection.distinct) and bool(equated & (ordered | {"__key__"}))


def _is_distinct_in_part(selection: Selection) -> bool:
    ordered = {one.lstrip("-") for one in selection.order}
    unequal = {name for name, operator, _ in selection.where if operator in ("<", ">=", ">")}
    unordered = set(selection.distinct) - ordered
    return bool(unordered) and bool(ordered or unequal & unordered or len(unordered) > 1)


def _projects_one_key(selection: Selection) -> bool:
    return bool(selection.project) and ("__key__", "=") in [one[:2] for one in selection.where]


#: The classic emulator's, where it enforces composite indexes.
CLASSIC_DIFFERENCES: list[Difference[Selection]] = [
    Difference(
        "takes inequalities on one property only, and that must be ordered first",
        "takes several, as we and the Firestore emulator do: documented since 2024",
        lambda one: not _is_old_fashioned(one),
    ),
    Difference(
        "has ascending keys at the end of an index, however its last property goes",
        "not known; keys go its way here, as in the Firestore emulator's answers",
        _names_order_of_keys,
    ),
    Difference(
        "takes any direction and order of distinct properties that are not ordered, and no index "
        "at all if they have an inequality",
        "not known; we want it in the direction in which the Firestore emulator sorts it",
        _is_distinct_in_part,
    ),
    Difference(
        "refuses any projection if one key is named",
        "not known; we serve it where an index is ordered as the query asks",
        _projects_one_key,
    ),
    Difference(
        "drops the orders of what is equated before it holds the distinct properties against them",
        "not known; we refuse such, as the Firestore emulator does",
        _orders_equated_and_distinct,
    ),
]
