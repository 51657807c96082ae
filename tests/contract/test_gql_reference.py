"""Every rule and example of the GQL reference: a table of texts, with Google's answers to them.

https://docs.cloud.google.com/datastore/docs/reference/gql_reference
"""

import uuid
from collections.abc import Callable, Iterator, Sequence

import pytest

from local.datastore.api.server import serve
from tests.contract.differential.differences import is_known
from tests.contract.differential.gql_differences import GQL_DIFFERENCES
from tests.contract.gql_cases import AGGREGATIONS, WITHOUT_LITERALS, GqlCase, load_cases
from tests.contract.gql_wire import TASKS, judge, judge_aggregation
from tests.contract.wire import Wire
from tests.support.emulators import EMULATORS

CASES = load_cases()
Counts = dict[str, int]


@pytest.fixture(scope="module")
def lenient_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The local server without enforcement of indexes, like Google's emulators."""
    handle = serve(tmp_path_factory.mktemp("lenient"), require_indexes=False)
    yield handle.host
    handle.stop()


@pytest.fixture(params=["local", *EMULATORS])
def datastore(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def gql(datastore: str, request: pytest.FixtureRequest) -> Iterator[Wire]:
    if datastore == "local":
        host = request.getfixturevalue("lenient_host")
    else:
        host = request.getfixturevalue("start_emulator")(datastore).host
    with Wire(host, namespace=f"n{uuid.uuid4().hex}") as wire:
        yield wire


def check(datastore: str, cases: Sequence[GqlCase], decide: Callable[[str], str]) -> Counts:
    """Check a Datastore's verdicts, and its known differences."""
    known = GQL_DIFFERENCES.get(datastore, [])
    same = [one for one in cases if not is_known(one, known)]
    wrong = {one: found for one in same if (found := decide(one.text)) != one.verdict}
    assert not wrong
    differing = [one for one in cases if is_known(one, known)]
    stale = [one.text for one in differing if decide(one.text) == one.verdict]
    assert not stale, "these do not differ any more"
    name = f"GQL texts of the reference on {datastore}"
    return {f"{name}, as expected": len(same), f"{name}, known to differ": len(differing)}


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Callable[[Counts], None]:
    """Returns a function whose counts are added up and printed when the session ends."""

    def record(counts: Counts) -> None:
        for name, number in counts.items():
            record_property(f"counted: {name}", number)

    return record


@pytest.mark.parametrize("section", [one for one in CASES if one != AGGREGATIONS])
def test_a_text_is_read_as_google_reads_it(
    gql: Wire, datastore: str, section: str, count: Callable[[Counts], None]
) -> None:
    gql.put_all({"a": {"p": 1}, "b": {"p": 2}})
    cursor = gql.run(gql.query("K", limit={"value": 1})).end_cursor
    literals = section != WITHOUT_LITERALS
    done = check(
        datastore,
        CASES[section],
        lambda text: judge(gql, text, literals=literals, cursor=cursor),
    )
    count(done)


def test_an_aggregation_is_read_as_google_reads_it(
    gql: Wire, datastore: str, count: Callable[[Counts], None]
) -> None:
    if datastore == "classic":
        pytest.skip("classic: it has no aggregations")
    gql.put_all(TASKS, kind="Task")
    count(check(datastore, CASES[AGGREGATIONS], lambda text: judge_aggregation(gql, text)))
