"""Starting sagas, and what happens to them if their definition changes."""

from typing import Any

import pytest

from lib.errors import Conflict, Invalid, NotFound, TooLarge
from lib.saga.state.limits import MAX_PAYLOAD
from tests.saga.bench import NAMES, Bench, Probe, make_saga, start


def test_the_same_start_twice_is_one_saga(bench: Bench, probe: Probe) -> None:
    first = bench.engine.start("letters", "s", {"n": 1, "m": 2})
    again = bench.engine.start("letters", "s", {"m": 2, "n": 1})
    assert (again.id, again.created_at) == (first.id, first.created_at)
    bench.run_to_end()
    assert probe.calls == list(NAMES)
    assert bench.engine.start("letters", "s", {"n": 1, "m": 2}).status == "COMPLETED"


def test_the_same_id_with_another_payload_is_a_conflict(bench: Bench) -> None:
    start(bench)
    with pytest.raises(Conflict, match="another name or payload"):
        bench.engine.start("letters", "s", {"n": 2})


@pytest.mark.parametrize(
    ("name", "payload", "error"),
    [
        ("nobody", {}, NotFound),
        ("letters", {"n": "x"}, Invalid),
        ("letters", {"x" * MAX_PAYLOAD: 1}, TooLarge),
        ("letters", {"n": object()}, Invalid),
    ],
)
def test_an_invalid_start_is_refused_before_anything_is_written(
    bench: Bench, name: str, payload: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"no saga|n|payload"):
        bench.engine.start(name, "s", payload)
    assert bench.rpc.calls == {}


def test_a_saga_in_flight_continues_with_its_version(bench: Bench, probe: Probe) -> None:
    start(bench)
    bench.deliver()
    newer = make_saga(probe, version=2, names=("z",))
    bench.engine = bench.make_engine(make_saga(probe), newer)
    bench.engine.start("letters", "t", {"n": 1})
    bench.run_to_end()
    assert bench.load("s")[0].total_steps == 4
    assert sorted(probe.calls) == ["a", "b", "c", "d", "z"]


@pytest.mark.parametrize("names", [("z",), ("a", "b", "d", "c")])
def test_a_saga_whose_definition_is_gone_is_parked_and_runs_nothing(
    bench: Bench, probe: Probe, names: tuple[str, ...]
) -> None:
    start(bench)
    bench.deliver()
    bench.engine = bench.make_engine(make_saga(probe, names=names))
    assert bench.deliver() == "parked"
    saga, _ = bench.load("s")
    assert saga.status == "FAILED"
    assert saga.parked_because == "definition_changed: letters version 1"
    assert probe.calls == ["a"]
