"""Calls that never end: they are bounded in each process, and counted on the dashboard."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.errors import NotBegun
from lib.saga.definition import Saga
from lib.saga.operators.monitoring import monitor
from lib.saga.overruns import OVERRUNS
from lib.saga.policy import RetryPolicy
from tests.saga.bench import Bench, Probe, make_step, start


@pytest.fixture
def end() -> Iterator[threading.Event]:
    """What lets the calls of a test end."""
    event = threading.Event()
    yield event
    event.set()


def hang(bench: Bench, probe: Probe, end: threading.Event, *, calls: int, **options: Any) -> None:
    """Run a step until so many calls of it have outlasted their time-out."""
    probe.on["a"] = lambda _: end.wait(30)
    policy = RetryPolicy(attempts=calls + 1)
    step = make_step(probe, "a", timeout=timedelta(milliseconds=10), retry=policy, **options)
    bench.engine = bench.make_engine(Saga("letters", payload=dict[str, int], steps=(step,)))
    start(bench)
    for _ in range(calls):
        bench.deliver()


@pytest.mark.parametrize("pivot", [False, True])
def test_a_process_with_too_many_calls_that_never_end_runs_no_more(
    bench: Bench,
    probe: Probe,
    end: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    pivot: bool,
) -> None:
    monkeypatch.setattr(OVERRUNS, "_most", 3)
    options = {"pivot": True, "compensate": None} if pivot else {}
    hang(bench, probe, end, calls=3, **options)
    before = bench.load("s")
    waiting = bench.queue.take()
    with pytest.raises(NotBegun, match="3 calls of this process have outlasted"):
        bench.deliver(waiting)
    assert '"alert":"overruns"' in capsys.readouterr().out
    assert bench.load("s") == before
    assert probe.calls == ["a"] * 3
    end.set()
    for thread in OVERRUNS._threads:
        thread.join(5)
    assert OVERRUNS.count == 0
    assert bench.deliver(waiting) == "done"


def test_the_dashboard_counts_calls_that_go_on(
    bench: Bench, probe: Probe, end: threading.Event
) -> None:
    hang(bench, probe, end, calls=2)
    assert monitor(bench.engine.journal, bench.now())["overruns"] == 2
