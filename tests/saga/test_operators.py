"""Operators on a real Datastore: which sagas a request reaches, and what a lost answer does."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lib.datastore import Query, key
from lib.errors import Conflict, Unavailable, Unreadable, VersionMismatch
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent, Unknown
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Signal
from lib.saga.engine.repository import SagaRepository
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.inputs import (
    CancelRequested,
    ParkRequested,
    PauseRequested,
    ResolveRequested,
    ResumeRequested,
    RetryRequested,
    SagaRequest,
    SkipRequested,
    VoidRequested,
)
from lib.saga.operators.bulk import apply_to_each
from lib.saga.state.records import DeadLetter, Loaded, SagaRecord, SagaStatus
from tests.saga.bench import Bench, Probe, make_step

WHO: dict[str, Any] = {"actor": "ops@example.com", "reason": "the bank called"}


def fail(problem: Exception) -> Callable[[Any], Any]:
    def act(_: Any) -> Any:
        raise problem

    return act


def begin(bench: Bench, *steps: Element) -> None:
    bench.engine = bench.make_engine(Saga("letters", payload=dict[str, int], steps=steps))
    bench.engine.start("letters", "s", {"n": 1})


def child(name: str, saga: Saga, **options: Any) -> Child:
    return Child(name, saga=saga, payload=lambda payload, _: payload, **options)


def nest(probe: Probe) -> tuple[Element, ...]:
    """A saga with a child and a grandchild."""
    inner = Saga("inner", payload=dict, steps=(make_step(probe, "x"), make_step(probe, "y")))
    middle = Saga("middle", payload=dict, steps=(child("d", inner),))
    return (child("c", middle), make_step(probe, "b"))


def letters(bench: Bench) -> list[str]:
    return sorted(letter.id for letter in bench.store.run(Query(DeadLetter)))


def alerts(printed: str) -> int:
    return printed.count('"alert":"saga-parked"') + printed.count('"alert": "saga-parked"')


# A pause reaches children


def test_a_pause_reaches_children_and_grandchildren_and_so_does_the_resume(
    bench: Bench, probe: Probe
) -> None:
    begin(bench, *nest(probe))
    bench.engine.apply("s", PauseRequested(**WHO))
    assert bench.run_to_end() == ["stale"]
    assert probe.calls == []
    assert all(bench.load(name)[0].paused for name in ("s", "s:c", "s:c:d"))
    bench.engine.apply("s", ResumeRequested(**WHO))
    bench.run_to_end()
    assert (bench.statuses("s")[0], probe.calls) == ("COMPLETED", ["x", "y", "b"])


def test_a_pause_whose_answer_was_lost_reaches_the_children_the_second_time(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(bench, *nest(probe))

    def die(*_: Any) -> None:
        raise Unavailable("killed")

    with monkeypatch.context() as patch:
        patch.setattr(bench.engine.children, "_apply", die)
        with pytest.raises(Unavailable, match="killed"):
            bench.engine.apply("s", PauseRequested(**WHO))
    assert not bench.load("s:c")[0].paused
    bench.engine.apply("s", PauseRequested(**WHO))
    assert bench.load("s:c:d")[0].paused


@pytest.mark.parametrize("by_page", [False, True])
def test_a_pause_with_if_match_reaches_the_children_too(
    bench: Bench, probe: Probe, by_page: bool
) -> None:
    """Its If-Match has the parent's version; the children have others."""
    before = (make_step(probe, name) for name in "pqr")
    begin(bench, *before, *nest(probe))
    for _ in range(3):
        bench.deliver()
    for request in (PauseRequested(**WHO), ResumeRequested(**WHO), PauseRequested(**WHO)):
        seen = bench.load("s")[0]
        if by_page:
            [change] = apply_to_each(bench.engine, [seen], request, dry_run=False)
            assert change.refused is None
        else:
            bench.engine.apply("s", replace(request, sequence=seen.sequence))
        wanted = isinstance(request, PauseRequested)
        assert [bench.load(n)[0].paused for n in ("s", "s:c", "s:c:d")] == [wanted] * 3


def test_an_error_of_one_child_keeps_no_sibling_from_a_pause(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = Saga("inner", payload=dict, steps=(make_step(probe, "x"),))
    group = Parallel(child("c", inner), child("d", inner))
    bench.engine = bench.make_engine(Saga("letters", payload=dict[str, int], steps=(group,)))
    bench.engine.start("letters", "s", {"n": 1})
    get = bench.engine.repository.get

    def break_one(saga_id: str) -> Loaded:
        if saga_id == "s:c":
            raise Unreadable("written by a newer revision")
        return get(saga_id)

    monkeypatch.setattr(bench.engine.repository, "get", break_one)
    with pytest.raises(Unreadable, match="newer revision"):
        bench.engine.apply("s", PauseRequested(**WHO))
    assert [bench.load(name)[0].paused for name in ("s", "s:c", "s:d")] == [True, False, True]


def test_a_cancel_also_lifts_the_pause_of_a_pivot_child(bench: Bench, probe: Probe) -> None:
    inner = Saga("inner", payload=dict, steps=(make_step(probe, "x"),))
    begin(bench, child("c", inner, pivot=True))
    bench.engine.apply("s", PauseRequested(**WHO))
    bench.engine.apply("s", CancelRequested(**WHO))
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def test_a_childs_error_names_its_parents_reason(bench: Bench, probe: Probe) -> None:
    begin(bench, *nest(probe))
    bench.engine.apply("s:c:d", CancelRequested(**WHO))
    bench.run_to_end()
    assert bench.load("s:c:d")[0].error == "the bank called"
    assert bench.load("s")[0].error == "step c: step d: the bank called"


# Parked at once


def raise_in_condition(*_: Any) -> bool:
    raise ValueError("no such field")


def test_a_saga_parked_by_its_first_commit_has_a_dead_letter_and_an_alert(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    never = make_step(probe, "p", compensate=None, pivot=True, when=lambda *_: False)
    after = make_step(probe, "z", compensate=None, when=raise_in_condition)
    begin(bench, never, after)
    assert bench.statuses("s")[0] == "FAILED"
    assert (letters(bench), alerts(capsys.readouterr().out)) == (["s"], 1)
    assert bench.store.get(key(DeadLetter, "s")).alerted


def test_a_child_parked_by_its_first_commit_has_a_dead_letter_and_an_alert(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    never = make_step(probe, "p", compensate=None, pivot=True, when=lambda *_: False)
    after = make_step(probe, "z", compensate=None, when=raise_in_condition)
    inner = Saga("inner", payload=dict, steps=(never, after))
    begin(bench, make_step(probe, "a"), child("c", inner, pivot=True))
    bench.run_to_end()
    assert bench.statuses("s:c")[0] == "FAILED"
    assert (letters(bench), alerts(capsys.readouterr().out)) == (["s:c"], 1)


# A parent that waits for its child


def test_a_child_completed_by_an_operator_during_its_rollback_notifies_its_parent(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child is parked when its parent requests its rollback, and resolved before the note."""
    probe.on["b"] = fail(Permanent("no"))
    inner = Saga("inner", payload=dict, steps=(make_step(probe, "x"),))
    begin(bench, child("c", inner), make_step(probe, "b"))
    bench.engine.apply("s:c", ParkRequested(**WHO))
    bench.engine.apply("s", CancelRequested(**WHO))
    [asked] = [each for each in bench.queue.waiting if each.saga_id == "s"]
    bench.queue.waiting.clear()
    advance = bench.engine.transitions.advance

    def resolve_first(loaded: Any, happened: Any, *rest: Any) -> Decision:
        if loaded.saga.id == "s" and monkeypatch_once.pop():
            request = ResolveRequested(**WHO, outcome=SagaStatus.COMPLETED)
            bench.engine.apply("s:c", request)
            bench.run_to_end()
        return advance(loaded, happened, *rest)

    monkeypatch_once = [False] * 3 + [True]
    monkeypatch.setattr(bench.engine.transitions, "advance", resolve_first)
    bench.deliver(asked)
    bench.run_to_end()
    assert bench.statuses("s")[0] == bench.statuses("s:c")[0] == "ROLLED_BACK"


def test_a_childs_notification_needs_the_parents_version(bench: Bench, probe: Probe) -> None:
    inner = Saga("inner", payload=dict, steps=(make_step(probe, "x"),))
    begin(bench, child("c", inner), make_step(probe, "b"))
    bench.deliver()
    parent, ended = bench.load("s")[0], bench.load("s:c")[0]
    bench.engine.apply("s", PauseRequested(**WHO))
    informed = Decision(saga=parent, ended_child=replace(ended, parent_notified=True))
    with pytest.raises(VersionMismatch, match="is not the given one"):
        bench.engine.repository.save(informed)
    assert not bench.load("s:c")[0].parent_notified


# A commit whose answer is lost


def lose_next_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit the next decision, and lose Datastore's answer."""
    repository, lost = bench.engine.repository, [False]

    def save(decision: Decision) -> SagaRecord:
        saga = SagaRepository.save(repository, decision)
        if not lost[0]:
            lost[0] = True
            raise Unavailable("the answer was lost")
        return saga

    monkeypatch.setattr(repository, "save", save)


def uncertain_pivot(bench: Bench, probe: Probe) -> None:
    probe.on["p"] = fail(Unknown("timeout"))
    pivot = make_step(probe, "p", compensate=None, pivot=True)
    begin(bench, make_step(probe, "a"), pivot, make_step(probe, "z", compensate=None))
    bench.run_to_end()
    assert bench.statuses("s")[0] == "FAILED"


RESOLVE = ResolveRequested(**WHO, outcome=SagaStatus.COMPLETED)


@pytest.mark.parametrize(
    ("request_", "after"),
    [
        (RetryRequested(**WHO), "RUNNING"),
        (SkipRequested(**WHO, step="p"), "RUNNING"),
        (VoidRequested(**WHO, step="p"), "ROLLING_BACK"),
        (RESOLVE, "COMPLETED"),
    ],
)
def test_a_verb_whose_commit_answer_is_lost_is_applied_once(
    bench: Bench,
    probe: Probe,
    monkeypatch: pytest.MonkeyPatch,
    request_: SagaRequest,
    after: str,
) -> None:
    uncertain_pivot(bench, probe)
    lose_next_answer(bench, monkeypatch)
    saga = bench.engine.apply("s", request_)
    assert saga.status == after
    assert bench.engine.apply("s", request_).sequence == saga.sequence


@pytest.mark.parametrize("request_", [PauseRequested(**WHO), ParkRequested(**WHO)])
def test_a_verb_whose_commit_answer_is_lost_is_applied_once_to_a_moving_saga(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch, request_: SagaRequest
) -> None:
    begin(bench, make_step(probe, "a"))
    lose_next_answer(bench, monkeypatch)
    saga = bench.engine.apply("s", request_)
    assert bench.engine.apply("s", request_).sequence == saga.sequence


def test_a_retry_is_not_applied_to_a_later_failure(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its read and its commit another operator retries, and the saga is parked again."""
    uncertain_pivot(bench, probe)
    repository, first = bench.engine.repository, [True]

    def save(decision: Decision) -> SagaRecord:
        if first[0]:
            first[0] = False
            bench.engine.apply("s", RetryRequested(actor="bob", reason="me first"))
            bench.run_to_end()
        return SagaRepository.save(repository, decision)

    monkeypatch.setattr(repository, "save", save)
    with pytest.raises(Conflict, match="no longer in the failure you saw"):
        bench.engine.apply("s", RetryRequested(**WHO))
    assert bench.statuses("s")[0] == "FAILED"


# Signals


def test_a_signal_received_while_stranded_is_used_after_the_retry(
    bench: Bench, probe: Probe
) -> None:
    begin(bench, Signal("go"), make_step(probe, "b"))
    engine = bench.engine
    bench.engine.apply("s", ParkRequested(**WHO))
    engine.signal("s", "go", 7, actor="ann")
    engine.apply("s", RetryRequested(**WHO))
    bench.run_to_end()
    assert (bench.statuses("s")[0], probe.calls) == ("COMPLETED", ["b"])


def test_some_verbs_need_no_definition(bench: Bench, probe: Probe) -> None:
    begin(bench, Signal("go"), make_step(probe, "b"))
    bench.engine = bench.make_engine()
    for request in (PauseRequested(**WHO), ResumeRequested(**WHO), ParkRequested(**WHO), RESOLVE):
        bench.engine.apply("s", request)
    assert bench.statuses("s")[0] == "COMPLETED"
