"""Random sequences of operations have the same answers here and on Google's Firestore emulator.

``DIFFERENTIAL_SEQUENCES`` says how many; the default is what a test run has time for. Two servers
of ours take part: one has composite indexes for many of the queries and one has none at all, so
that an answer does not depend on the plan.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from benchmarks.emulators import Emulator
from local.datastore.server import serve
from tests.contract.wire import Path, Unindexed, Wire, read_properties

SEQUENCES = int(os.environ.get("DIFFERENTIAL_SEQUENCES", "80"))

SCALARS = st.one_of(
    st.none(),
    st.integers(-1, 3),
    st.sampled_from([0.0, -0.0, 1.0, float("inf"), float("nan")]),
    st.booleans(),
    st.sampled_from(["", "a", "b", "a\x00", "é"]),
    st.sampled_from([b"", b"a", b"\xff"]),
    st.just(datetime(1970, 1, 1, 0, 0, 0, 2, tzinfo=UTC)),
    st.sampled_from([("K", "a"), ("K", 1)]),
)
VALUES = st.one_of(
    SCALARS,
    SCALARS,
    st.lists(SCALARS, max_size=3),
    SCALARS.map(Unindexed),
    st.fixed_dictionaries({"x": SCALARS}),
)
#: The emulator also sums timestamps and the elements of lists, which is documented nowhere.
NUMBERS = st.sampled_from([1, 2, -3, 2.5, float("inf"), 2**63 - 1, "x", None, Unindexed(1)])
PROPERTIES = st.builds(
    lambda values, number: values | number,
    st.dictionaries(st.sampled_from(["p", "q", "r"]), VALUES, max_size=3),
    st.dictionaries(st.just("number"), NUMBERS),
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
WRITES = st.tuples(
    st.sampled_from(["insert", "update", "upsert", "upsert", "delete"]), PATHS, PROPERTIES
)
COMMITS = st.tuples(st.just("commit"), st.booleans(), st.lists(WRITES, min_size=1, max_size=3))
LOOKUPS = st.tuples(st.just("lookup"), st.lists(PATHS, min_size=1, max_size=3))

NAMES = st.sampled_from(["p", "q", "p.x"])
COMPARISONS = st.one_of(
    st.tuples(NAMES, st.sampled_from(["=", "=", "<", "<=", ">", ">=", "!="]), SCALARS),
    st.tuples(NAMES, st.sampled_from(["in", "not in"]), st.lists(SCALARS, min_size=1, max_size=3)),
    st.tuples(st.just("__key__"), st.sampled_from(["=", "<", ">=", "!="]), PATHS),
    st.tuples(st.just("__key__"), st.just("has ancestor"), PATHS),
)
WHERE = st.one_of(
    st.lists(COMPARISONS, max_size=3),
    st.lists(st.tuples(st.just("or"), COMPARISONS, COMPARISONS), min_size=1, max_size=1),
)
ORDERS = st.lists(
    st.sampled_from(["p", "-p", "q", "-q", "__key__", "-__key__"]),
    max_size=2,
    unique_by=lambda one: one.lstrip("-"),
)
QUERIES = st.tuples(
    st.just("query"),
    st.sampled_from(["K", "K", "K", "L", None]),
    WHERE,
    ORDERS,
    st.lists(st.sampled_from(["p", "q", "__key__"]), max_size=2, unique=True),
    st.one_of(st.just([]), st.just([]), st.lists(st.sampled_from(["p", "q"]), max_size=1)),
)
AGGREGATIONS = st.tuples(
    st.just("aggregate"),
    WHERE,
    st.lists(st.sampled_from(["count", "number"]), min_size=1, max_size=2),
)
SEQUENCE = st.tuples(
    st.lists(COMMITS, min_size=1, max_size=4),
    st.lists(st.one_of(COMMITS, LOOKUPS, QUERIES, QUERIES, QUERIES, AGGREGATIONS), max_size=8),
)


@pytest.fixture(scope="module")
def wires(
    start_emulator: Callable[[str], Emulator], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Wire]]:
    """The emulator, a server of ours with many indexes and one without any."""
    emulator = start_emulator("fsd")
    folder = tmp_path_factory.mktemp("differential")
    (folder / "index.yaml").write_text("\n".join(["indexes:", *list_indexes()]))
    indexed = serve(folder / "a", index_file=folder / "index.yaml", require_indexes=False)
    plain = serve(folder / "b", require_indexes=False)
    hosts = [emulator.host, indexed.host, plain.host]
    with ExitStack() as stack:
        yield [stack.enter_context(Wire(host, "")) for host in hosts]
    indexed.stop()
    plain.stop()


def list_indexes() -> Iterator[str]:
    """Yield the lines of an index file with all pairs of columns, with and without ancestor."""
    for ancestor in ("no", "yes"):
        for first, second in [("p", "q"), ("q", "p")]:
            for direction in ("asc", "desc"):
                yield f"- kind: K\n  ancestor: {ancestor}\n  properties:"
                yield f"  - name: {first}\n  - name: {second}\n    direction: {direction}"


@settings(
    max_examples=SEQUENCES,
    deadline=None,
    derandomize="DIFFERENTIAL_SEQUENCES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
)
@given(sequence=SEQUENCE)
def test_answers_are_the_same_differential_fsd(wires: list[Wire], sequence: Any) -> None:
    namespace = f"d{uuid.uuid4().hex}"
    for wire in wires:
        wire.namespace = namespace
    for operation in [*sequence[0], *sequence[1]]:
        if is_known_deviation(operation):
            continue
        expected, *answers = [answer(wire, operation) for wire in wires]
        event(f"{operation[0]}: {expected[0]}")
        for one in answers:
            assert one == expected, operation


def is_known_deviation(operation: Any) -> bool:
    """Tell whether the emulator is known to differ here, though production documents our side."""
    name, *details = operation
    if name == "commit":
        single_use, writes = details
        # Without a transaction the emulator keeps what it had written before it found the fault.
        return not single_use and len(writes) > 1
    if name == "lookup":
        return False
    where = details[0 if name == "aggregate" else 1]
    either = [one for part in where if part[0] == "or" for one in part[1:]]
    operators = [one[1] for one in [*either, *where] if one[0] != "or"]
    if "has ancestor" in [one[1] for one in either]:
        # Disjuncts with different ancestors are documented as refused.
        return True
    if name == "aggregate":
        # It neither counts negations nor looks whether they stand beside others.
        return bool({"!=", "not in"} & set(operators)) and len(operators) > 1
    kind, _, order, project, distinct = details
    if kind is None and (project or distinct):
        return True  # It projects without a kind, for which there is no index.
    keys = [one for one in order if one.endswith("__key__")]
    if keys and order[-1] != keys[0]:
        return True  # It leaves out what lacks a property that is ordered by after the key.
    # It filters what is ordered by key; the classic emulator refuses that, and so do we.
    unequal = [one[0] for one in [*either, *where] if one[1] not in ("=", "in", "has ancestor")]
    return bool({"__key__", "-__key__"} & set(order)) and bool(set(unequal) - {"__key__"})


def answer(wire: Wire, operation: Any) -> tuple[str, Any]:
    """Return the status and what can be compared of an answer."""
    try:
        return "OK", PERFORM[operation[0]](wire, *operation[1:])
    except grpc.RpcError as error:
        return error.code().name, None


def commit(wire: Wire, single_use: bool, writes: Any) -> None:
    mutations = [wire.mutation(verb, path, **given) for verb, path, given in writes]
    wire.commit(*mutations, single_use=single_use)


def look_up(wire: Wire, paths: list[Path]) -> Any:
    response = wire.look_up(*paths)
    found = {str(one.entity.key.path): read(one.entity) for one in response.found}
    return found, sorted(str(one.entity.key.path) for one in response.missing)


def read(entity: Any) -> str:
    """Return an entity's properties as text, by which NaN equals NaN and 1 is not 1.0."""
    return repr(sorted(read_properties(entity).items()))


def combine(wire: Wire, where: Any) -> list[Any]:
    return [wire.either(*one[1:]) if one[0] == "or" else one for one in where]


def query(wire: Wire, kind: str | None, where: Any, order: Any, project: Any, distinct: Any) -> Any:
    fields = {"order": order, "project": project, "distinct": distinct}
    batch = wire.run(wire.query(kind, *combine(wire, where), **fields))
    rows = [(str(one.entity.key), read(one.entity)) for one in batch.entity_results]
    if batch.entity_result_type == 2 or distinct:
        return rows
    # The emulator answers an entity once for each of its values that match.
    return list(dict.fromkeys(rows))


def aggregate(wire: Wire, where: Any, operators: list[str]) -> Any:
    given: list[dict[str, Any]] = [
        {"count": {}} if one == "count" else {"sum": {"property": {"name": one}}}
        for one in operators
    ]
    return repr(sorted(wire.aggregate(wire.query("K", *combine(wire, where)), *given).items()))


PERFORM: dict[str, Callable[..., Any]] = {
    "commit": commit,
    "lookup": look_up,
    "query": query,
    "aggregate": aggregate,
}
