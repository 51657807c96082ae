"""A saga's children follow its pause, wherever the process that passes it on is killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lib.datastore import update
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.inputs import (
    CancelRequested,
    ParkRequested,
    PauseRequested,
    ResolveRequested,
    ResumeRequested,
    SagaRequest,
)
from lib.saga.state.records import SagaStatus
from tests.saga.bench import Bench, Probe, make_step
from tests.saga.test_sweep_on import NewerSaga

WHO: dict[str, Any] = {"actor": "ops@example.com", "reason": "a trial"}
PAUSE, RESUME = PauseRequested(**WHO, id="p"), ResumeRequested(**WHO, id="r")
CANCEL = CancelRequested(**WHO, id="c")


class Killed(BaseException):
    """kill -9: `except Exception` does not catch it."""


@contextmanager
def killed_before_call(bench: Bench, number: int) -> Iterator[None]:
    """Kill the process inside before its Datastore call of this number, from 0."""
    inner = bench.rpc.inner
    calls: list[str] = []

    class Deadly:
        project, database = inner.project, inner.database

        def call(self, method: str, request: Any, timeout: float) -> Any:
            if len(calls) == number:
                raise Killed
            calls.append(method)
            return inner.call(method, request, timeout)

        def close(self) -> None:
            inner.close()

    bench.rpc.inner = Deadly()
    try:
        yield
    finally:
        bench.rpc.inner = inner


def child_of(*steps: Element, name: str = "inner") -> Saga:
    return Saga(name, payload=int, steps=steps)


def begin(bench: Bench, *steps: Element) -> None:
    bench.engine = bench.make_engine(Saga("letters", payload=dict[str, int], steps=steps))
    bench.engine.start("letters", "s", {"n": 1})


def pivot_with_grandchild(probe: Probe) -> Child[Any]:
    grandchild = Child(
        "g", saga=child_of(make_step(probe, "x"), name="innermost"), payload=lambda n, _: n
    )
    return Child[Any, Any]("c", saga=child_of(grandchild), payload=lambda p, _: p["n"], pivot=True)


def is_paused(bench: Bench, *ids: str) -> list[bool]:
    return [bench.load(each)[0].paused for each in ids]


@pytest.mark.parametrize("request_", [RESUME, CANCEL], ids=["resume", "cancel"])
@pytest.mark.parametrize("repeated", [True, False], ids=["repeated", "not repeated"])
def test_children_resume_wherever_the_resume_is_killed(
    bench: Bench, probe: Probe, request_: SagaRequest, *, repeated: bool
) -> None:
    ends: set[str] = set()
    number = 0
    while True:
        name = f"s{number}"
        bench.engine = bench.make_engine(
            Saga("letters", payload=dict[str, int], steps=(pivot_with_grandchild(probe),))
        )
        bench.engine.start("letters", name, {"n": 1})
        bench.engine.apply(name, PAUSE)
        bench.run_to_end()
        try:
            with killed_before_call(bench, number):
                bench.engine.apply(name, request_)
            break
        except Killed:
            committed = not bench.load(name)[0].paused
            if repeated:
                bench.engine.apply(name, request_)
            elif committed:
                bench.pass_time(minutes=2)
                sweep(bench.engine, bench.now)
            bench.run_to_end()
            if repeated or committed:
                assert is_paused(bench, name, f"{name}:c", f"{name}:c:g") == [False] * 3
                assert bench.statuses(name)[0] == "COMPLETED"
                ends.add(name)
        number += 1
    assert len(ends) > 3


def test_children_pause_wherever_the_pause_is_killed(bench: Bench, probe: Probe) -> None:
    number, paused = 0, 0
    while True:
        name = f"s{number}"
        inner = child_of(Signal("go"))
        step = Child[Any, Any]("c", saga=inner, payload=lambda p, _: p["n"])
        bench.engine = bench.make_engine(Saga("letters", payload=dict[str, int], steps=(step,)))
        bench.engine.start("letters", name, {"n": 1})
        try:
            with killed_before_call(bench, number):
                bench.engine.apply(name, PAUSE)
            break
        except Killed:
            committed = bench.load(name)[0].paused
            bench.pass_time(minutes=2)
            sweep(bench.engine, bench.now)
            assert is_paused(bench, name, f"{name}:c") == [committed] * 2
            paused += committed
        number += 1
    assert paused > 1


def pause_and_park(bench: Bench, name: str = "s") -> None:
    step = Child("c", saga=child_of(Signal("go")), payload=lambda *_: 1)
    bench.engine = bench.make_engine(Saga("letters", payload=dict[str, int], steps=(step,)))
    bench.engine.start("letters", name, {"n": 1})
    bench.engine.apply(name, PAUSE)
    bench.engine.apply(name, ParkRequested(**WHO))


RESOLVE = ResolveRequested(**WHO, id="s", outcome=SagaStatus.COMPLETED)


def test_the_children_of_a_saga_resolved_while_paused_resume(bench: Bench) -> None:
    """Otherwise nothing would ever pass a resume on to them."""
    pause_and_park(bench)
    bench.engine.apply("s", RESOLVE)
    assert is_paused(bench, "s", "s:c") == [False, False]


@pytest.mark.parametrize("repeated", [True, False], ids=["repeated", "not repeated"])
def test_the_children_of_a_resolved_saga_resume_wherever_the_resolve_is_killed(
    bench: Bench, *, repeated: bool
) -> None:
    number, left = 0, 0
    while True:
        name = f"s{number}"
        pause_and_park(bench, name)
        try:
            with killed_before_call(bench, number):
                bench.engine.apply(name, RESOLVE)
            break
        except Killed:
            committed = bench.statuses(name)[0] == "COMPLETED"
            if repeated:
                bench.engine.apply(name, RESOLVE)
            else:
                bench.pass_time(days=2)
                sweep(bench.engine, bench.now)
            assert is_paused(bench, f"{name}:c") == [not (repeated or committed)]
            left += committed
        number += 1
    assert left > 1


def test_the_look_does_not_pause_a_child_that_was_resumed_by_itself(
    bench: Bench, probe: Probe
) -> None:
    begin(bench, Child[Any, Any]("c", saga=child_of(Signal("go")), payload=lambda p, _: p["n"]))
    bench.engine.apply("s", PAUSE)
    bench.engine.apply("s:c", RESUME)
    bench.pass_time(minutes=2)
    sweep(bench.engine, bench.now)
    assert is_paused(bench, "s", "s:c") == [True, False]


def test_a_look_at_the_parent_leaves_a_child_paused_by_itself(bench: Bench, probe: Probe) -> None:
    begin(bench, Child[Any, Any]("c", saga=child_of(Signal("go")), payload=lambda p, _: p["n"]))
    bench.engine.apply("s", PAUSE)
    bench.engine.apply("s", RESUME)
    bench.engine.apply("s:c", PAUSE)
    bench.pass_time(minutes=2)
    sweep(bench.engine, bench.now)
    assert is_paused(bench, "s", "s:c") == [False, True]


@pytest.mark.parametrize("requests", [[], [PAUSE, RESUME]], ids=["never paused", "resumed"])
def test_a_look_at_a_child_paused_by_itself_leaves_it_paused(
    bench: Bench, requests: list[SagaRequest]
) -> None:
    begin(bench, Child[Any, Any]("c", saga=child_of(Signal("go")), payload=lambda p, _: p["n"]))
    for request in requests:
        bench.engine.apply("s", request)
    bench.engine.apply("s:c", PAUSE)
    bench.pass_time(days=2)
    sweep(bench.engine, bench.now)
    assert is_paused(bench, "s", "s:c") == [False, True]


def test_a_paused_child_in_its_own_rollback_resumes_with_its_parents_cancel(
    bench: Bench, probe: Probe
) -> None:
    def refuse(_: Any) -> None:
        raise Permanent("no")

    probe.on["y"] = refuse
    inner = child_of(make_step(probe, "x"), make_step(probe, "y"))
    begin(bench, Child[Any, Any]("c", saga=inner, payload=lambda p, _: p["n"]))
    while "y" not in probe.calls:
        bench.deliver()
    assert bench.statuses("s:c")[0] == "ROLLING_BACK"
    bench.engine.apply("s", PAUSE)
    bench.engine.apply("s", CANCEL)
    bench.run_to_end()
    assert bench.statuses("s")[0] == bench.statuses("s:c")[0] == "ROLLED_BACK"


def test_a_paused_grandchild_in_a_rollback_resumes_with_the_parents_cancel(
    bench: Bench, probe: Probe
) -> None:
    """The child awaits no delivery then, so only its rollback can pass the end of the pause on."""

    def refuse(_: Any) -> None:
        raise Permanent("no")

    probe.on["y"] = refuse
    grandchild = Child(
        "g", saga=child_of(make_step(probe, "x"), name="innermost"), payload=lambda n, _: n
    )
    inner = child_of(grandchild, make_step(probe, "y"))
    begin(bench, Child[Any, Any]("c", saga=inner, payload=lambda p, _: p["n"]))
    while bench.engine.repository.find("s:c:g") is None or (
        bench.statuses("s:c")[0] != "ROLLING_BACK" or bench.statuses("s:c")[1] != "WAITING"
    ):
        bench.deliver()
    bench.engine.apply("s", PAUSE)
    assert is_paused(bench, "s", "s:c", "s:c:g") == [True] * 3
    bench.engine.apply("s", CANCEL)
    bench.run_to_end()
    assert [bench.statuses(each)[0] for each in ("s", "s:c", "s:c:g")] == ["ROLLED_BACK"] * 3


def test_an_unreadable_child_blocks_no_request_on_its_parent(bench: Bench, probe: Probe) -> None:
    begin(bench, Child[Any, Any]("c", saga=child_of(Signal("go")), payload=lambda p, _: p["n"]))
    bench.engine.apply("s", PAUSE)
    bench.engine.apply("s", RESUME)
    bench.store.apply(update(NewerSaga(id="s:c"), mask=["status"]))
    bench.engine.apply("s", ParkRequested(**WHO))
    assert bench.statuses("s")[0] == "FAILED"
