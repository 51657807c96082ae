"""Cloud Tasks is unavailable: commits are kept, and the sweep delivers later."""

from typing import Any

import pytest

from lib.errors import DeadlineExceeded, Unavailable
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.inputs import PauseRequested, ResumeRequested
from lib.saga.state.delivery import Delivery
from tests.saga.bench import Bench, Probe, start
from tests.unit.saga.engine.test_cloud_tasks import AWAY, FailingClient, make_queue


def lose_queue(bench: Bench, error: Exception) -> None:
    """Make Cloud Tasks fail with an error from now on."""
    bench.engine.transitions.queue = make_queue(FailingClient(error))


def find_queue(bench: Bench) -> None:
    bench.engine.transitions.queue = bench.queue


@pytest.mark.parametrize("error", AWAY, ids=str)
def test_a_start_is_accepted_and_left_to_the_sweep(bench: Bench, error: Exception) -> None:
    lose_queue(bench, error)
    start(bench)
    start(bench)
    find_queue(bench)
    bench.pass_time(seconds=12)
    assert sweep(bench.engine, bench.now).delivered == 1
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def test_verbs_are_applied_and_left_to_the_sweep(bench: Bench) -> None:
    start(bench)
    lose_queue(bench, AWAY[0])
    bench.engine.apply("s", PauseRequested(actor="op", reason="wait"))
    assert not bench.engine.apply("s", ResumeRequested(actor="op", reason="go")).paused
    assert bench.cancel("s").stopping


def test_a_sweep_continues_after_a_saga_that_it_cannot_enqueue(bench: Bench) -> None:
    for number in range(3):
        start(bench, f"s{number}")
    bench.queue.lose_all()
    bench.pass_time(minutes=5)
    seen: list[str] = []

    class Spy:
        def enqueue(self, delivery: Delivery) -> None:
            seen.append(delivery.saga_id)
            make_queue(FailingClient(AWAY[0])).enqueue(delivery)

    bench.engine.transitions.queue = Spy()
    sweep(bench.engine, bench.now)
    assert set(seen) == {"s0", "s1", "s2"}


def test_a_delivery_whose_successor_cannot_be_enqueued_is_redelivered(
    bench: Bench, probe: Probe
) -> None:
    start(bench)
    first = bench.queue.take()
    lose_queue(bench, AWAY[0])
    with pytest.raises(Unavailable, match="took no delivery"):
        bench.deliver(first)
    find_queue(bench)
    assert bench.deliver(first, lost=1) == "stale"
    bench.run_to_end()
    assert probe.calls == ["a", "b", "c", "d"]


def test_a_start_that_runs_out_of_time_after_its_commit_is_accepted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_time(*_: Any) -> None:
        raise DeadlineExceeded("the time budget of this request ran out")

    start(bench)
    monkeypatch.setattr(bench.engine.repository, "load", out_of_time)
    start(bench)
