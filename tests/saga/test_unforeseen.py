"""Unexpected errors: none of them makes a step uncertain, or runs it again."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lib.datastore import key
from lib.errors import NotBegun
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Saga
from lib.saga.engine import alerts, engine, invocation, recorder
from lib.saga.engine.execution import attempt_log
from lib.saga.engine.execution.threads import THREADS
from lib.saga.engine.repository import SagaRepository
from lib.saga.state.records import SagaRecord
from tests.saga.bench import Bench, Probe, make_step, start

Lines = pytest.CaptureFixture[str]


def oops(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("a defect of ours")


def once(action: Callable[..., Any]) -> Callable[..., Any]:
    """Return the action so that it fails the first time."""
    failed: list[bool] = []

    def act(*args: Any, **options: Any) -> Any:
        if failed:
            return action(*args, **options)
        failed.append(True)
        return oops()

    return act


@pytest.mark.parametrize(
    ("room", "place"),
    [
        (engine, "is_awaited"),
        (engine, "outstanding"),
        (invocation, "known_input"),
        (invocation, "make_context"),
        (invocation, "Call"),
    ],
)
def test_a_bug_before_the_action_leaves_the_step_certain(
    bench: Bench,
    probe: Probe,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Lines,
    room: Any,
    place: str,
) -> None:
    start(bench)
    first = bench.queue.take()
    with monkeypatch.context() as broken:
        broken.setattr(room, place, oops)
        with pytest.raises(NotBegun, match="before the action"):
            bench.deliver(first)
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert bench.deliver(first) == "done"
    step = bench.load("s")[1][0]
    assert (probe.calls, step.attempt, step.maybe_applied) == (["a"], 1, False)


def test_a_thread_that_cannot_start_uses_no_attempt(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    start(bench)
    first = bench.queue.take()
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", be_full)
        full.setattr(THREADS, "_idle", [])  # no idle thread is left from an earlier test
        with pytest.raises(NotBegun, match="can start no thread"):
            bench.deliver(first)
    assert bench.deliver(first) == "done"
    assert bench.load("s")[1][0].attempt == 1


def test_a_stop_that_cannot_be_recorded_leaves_its_step_certain(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(bench)
    bench.deliver()
    second = bench.queue.take()
    bench.cancel("s")
    with monkeypatch.context() as down:
        down.setattr(recorder, "retain", oops)
        with pytest.raises(NotBegun, match="before the action"):
            bench.deliver(second)
    assert bench.deliver(second) == "given up"


def test_an_outcome_is_recorded_even_if_it_cannot_be_logged(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Any) -> None:
        raise Permanent("no credit")

    probe.on["b"] = refuse
    monkeypatch.setattr(attempt_log, "describe_stack", oops)
    start(bench)
    bench.run_to_end()
    assert probe.calls == ["a", "b", "undo a"]
    assert bench.load("s")[0].error == "step b: no credit"


def test_a_decision_that_cannot_be_encoded_is_recorded_smaller_without_a_rerun(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(bench)
    monkeypatch.setattr(SagaRepository, "save", once(SagaRepository.save))
    assert bench.deliver() == "done"
    assert probe.calls == ["a"]
    assert bench.statuses("s")[1] == "COMPLETED"


def test_a_failed_alert_keeps_no_delivery_from_the_queue(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "log_finished", oops)
    start(bench)
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def family(probe: Probe, **options: Any) -> Saga:
    child = Saga("inner", payload=int, steps=(make_step(probe, "x"),))
    step = Child("c", saga=child, payload=lambda payload, _: payload["n"], **options)
    return Saga("letters", payload=dict[str, int], steps=(step, make_step(probe, "b")))


def test_an_unexpected_error_in_a_revert_leaves_its_child_certain(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Any) -> None:
        raise Permanent("no")

    probe.on["b"] = refuse
    bench.engine = bench.make_engine(family(probe))
    start(bench)
    while "b" not in probe.calls:
        bench.deliver()
    revert = bench.queue.take()
    # A process killed during that request leaves nothing uncertain either.
    assert bench.deliver(revert, lost=3) == "in_progress"
    bench.run_to_end()
    assert bench.statuses("s")[0] == bench.statuses("s:c")[0] == "ROLLED_BACK"
    assert bench.load("s")[1][0].maybe_applied is False


def test_a_missing_child_keeps_no_stale_delivery_from_its_answer(
    bench: Bench, probe: Probe
) -> None:
    bench.engine = bench.make_engine(family(probe))
    start(bench)
    stale = bench.queue.waiting[0]
    bench.store.delete(key(SagaRecord, "s:c"))
    assert bench.deliver(replace(stale, saga_id="s")) == "stale"


def test_a_failed_notification_is_redelivered(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.engine = bench.make_engine(family(probe))
    start(bench)
    bench.deliver()
    news = bench.queue.take()
    with monkeypatch.context() as down:
        down.setattr(SagaRepository, "load_both", lambda *_: oops())
        with pytest.raises(NotBegun, match="before the action"):
            bench.deliver(news)
    assert bench.deliver(news) == "notified"
