"""Calls that never end: limited in each process, and counted on the dashboard."""

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.errors import DeadlineExceeded, NotBegun
from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.engine import recorder
from lib.saga.engine.execution.overruns import OVERRUNS
from lib.saga.engine.execution.threads import Threads
from lib.saga.machine.inputs import RetryRequested
from lib.saga.operators.dashboard import monitor
from tests.saga.bench import Bench, Probe, make_step, start


@pytest.fixture
def end() -> Iterator[threading.Event]:
    """An event that ends the calls of a test."""
    event = threading.Event()
    yield event
    event.set()


def hang(bench: Bench, probe: Probe, end: threading.Event, *, calls: int, **options: Any) -> None:
    """Run a step until this number of its calls has outlasted the timeout."""
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
    for call in OVERRUNS._calls:
        call.join(5)
    assert OVERRUNS.count == 0
    assert bench.deliver(waiting) == "done"


def test_the_dashboard_counts_overruns(bench: Bench, probe: Probe, end: threading.Event) -> None:
    hang(bench, probe, end, calls=2)
    assert monitor(bench.engine.repository, bench.now())["overruns"] == 2


# A condition, or the function that makes a child's payload


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MAX_DECISION", timedelta(milliseconds=50))


def follow(bench: Bench, probe: Probe, *parts: Element, **options: Any) -> None:
    """Run a step and the elements after it to the end."""
    steps = (make_step(probe, "a", **options), *parts)
    bench.engine = bench.make_engine(Saga("letters", payload=dict[str, int], steps=steps))
    start(bench)
    bench.run_to_end()


@pytest.mark.parametrize("asked", ["when", "payload"])
@pytest.mark.usefixtures("hurried")
def test_a_pure_function_that_never_ends_fails_only_its_own_step(
    bench: Bench, probe: Probe, end: threading.Event, asked: str
) -> None:
    inner = Saga("inner", payload=dict, steps=(make_step(probe, "x"),))
    part: Element = make_step(probe, "b", when=lambda *_: end.wait(30))
    if asked == "payload":
        part = Child[Any, Any]("b", saga=inner, payload=lambda *_: end.wait(30))
    follow(bench, probe, part)
    assert probe.calls == ["a", "undo a"]
    assert bench.statuses("s") == ["ROLLED_BACK", "COMPENSATED", "FAILED"]
    assert "when= or payload= function of saga letters has not ended" in bench.load("s")[0].error


@pytest.mark.usefixtures("hurried")
def test_after_the_pivot_an_endless_function_parks_and_a_retry_is_refused(
    bench: Bench, probe: Probe, end: threading.Event
) -> None:
    part = make_step(probe, "b", when=lambda *_: end.wait(30), compensate=None)
    follow(bench, probe, part, pivot=True, compensate=None)
    assert bench.statuses("s") == ["FAILED", "COMPLETED", "FAILED"]
    retry = RetryRequested(actor="op", reason="again")
    with pytest.raises(DeadlineExceeded, match="has not ended within"):
        bench.engine.apply("s", retry)
    end.set()
    bench.engine.apply("s", retry)
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


@pytest.mark.usefixtures("hurried")
def test_a_saga_whose_first_condition_never_ends_is_refused(
    bench: Bench, probe: Probe, end: threading.Event
) -> None:
    step = make_step(probe, "b", when=lambda *_: end.wait(30))
    bench.engine = bench.make_engine(Saga("letters", payload=dict[str, int], steps=(step,)))
    with pytest.raises(DeadlineExceeded, match="saga letters has not ended within"):
        start(bench)
    assert bench.engine.repository.find("s") is None


def test_a_forked_process_has_action_threads_of_its_own() -> None:
    pool = Threads()
    pool.start(lambda: None).join(10)
    while not pool._idle:
        threading.Event().wait(0.005)
    child = os.fork()
    if child == 0:
        call = pool.start(lambda: None)
        call.join(5)
        os._exit(int(call.is_alive()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
