"""Known differences of Google's emulators in GQL."""

from collections.abc import Callable

from tests.contract.differential.differences import Difference
from tests.contract.gql_cases import GqlCase


def _says(*parts: str) -> Callable[[GqlCase], bool]:
    """Return a test of GQL cases: whether the text has one of these parts."""
    return lambda case: any(one in case.text for one in parts)


def _is_one_of(*texts: str) -> Callable[[GqlCase], bool]:
    return lambda case: case.text in texts


def _has_disjunctions(case: GqlCase) -> bool:
    several = "[" in case.verdict and case.verdict.split("[", 1)[1].split("]", 1)[0].count(",") > 0
    return several or any(one in case.verdict for one in ("OR(", "NOT_EQUAL", "NOT_IN"))


_GQL_OF_BOTH: list[Difference[GqlCase]] = [
    Difference(
        "answers UNKNOWN when an aggregation comes as a query, or a query as an aggregation",
        "not known; we refuse it with INVALID_ARGUMENT",
        _is_one_of(
            "SELECT COUNT(*) FROM K",
            "AGGREGATE COUNT(*) OVER (SELECT * FROM K)",
            "SELECT h, COUNT(*) FROM Task",
            "SELECT DISTINCT COUNT(*) FROM Task",
            "AGGREGATE COUNT(*) OVER (SELECT COUNT(*) FROM Task)",
            "AGGREGATE COUNT(*) OVER (AGGREGATE COUNT(*) OVER (SELECT * FROM Task))",
            "SELECT * FROM Task",
            "SELECT h FROM Task",
            "SELECT __key__ FROM Task",
        ),
    ),
    Difference(
        "reads dates before 1582-10-15 in the Julian calendar",
        "reads them in the Gregorian one, as we do: documented",
        _says("0001-01-0", "1582-10-10", "1500-02-29", "1582-10-04", "1000-01-01"),
    ),
    Difference(
        "answers UNKNOWN to a time that its zone moves out of the years 1 to 9999",
        "not known; we refuse it with INVALID_ARGUMENT",
        _says("9999-12-31T23:59:59-01:00"),
    ),
]
#: Of GQL, for each of the emulators.
GQL_DIFFERENCES: dict[str, list[Difference[GqlCase]]] = {
    "fsd": [
        *_GQL_OF_BOTH,
        Difference(
            "projects and sums without a kind",
            "refuses, as we and the classic emulator do: there is no index for it",
            _is_one_of("SELECT Person.name", "SELECT SUM(h)"),
        ),
        Difference(
            "answers UNKNOWN to six aggregations",
            "refuses with INVALID_ARGUMENT, as we do: five are documented as the most",
            _says("COUNT_UP_TO(1), SUM(p), AVG(p)"),
        ),
    ],
    "classic": [
        *_GQL_OF_BOTH,
        Difference(
            "has no disjunctions",
            "has them, as we and the Firestore emulator do: documented",
            _has_disjunctions,
        ),
        Difference(
            "takes inequalities on one property only",
            "takes several, as we and the Firestore emulator do: documented since 2024",
            _says("KEY > 1 AND BLOB > 1"),
        ),
        Difference(
            "reads HAS PARENT and HAS CHILD as an operator of its own",
            "refuses it, as we and the Firestore emulator do",
            _says("__key__ HAS PARENT", "HAS CHILD __key__"),
        ),
        Difference(
            "takes more than 100 filters and orders",
            "refuses them, as we and the Firestore emulator do: documented",
            _says("p100 = 1"),
        ),
    ],
}
