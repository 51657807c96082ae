"""A pivot is uncertain only if a dispatch may have run it, on a real Datastore."""

from typing import Any

import pytest

from lib.errors import NotBegun, Unavailable
from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Saga
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.inputs import PauseRequested, ResumeRequested
from lib.saga.testing.simulation.processes.exceptions import Killed
from tests.saga.bench import Bench, Probe, make_step

WHO: dict[str, Any] = {"actor": "ops@example.com", "reason": "a look at it"}


def refuse(_: Any) -> None:
    raise Permanent("no credit")


def declare(probe: Probe) -> Saga:
    pay = make_step(probe, "pay", compensate=None, pivot=True)
    return Saga("letters", payload=dict[str, int], steps=(make_step(probe, "a"), pay))


def begin(bench: Bench, probe: Probe) -> None:
    """Start a saga that reaches its pivot, which will be refused."""
    probe.on["pay"] = refuse
    bench.engine = bench.make_engine(declare(probe))
    bench.engine.start("letters", "s", {"n": 1})
    bench.deliver()


def test_a_refused_pivot_rolls_back_after_a_pause_and_resume(bench: Bench, probe: Probe) -> None:
    begin(bench, probe)
    bench.engine.apply("s", PauseRequested(**WHO))
    assert bench.deliver() == "stale"
    bench.engine.apply("s", ResumeRequested(**WHO))
    bench.run_to_end()
    assert bench.statuses("s") == ["ROLLED_BACK", "COMPENSATED", "FAILED"]


def test_a_refused_pivot_rolls_back_after_a_lost_delivery(bench: Bench, probe: Probe) -> None:
    begin(bench, probe)
    bench.queue.lose_all()
    bench.pass_time(seconds=20)
    assert sweep(bench.engine, bench.now).delivered == 1
    bench.run_to_end()
    assert bench.statuses("s") == ["ROLLED_BACK", "COMPENSATED", "FAILED"]


def test_a_refused_pivot_rolls_back_after_a_503_in_front_of_the_worker(
    bench: Bench, probe: Probe
) -> None:
    begin(bench, probe)
    assert bench.deliver(lost=1) == "permanent"
    bench.run_to_end()
    assert bench.statuses("s")[0] == "ROLLED_BACK"


def test_a_pivot_begun_by_a_killed_process_is_not_rolled_back(bench: Bench, probe: Probe) -> None:
    begin(bench, probe)
    pivot = bench.queue.take()

    def die(*_: Any) -> None:
        raise Killed

    with pytest.raises(Killed):
        bench.make_engine(declare(probe), call_within=die).deliver(pivot)
    assert bench.deliver(pivot, lost=1) == "unknown"
    bench.run_to_end()
    assert bench.statuses("s")[0] == "FAILED"


def test_a_second_concurrent_dispatch_leaves_the_pivot_uncertain(
    bench: Bench, probe: Probe
) -> None:
    begin(bench, probe)
    pivot = bench.queue.take()
    seen: list[str] = []

    def run_beside(_: Any) -> None:
        if not seen:
            seen.append("first")
            bench.deliver(pivot)
        raise Permanent("no credit")

    probe.on["pay"] = run_beside
    bench.deliver(pivot)
    assert bench.statuses("s")[0] == "FAILED"


def test_a_pivot_whose_begin_cannot_be_recorded_does_not_run(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(bench, probe)
    pivot = bench.queue.take()

    def fail(*_: Any) -> None:
        raise Unavailable("down")

    with monkeypatch.context() as patch:
        patch.setattr(bench.engine.repository, "save", fail)
        with pytest.raises(NotBegun, match="down"):
            bench.deliver(pivot)
    assert "pay" not in probe.calls
    bench.deliver(pivot)
    bench.run_to_end()
    assert bench.statuses("s")[0] == "ROLLED_BACK"


def test_a_pivot_costs_one_more_commit_than_another_step(bench: Bench, probe: Probe) -> None:
    begin(bench, probe)
    probe.on.clear()
    bench.run_to_end()
    assert dict(bench.rpc.calls) == {"Commit": 4, "Lookup": 2}
