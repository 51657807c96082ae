"""Mistakes of an author's code in a call, and what is recorded then."""

import asyncio
from typing import Any

import pytest

from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from tests.saga.bench import QUICK, Bench, Probe, make_saga, make_step


async def refund() -> None:
    """Refund, if anybody awaited this coroutine."""


def run(bench: Bench, *parts: Any) -> list[str]:
    bench.engine = bench.make_engine(Saga("letters", payload=dict[str, int], steps=parts))
    bench.engine.start("letters", "s", {"n": 1})
    bench.run_to_end()
    return bench.statuses("s")


def raising(problem: BaseException) -> Any:
    def action(_: Any) -> None:
        raise problem

    return action


def test_a_compensation_that_did_not_run_is_never_recorded_as_done(
    bench: Bench, probe: Probe, recwarn: pytest.WarningsRecorder
) -> None:
    probe.on["undo a"] = lambda _: refund()
    probe.on["b"] = raising(Permanent("no"))
    statuses = run(bench, make_step(probe, "a"), make_step(probe, "b"))
    assert statuses == ["FAILED", "COMPENSATION_FAILED", "FAILED"]
    assert "returned a coroutine (refund)" in bench.load("s")[0].parked_because
    assert probe.calls == ["a", "b", "undo a"]
    assert [str(each.message) for each in recwarn] == []


def test_a_step_that_did_not_run_is_compensated_and_the_saga_rolled_back(
    bench: Bench, probe: Probe
) -> None:
    probe.on["a"] = lambda _: [refund(), refund()]
    assert run(bench, make_step(probe, "a")) == ["ROLLED_BACK", "COMPENSATED"]
    assert probe.calls == ["a", "undo a"]


def test_a_status_that_did_not_run_settles_nothing(bench: Bench, probe: Probe) -> None:
    def lose(_: Any) -> None:
        raise OSError("lost")

    probe.on |= {"a": lose, "ask a": lambda _: (each for each in [1])}
    step = make_step(probe, "a", status=probe.execute("ask a"))
    assert run(bench, step) == ["ROLLED_BACK", "COMPENSATED"]


def test_a_deferred_condition_fails_its_step(bench: Bench, probe: Probe) -> None:
    conditional = make_step(probe, "b", when=lambda *_: refund())
    statuses = run(bench, make_step(probe, "a"), conditional)
    assert statuses == ["ROLLED_BACK", "COMPENSATED", "FAILED"]
    assert "returned a coroutine" in bench.load("s")[0].error


def test_a_deferred_child_payload_starts_no_child(bench: Bench, probe: Probe) -> None:
    child = Child("b", saga=make_saga(probe), payload=lambda *_: asyncio.sleep(1))
    outer = Saga("outer", payload=dict[str, int], steps=(make_step(probe, "x"), child))
    bench.engine = bench.make_engine(outer)
    bench.engine.start("outer", "s", {"n": 1})
    bench.run_to_end()
    assert bench.statuses("s") == ["ROLLED_BACK", "COMPENSATED", "FAILED"]
    assert probe.calls == ["x", "undo x"]


@pytest.mark.parametrize(
    "problem", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()]
)
def test_an_action_that_would_end_its_process_fails_and_is_named_in_the_trail(
    bench: Bench, probe: Probe, problem: BaseException
) -> None:
    probe.on["a"] = raising(problem)
    assert run(bench, make_step(probe, "a")) == ["ROLLED_BACK", "COMPENSATED"]
    assert probe.calls == ["a"] * QUICK.attempts + ["undo a"]
    trail = [event.error for event in bench.engine.repository.events("s")]
    assert sum(type(problem).__name__ in error for error in trail) >= QUICK.attempts


def test_a_policy_of_a_hundred_attempts_uses_them_all(bench: Bench, probe: Probe) -> None:
    def busy(_: Any) -> None:
        raise OSError("busy")

    probe.on["a"] = busy
    patient = type(QUICK)(attempts=60, factor=10.0)
    step: Step = make_step(probe, "a", retry=patient)
    assert run(bench, step) == ["ROLLED_BACK", "COMPENSATED"]
    assert probe.calls.count("a") == 60
