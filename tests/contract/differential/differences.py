"""Known differences of the Firestore emulator, and which side production is on.

What an entry covers is left out. Production could not be tried; "documented" means
that its documentation has our side. Metadata queries (``__kind__`` and so on) and explain metrics
are not compared at all: the Firestore emulator has neither.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.contract.differential.improper import Improper
from tests.contract.differential.operations import Operation, Transact
from tests.contract.differential.queries import Selection
from tests.contract.differential.reading import Aggregate, Pages, Run, RunText
from tests.contract.differential.writing import Commit

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Difference(Generic[Subject]):
    """One known difference: what the emulator does, what production does, and where it shows.

    Without ``covers`` nothing is left out: what differs is not compared.
    """

    emulator: str
    production: str
    covers: Callable[[Subject], bool] | None


def is_known(subject: Subject, differences: Sequence[Difference[Subject]]) -> bool:
    """Return whether one of the differences covers an operation or a query."""
    return any(one.covers is not None and one.covers(subject) for one in differences)


def _get_selection(operation: Operation) -> Selection | None:
    if isinstance(operation, Run | RunText | Pages | Aggregate):
        return operation.selection
    return None


def _of(test: Callable[[Selection], bool]) -> Callable[[Operation], bool]:
    """Return a test of operations by what they select; of a transaction, of all that it reads."""

    def covers(operation: Operation) -> bool:
        if isinstance(operation, Transact):
            return any(covers(one) for one in operation.readings)  # type: ignore[arg-type]
        selection = _get_selection(operation)
        return selection is not None and test(selection)

    return covers


def _is_plain_batch(operation: Operation) -> bool:
    return isinstance(operation, Commit) and not operation.single_use and len(operation.writes) > 1


def _has_mixed_ancestors(selection: Selection) -> bool:
    operators = [one[1] for one in selection.list_comparisons()]
    return "has ancestor" in operators and bool(selection.list_combinations())


def _orders_after_key(selection: Selection) -> bool:
    keys = [one for one in selection.order if one.endswith("__key__")]
    return bool(keys) and selection.order[-1] != keys[0]


def _filters_beside_key_order(selection: Selection) -> bool:
    unequal = {
        one[0] for one in selection.list_comparisons() if one[1] not in ("=", "in", "has ancestor")
    }
    return bool({"__key__", "-__key__"} & set(selection.order)) and bool(unequal - {"__key__"})


def _projects_by_key(selection: Selection) -> bool:
    """Return whether a projection is ordered by key before what it projects."""
    by_key = bool({"__key__", "-__key__"} & set(selection.order)) or any(
        name == "__key__" and operator != "has ancestor"
        for name, operator, _ in selection.list_comparisons()
    )
    return by_key and bool(set(selection.project) - {"__key__"})


def _pages_in_groups(operation: Operation) -> bool:
    if not isinstance(operation, Pages):
        return False
    selection = operation.selection
    columns = {one.lstrip("-") for one in (*selection.order, *selection.project)}
    parts = bool(columns - set(selection.distinct) - {"__key__"})
    return bool(selection.distinct) and parts


def _pages_distinct_backward(operation: Operation) -> bool:
    return (
        isinstance(operation, Pages)
        and bool(operation.selection.distinct)
        and any(one.startswith("-") for one in operation.selection.order)
    )


def _adds_up_all_kinds(operation: Operation) -> bool:
    return (
        isinstance(operation, Aggregate)
        and operation.selection.kind is None
        and bool({"sum", "avg"} & set(operation.operators))
    )


def _reads_all_kinds(operation: Operation) -> bool:
    return (
        isinstance(operation, Transact)
        and not operation.read_only
        and any(isinstance(one, Run) and one.selection.kind is None for one in operation.readings)
    )


def _commits_reads(operation: Operation) -> bool:
    return (
        isinstance(operation, Transact)
        and operation.read_only
        and operation.commits
        and not operation.writes
    )


def _inserts_and_goes_on(operation: Operation) -> bool:
    if not isinstance(operation, Commit | Transact):
        return False
    paths = [one.path for one in operation.writes]
    return any(
        one.verb == "insert" and one.base is not None and paths.count(one.path) > 1
        for one in operation.writes
    )


def _begins_by_aggregation(operation: Operation) -> bool:
    return (
        isinstance(operation, Transact)
        and operation.begun_by_read
        and isinstance(operation.readings[0], Aggregate)
    )


def _negates_in_aggregation(operation: Operation) -> bool:
    if not isinstance(operation, Aggregate):
        return False
    operators = [one[1] for one in operation.selection.list_comparisons()]
    return bool({"!=", "not in"} & set(operators)) and len(operators) > 1


DIFFERENCES: list[Difference[Operation]] = [
    Difference(
        "takes the first results by what is summed up, where a sum or an average has a limit or an "
        "offset and the query no order",
        "takes the first in the query's own order, as we do: Google's own tests of its clients "
        "hold it to that",
        None,
    ),
    Difference(
        "does not index what is embedded in an array, and indexes what is embedded in an entity "
        "without an index",
        "does the opposite of both, as we and the classic emulator do: documented",
        None,
    ),
    Difference(
        "sums an equated property of an array as its filter's value, once for each element",
        "not known; we sum the element that is equal",
        None,
    ),
    Difference(
        "answers an entity once for each of its values that match",
        "answers it once, as we and the classic emulator do: documented",
        None,
    ),
    Difference(
        "keeps what a non-transactional commit had written before it found a fault",
        "may do either: such a commit is documented as not atomic",
        _is_plain_batch,
    ),
    Difference(
        "gives each result of an entity's mutations the times that it has after the last of them",
        "gives those after the mutation and none after a deletion, as we do: documented",
        None,
    ),
    Difference(
        "gives what was deleted the version of its deletion, as missing and as a base version",
        "gives the snapshot's for what is missing, as we do: documented; which base version it "
        "takes then is not known: we take 0, as the classic emulator does",
        None,
    ),
    Difference(
        "does not look at the base version of an insertion before what follows it in its commit",
        "not known; we refuse it as the emulator does when nothing follows",
        _inserts_and_goes_on,
    ),
    Difference(
        "lets writers wait for a read-only transaction, if a read began it",
        "lets nobody wait for a read-only one, as we do: documented",
        lambda one: isinstance(one, Transact) and one.begun_by_read and bool(one.meanwhile),
    ),
    Difference(
        "now and then does so even when that transaction is over: ABORTED after 2 s",
        "does not, as we do not: the sequence ends there",
        None,
    ),
    Difference(
        "does not say which transaction an aggregation has begun",
        "says it, as we do: documented",
        _begins_by_aggregation,
    ),
    Difference(
        "refuses to commit a read-only transaction, even without mutations",
        "commits it, as we and the classic emulator do: the stock client ends it so",
        _commits_reads,
    ),
    Difference(
        "answers UNKNOWN to six aggregations",
        "refuses with INVALID_ARGUMENT, as we do: five are documented as the most",
        lambda one: one == Improper("six aggregations"),
    ),
    Difference(
        "lets alternatives have different ancestors",
        "refuses, as we do: documented",
        _of(_has_mixed_ancestors),
    ),
    Difference(
        "neither counts negations nor looks what stands beside them in an aggregation",
        "refuses, as we do: documented for queries",
        _negates_in_aggregation,
    ),
    Difference(
        "projects, and is distinct, without a kind",
        "refuses, as we do: there is no index for it",
        _of(lambda one: one.kind is None and bool(one.project or one.distinct)),
    ),
    Difference(
        "answers UNKNOWN to a cursor of distinct results in a descending order",
        "answers it, as we do",
        _pages_distinct_backward,
    ),
    Difference(
        "goes on after a cursor within its group, and answers one more of the same, where results "
        "are distinct",
        "not known; we go on with the next group, as if there had been no cursor",
        _pages_in_groups,
    ),
    Difference(
        "sums and averages without a kind",
        "refuses, as we do: there is no index for it",
        _adds_up_all_kinds,
    ),
    Difference(
        "sorts a projection by key, or by a range of keys, before what it projects",
        "refuses, as we and the classic emulator do: the key comes last in an index",
        _of(_projects_by_key),
    ),
    Difference(
        "answers UNKNOWN to a query without a kind in a read-write transaction",
        "answers it, as we do",
        _reads_all_kinds,
    ),
    Difference(
        "leaves out what lacks a property that is ordered by after the key",
        "has them, as we do: an order after the key has no effect",
        _of(_orders_after_key),
    ),
    Difference(
        "filters by inequality what is ordered by key first",
        "refuses, as we and the classic emulator do",
        _of(_filters_beside_key_order),
    ),
]
