"""The random sequences: few names and few values, so that operations interact."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from google.type.latlng_pb2 import LatLng
from hypothesis import strategies as st

from local.datastore.encoding.messages import get_message_class
from tests.contract.differential.improper import REQUESTS, Improper
from tests.contract.differential.operations import Allocate, Enter, Operation, Reserve, Transact
from tests.contract.differential.queries import Selection
from tests.contract.differential.reading import Aggregate, Lookup, Pages, Run, RunText
from tests.contract.differential.writing import Commit, Write
from tests.contract.wire import Path, Unindexed

POINT = get_message_class("Value")(geo_point_value=LatLng(latitude=1.5, longitude=-2))

SCALARS = st.one_of(
    st.none(),
    st.integers(-1, 3),
    st.sampled_from([0.0, -0.0, 1.0, float("inf"), float("nan")]),
    st.booleans(),
    st.sampled_from(["", "a", "b", "a\x00", "é"]),
    st.sampled_from([b"", b"a", b"\xff"]),
    st.just(datetime(1970, 1, 1, 0, 0, 0, 2, tzinfo=UTC)),
    st.just(POINT),
    st.sampled_from([("K", "a"), ("K", 1)]),
)
VALUES = st.one_of(
    SCALARS,
    SCALARS,
    st.lists(SCALARS, max_size=3),
    SCALARS.map(Unindexed),
    st.fixed_dictionaries({"x": SCALARS}, optional={"y": st.integers(1, 3)}),
)
NUMBERS = st.sampled_from([1, 2, -3, 2.5, float("inf"), 2**63 - 1, "x", None, Unindexed(1)])
PROPERTIES: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda values, number, single: values | number | single,
    st.dictionaries(st.sampled_from(["p", "q", "r"]), VALUES, max_size=3),
    st.dictionaries(st.just("number"), NUMBERS),
    # Never a list: what is read page by page.
    st.dictionaries(st.sampled_from(["s", "t"]), st.integers(1, 3)),
)
PATHS: st.SearchStrategy[Path] = st.sampled_from(
    [
        ("K", "a"),
        ("K", "b"),
        ("K", 1),
        ("K", 2),
        ("K", "a", "K", "c"),
        ("K", "a", "L", "d"),
        ("L", "a"),
        ("L", 1, "K", 1),
    ]
)
MASKS = st.one_of(
    st.none(),
    st.none(),
    st.lists(
        st.sampled_from(["p", "q", "p.x", "s", "absent", "__key__"]), max_size=3, unique=True
    ).map(tuple),
)
TRANSFORMS = st.one_of(
    st.tuples(
        st.sampled_from(["number", "s", "p", "p.y"]),
        st.sampled_from(["increment", "maximum", "minimum"]),
        st.sampled_from([1, -2, 0.5, 2**62]),
    ),
    st.tuples(
        st.sampled_from(["p", "q"]),
        st.sampled_from(["append_missing_elements", "remove_all_from_array"]),
        st.lists(SCALARS, max_size=2),
    ),
    st.just(("r", "set_to_server_value", None)),
)
WRITES = st.builds(
    Write,
    st.sampled_from(["insert", "update", "upsert", "upsert", "delete"]),
    PATHS,
    PROPERTIES,
    mask=st.one_of(st.none(), MASKS),
    transforms=st.one_of(
        st.just(()), st.just(()), st.lists(TRANSFORMS, min_size=1, max_size=2).map(tuple)
    ),
    base=st.sampled_from([None, None, None, None, "current", "stale"]),
)
#: What gets an id from the server has no properties, so that it does not matter which.
NEW = st.builds(Write, st.sampled_from(["insert", "upsert"]), st.just(("New",)), st.just({}))


def lists(elements: st.SearchStrategy[Any], most: int = 3) -> Any:
    """Return operands of IN."""
    return st.lists(elements, min_size=1, max_size=most)


def tuples(elements: st.SearchStrategy[Any], least: int, most: int) -> Any:
    """Return tuples of this length."""
    return st.lists(elements, min_size=least, max_size=most).map(tuple)


FILLING = st.builds(
    Commit,
    tuples(st.builds(Write, st.just("upsert"), PATHS, PROPERTIES), 3, 6),
    st.just(True),
)
MUTATIONS = st.one_of(WRITES, WRITES, WRITES, NEW)
COMMITS = st.one_of(
    st.builds(Commit, tuples(MUTATIONS, 1, 3), st.just(True)),
    st.builds(Commit, tuples(MUTATIONS, 1, 1), st.just(False)),
    st.builds(Commit, tuples(MUTATIONS, 1, 2), st.booleans()),
)

NAMES = st.sampled_from(["p", "q", "p.x", "s", "r"])
COMPARISONS = st.one_of(
    st.tuples(NAMES, st.sampled_from(["=", "=", "<", "<=", ">", ">=", "!="]), SCALARS),
    st.tuples(NAMES, st.sampled_from(["in", "not in"]), lists(SCALARS)),
    st.tuples(st.just("__key__"), st.sampled_from(["=", "<", ">=", "!="]), PATHS),
    st.tuples(st.just("__key__"), st.sampled_from(["in", "not in"]), lists(PATHS)),
)
SIMPLE = st.one_of(
    st.tuples(st.sampled_from(["s", "t"]), st.sampled_from(["=", "<", ">="]), st.integers(1, 3)),
    st.tuples(st.sampled_from(["s", "t"]), st.just("in"), lists(st.integers(1, 3), 2)),
)
INSIDE = st.tuples(st.just("__key__"), st.just("has ancestor"), PATHS)


def conditions(comparisons: st.SearchStrategy[Any]) -> Any:
    """Return filters: conjunctions of comparisons and now and then a disjunction."""
    either = st.tuples(st.just("or"), comparisons, comparisons)
    nested = st.tuples(
        st.just("or"), comparisons, st.tuples(st.just("and"), comparisons, comparisons)
    )
    return st.one_of(
        tuples(comparisons, 0, 3),
        st.builds(lambda inside, rest: (inside, *rest), INSIDE, tuples(comparisons, 0, 2)),
        tuples(st.one_of(either, nested), 1, 1),
        st.tuples(st.one_of(comparisons, comparisons, INSIDE), either),
    )


def orders(names: Sequence[str]) -> Any:
    """Return orders by different properties."""
    return st.lists(
        st.sampled_from([*names, *(f"-{name}" for name in names)]),
        max_size=2,
        unique_by=lambda one: one.lstrip("-"),
    ).map(tuple)


KINDS = st.sampled_from(["K", "K", "K", "K", "L", "New", None])
SELECTIONS = st.builds(
    Selection,
    KINDS,
    conditions(COMPARISONS),
    orders(["p", "q", "__key__"]),
    project=st.lists(st.sampled_from(["p", "q", "__key__"]), max_size=2, unique=True).map(tuple),
    distinct=st.one_of(st.just(()), st.just(()), tuples(st.sampled_from(["p", "q"]), 0, 1)),
)
#: Read in parts, of properties that have one value.
PARTS = st.builds(
    Selection,
    KINDS,
    conditions(SIMPLE),
    orders(["s", "t", "__key__"]),
    project=st.one_of(
        st.just(()),
        st.lists(st.sampled_from(["s", "t", "__key__"]), max_size=2, unique=True).map(tuple),
    ),
    distinct=st.one_of(st.just(()), st.just(()), tuples(st.sampled_from(["s", "t"]), 1, 2)),
)
LIMITED = st.builds(
    lambda part, offset, limit: replace(part, offset=offset, limit=limit),
    PARTS,
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(0, 4)),
)
AT = st.one_of(st.none(), st.none(), st.none(), st.integers(0, 9))
RUNS = st.builds(Run, st.one_of(SELECTIONS, SELECTIONS, LIMITED), MASKS, AT)
LOOKUPS = st.builds(Lookup, tuples(PATHS, 1, 3), MASKS, AT)
AGGREGATES = st.builds(
    Aggregate,
    st.one_of(st.builds(Selection, st.just("K"), conditions(COMPARISONS)), LIMITED),
    tuples(st.sampled_from(["count", "up to 2", "sum", "avg"]), 1, 3),
    AT,
)
#: In a transaction all read the present.
READINGS = st.one_of(
    st.builds(Lookup, tuples(PATHS, 1, 2)),
    st.builds(Run, PARTS),
    st.builds(
        Aggregate, st.builds(Selection, st.just("K"), tuples(SIMPLE, 0, 1)), st.just(("count",))
    ),
)
TRANSACTIONS = st.one_of(
    st.builds(
        Transact,
        st.just(False),
        tuples(READINGS, 0, 3),
        writes=tuples(WRITES, 0, 3),
        commits=st.sampled_from([True, True, False]),
    ),
    st.builds(
        Transact,
        st.just(True),
        tuples(READINGS, 1, 2),
        meanwhile=tuples(WRITES, 0, 2),
        writes=tuples(WRITES, 0, 1),
        commits=st.booleans(),
        begun_by_read=st.booleans(),
    ),
)
IDS = st.one_of(
    st.builds(Allocate, tuples(st.sampled_from([("K",), ("L", "a", "K"), ("K", 1)]), 1, 2)),
    st.builds(Reserve, tuples(st.sampled_from([("K", 7), ("L", "a", "K", 8), ("K",)]), 1, 2)),
)
OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    COMMITS,
    COMMITS,
    LOOKUPS,
    RUNS,
    RUNS,
    RUNS,
    st.builds(RunText, st.one_of(SELECTIONS, LIMITED), st.booleans()),
    st.builds(Pages, PARTS, st.integers(1, 3), st.integers(0, 9)),
    AGGREGATES,
    TRANSACTIONS,
    st.one_of(
        IDS,
        st.builds(Enter, st.integers(0, 1)),
        st.sampled_from(sorted(REQUESTS)).map(Improper),
    ),
)
SEQUENCES: st.SearchStrategy[list[Operation]] = st.builds(
    lambda first, second, rest: [first, *second, *rest],
    FILLING,
    st.lists(COMMITS, max_size=2),
    st.lists(OPERATIONS, min_size=2, max_size=10),
)
