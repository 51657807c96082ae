"""Commits that Datastore refuses for their content: what is recorded, and what is not rerun."""

from collections.abc import Callable
from typing import Any

import pytest

from lib.datastore.v1.limits import MAX_COMMIT_MUTATIONS
from lib.errors import Unavailable
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Saga
from lib.saga.definition.saga_checks.sizes import MAX_STEPS
from lib.saga.definition.steps import Parallel, Signal
from lib.saga.machine.inputs import CancelRequested, RetryRequested
from lib.saga.machine.start import next_steps
from lib.saga.state.limits import MAX_OUTPUT, MAX_PAYLOAD, MAX_RECORD, MAX_SUMMARY, MAX_TEXT
from tests.saga.bench import QUICK, Bench, Probe, make_step
from tests.unit.datastore.connections import CountingConnection, Refusal

BROKEN_NAME = b"caf\xe9.txt".decode(errors="surrogateescape")


def shape(*parts: Any, name: str = "letters", payload: Any = dict[str, int]) -> Saga:
    return Saga(name, payload=payload, steps=parts)


def begin(bench: Bench, *parts: Any, payload: Any = None) -> None:
    bench.engine = bench.make_engine(shape(*parts))
    bench.engine.start("letters", "s", payload or {"n": 1})


def raising(problem: BaseException) -> Any:
    def action(_: Any) -> None:
        raise problem

    return action


class PickyConnection(CountingConnection):
    """Refuses each commit that a test picks, as Datastore refuses invalid ones."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.dislikes: Callable[[Any], bool] = lambda _: False
        self.largest = 0

    def call(self, method: str, request: Any, timeout: float) -> Any:
        if method == "Commit":
            self.largest = max(self.largest, len(request.mutations))
            if self.dislikes(request):
                raise Refusal("INVALID_ARGUMENT", "it is not liked")
        return super().call(method, request, timeout)


@pytest.fixture
def picky(bench: Bench) -> PickyConnection:
    connection = PickyConnection(bench.rpc)
    bench.store._service.rpc = connection
    return connection


def entities(request: Any) -> list[Any]:
    """Return the entities that a commit writes, and their steps."""
    written = (getattr(each, each.WhichOneof("operation")) for each in request.mutations)
    whole = [each for each in written if hasattr(each, "properties")]
    sagas = (each for each in whole if "steps" in each.properties)
    steps = (step for each in sagas for step in each.properties["steps"].array_value.values)
    return [*whole, *(step.entity_value for step in steps)]


def writes(kind: str, **wanted: Any) -> Callable[[Any], bool]:
    """Return whether a commit writes an entity of a kind with these strings in it."""

    def dislikes(request: Any) -> bool:
        return any(
            each.key.path[-1].kind == kind
            and all(n in each.properties for n in wanted)
            and all(each.properties[n].string_value == v for n, v in wanted.items())
            for each in entities(request)
        )

    return dislikes


# Text


@pytest.mark.parametrize("text", [BROKEN_NAME, "a\0b", "\ud83d", "é" * 5000, "x" * 499 + "😀" * 9])
@pytest.mark.parametrize("kind", [Permanent, OSError])
def test_an_error_with_any_text_is_recorded_without_a_rerun(
    bench: Bench, probe: Probe, text: str, kind: type[Exception]
) -> None:
    probe.on["b"] = raising(kind(text))
    begin(bench, make_step(probe, "a"), make_step(probe, "b"))
    bench.run_to_end()
    assert bench.statuses("s")[0] == "ROLLED_BACK"
    assert probe.calls.count("b") == (1 if kind is Permanent else QUICK.attempts)
    errors = [event.error for event in bench.engine.repository.events("s") if event.step == "b"]
    assert any(0 < len(error.encode()) <= 500 for error in errors)
    assert not any("\0" in error for error in errors)


def test_a_file_name_that_is_not_text_is_readable_in_the_trail(bench: Bench, probe: Probe) -> None:
    probe.on["a"] = raising(Permanent(f"no such file: {BROKEN_NAME}"))
    begin(bench, make_step(probe, "a"))
    bench.run_to_end()
    assert bench.load("s")[1][0].error == "no such file: caf\\udce9.txt"


def test_any_reason_of_an_operator_is_recorded(bench: Bench, probe: Probe) -> None:
    begin(bench, make_step(probe, "a"))
    said = CancelRequested(actor="op\ud800", reason="because\0" + "é" * MAX_TEXT)
    bench.engine.apply("s", said)
    noted = [event for event in bench.engine.repository.events("s") if event.actor]
    assert noted[0].actor == "op\\ud800"
    assert noted[0].error.startswith("because\\x00é")
    assert len(noted[0].error.encode()) <= MAX_TEXT


def test_all_members_of_the_largest_group_may_fail_with_the_longest_texts(
    bench: Bench, probe: Probe
) -> None:
    names = [f"m{n}" for n in range(20)]
    probe.on |= {name: raising(Permanent("é" * 1000)) for name in names}
    probe.on |= {f"undo {name}": raising(Permanent("é" * 1000)) for name in names}
    begin(bench, Parallel(*(make_step(probe, name) for name in names)))
    # If all failed permanently, nothing would be left to compensate.
    probe.on["m0"] = lambda _: None
    bench.run_to_end()
    assert bench.statuses("s")[0] == "FAILED"
    saga, _ = bench.load("s")
    assert 0 < len(saga.parked_because.encode()) <= MAX_SUMMARY
    parked = bench.engine.repository.events("s")[-1]
    assert parked.error.count("compensation of m") > 10
    assert len(parked.error.encode()) <= MAX_TEXT


# New child sagas


def test_twenty_children_of_twenty_five_steps_begin_and_the_pivot_is_run_once(
    bench: Bench, probe: Probe, picky: PickyConnection
) -> None:
    kid = shape(*(make_step(probe, f"k{n}") for n in range(25)), name="kid")
    children = [Child(f"c{n}", saga=kid, payload=lambda *_: {}) for n in range(20)]
    begin(bench, make_step(probe, "pay", compensate=None, pivot=True), Parallel(*children))
    bench.run_to_end(limit=2000)
    assert bench.statuses("s") == ["COMPLETED"] * 22
    assert probe.calls.count("pay") == 1
    assert picky.largest <= MAX_COMMIT_MUTATIONS


def test_children_with_the_largest_payloads_begin_together(bench: Bench, probe: Probe) -> None:
    kid = shape(make_step(probe, "k"), name="kid", payload=str)
    children = [
        Child(f"c{n}", saga=kid, payload=lambda *_: "x" * (MAX_PAYLOAD - 2)) for n in range(20)
    ]
    begin(bench, Parallel(*children))
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def test_early_signals_of_the_largest_size_are_used_together(bench: Bench, probe: Probe) -> None:
    names = [f"s{n}" for n in range(20)]
    begin(bench, make_step(probe, "a"), Parallel(*(Signal(name, payload=str) for name in names)))
    for name in names:
        bench.engine.signal("s", name, "x" * (MAX_OUTPUT - 2), actor="test")
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def test_the_longest_saga_whose_steps_are_all_skipped_ends(
    bench: Bench, probe: Probe, picky: PickyConnection
) -> None:
    steps = [make_step(probe, f"n{n}", when=lambda *_: False) for n in range(MAX_STEPS)]
    begin(bench, *steps)
    bench.run_to_end()
    assert set(bench.statuses("s")) == {"COMPLETED", "SKIPPED"}
    assert picky.largest <= MAX_COMMIT_MUTATIONS
    assert probe.calls == []


def test_a_postponed_step_is_cancelled_with_its_saga(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(next_steps, "MAX_NEW_BYTES", MAX_RECORD + 10)
    kid = shape(make_step(probe, "k"), name="kid")
    children = [Child(f"c{n}", saga=kid, payload=lambda *_: {}) for n in range(3)]
    begin(bench, make_step(probe, "a"), Parallel(*children))
    bench.deliver()
    waiting = {(each.step, str(each.phase)) for each in bench.queue.waiting}
    assert {(2, "start"), (3, "start")} <= waiting
    bench.cancel("s")
    bench.run_to_end()
    assert bench.statuses("s") == [
        "ROLLED_BACK", "COMPENSATED", "COMPENSATED", "CANCELLED", "CANCELLED",
    ]  # fmt: skip


# Anything else that is refused


def test_an_outcome_is_recorded_even_if_the_next_step_is_refused(
    bench: Bench, probe: Probe, picky: PickyConnection
) -> None:
    picky.dislikes = lambda request: any(
        each.key.path[-1].name == "s:c" for each in entities(request)
    )
    kid = shape(make_step(probe, "k"), name="kid")
    begin(bench, make_step(probe, "a"), Child("c", saga=kid, payload=lambda *_: {}))
    bench.run_to_end()
    assert bench.statuses("s") == ["ROLLED_BACK", "COMPENSATED", "FAILED"]
    assert probe.calls == ["a", "undo a"]
    saga, steps = bench.load("s")
    assert "step_cannot_begin: " in steps[1].error
    assert "step c: step_cannot_begin" in saga.error


def test_an_outcome_that_cannot_be_recorded_is_recorded_as_indeterminate(
    bench: Bench, probe: Probe, picky: PickyConnection
) -> None:
    picky.dislikes = writes("SagaStep", name="a", status="COMPLETED")
    begin(bench, make_step(probe, "a"), make_step(probe, "b"))
    bench.run_to_end()
    assert bench.statuses("s") == ["ROLLED_BACK", "COMPENSATED", "PENDING"]
    assert probe.calls == ["a", "undo a"]


def test_a_pivot_whose_outcome_cannot_be_recorded_parks_without_a_rerun(
    bench: Bench, probe: Probe, picky: PickyConnection
) -> None:
    picky.dislikes = writes("SagaStep", name="pay", status="COMPLETED")
    begin(bench, make_step(probe, "pay", compensate=None, pivot=True))
    bench.run_to_end()
    assert bench.statuses("s") == ["FAILED", "FAILED"]
    assert probe.calls == ["pay"]
    assert "outcome_unrecorded: done: " in bench.load("s")[0].parked_because


def test_if_nothing_else_can_be_recorded_the_saga_is_parked_with_one_alert(
    bench: Bench, probe: Probe, picky: PickyConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(bench, make_step(probe, "a"))
    picky.dislikes = lambda request: not writes("DeadLetter")(request)
    bench.run_to_end()
    assert bench.statuses("s") == ["FAILED", "FAILED"]
    assert "input_unrecorded: " in bench.load("s")[0].parked_because
    assert capsys.readouterr().out.count('"alert":"saga-parked"') == 1
    assert probe.calls == ["a"]


def test_a_saga_parked_for_an_unrecorded_outcome_continues_after_a_retry(
    bench: Bench, probe: Probe, picky: PickyConnection
) -> None:
    begin(bench, make_step(probe, "a"))
    picky.dislikes = lambda request: not writes("DeadLetter")(request)
    bench.run_to_end()
    picky.dislikes = lambda _: False
    bench.engine.apply("s", RetryRequested(actor="op", reason="try"))
    bench.run_to_end()
    assert bench.statuses("s") == ["COMPLETED", "COMPLETED"]
    assert probe.calls == ["a", "a"]


def test_a_childs_end_that_cannot_be_recorded_parks_and_is_notified_again(
    bench: Bench, probe: Probe, picky: PickyConnection
) -> None:
    kid = shape(make_step(probe, "k"), name="kid")
    begin(bench, Child("c", saga=kid, payload=lambda *_: {}))
    picky.dislikes = writes("SagaStep", name="c", status="COMPLETED")
    bench.run_to_end()
    assert bench.statuses("s") == ["FAILED", "WAITING"]
    picky.dislikes = lambda _: False
    bench.engine.apply("s", RetryRequested(actor="op", reason="try"))
    bench.run_to_end()
    assert bench.statuses("s") == ["COMPLETED", "COMPLETED"]
    assert probe.calls == ["k"]


def test_an_outcome_that_cannot_be_recorded_at_all_is_unavailable_without_a_rerun(
    bench: Bench, probe: Probe, picky: PickyConnection
) -> None:
    begin(bench, make_step(probe, "a"))
    first = bench.queue.take()
    picky.dislikes = lambda _: True
    with pytest.raises(Unavailable, match="not liked"):
        bench.deliver(first)
    picky.dislikes = lambda _: False
    # Cloud Tasks does not count a 5xx as an answer: that dispatch is lost.
    assert bench.deliver(first, lost=1) == "unknown"
    assert probe.calls == ["a"]


def test_a_verb_whose_commit_is_refused_is_refused(
    bench: Bench, probe: Probe, picky: PickyConnection
) -> None:
    begin(bench, make_step(probe, "a"))
    picky.dislikes = lambda _: True
    with pytest.raises(Exception, match="not liked"):
        bench.cancel("s")
    assert bench.statuses("s")[0] == "PENDING"


def test_a_commit_that_is_out_of_time_is_looked_up_without_a_rerun(
    bench: Bench, probe: Probe, picky: PickyConnection
) -> None:
    begin(bench, make_step(probe, "a"))
    times: list[int] = []

    def late(_: Any) -> bool:
        times.append(1)
        if len(times) == 1:
            raise Refusal("DEADLINE_EXCEEDED")
        return False

    picky.dislikes = late
    assert bench.deliver() == "done"
    assert probe.calls == ["a"]
    assert bench.statuses("s") == ["COMPLETED", "COMPLETED"]
