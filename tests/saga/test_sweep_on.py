"""The sweep continues: after a batch, after failures, and after unreadable sagas."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from lib.datastore import Id, Indexed, entity, key, time_mark, update
from lib.errors import Invalid, NotBegun, Unavailable, Unreadable
from lib.saga.barrier import Effect, apply_once
from lib.saga.definition.child import Child
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.retention import Retention
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.inputs import PauseRequested, RetryRequested
from lib.saga.operators import view
from lib.saga.operators.bulk import apply_to_each
from lib.saga.operators.compatibility import count_unknown_status
from lib.saga.operators.dashboard import monitor
from lib.saga.state.records import DeadLetter, SagaRecord
from tests.saga.bench import Bench, Probe, make_step, start
from tests.saga.test_sweeping import park

AGAIN = RetryRequested(actor="ops@example.com", reason="repaired")


@entity(kind="Saga")
@dataclass(slots=True, kw_only=True)
class NewerSaga:
    """A saga's record with a status that only a newer revision knows."""

    id: Id[str]
    status: Indexed[str] = "SUSPENDED"


@dataclass(slots=True, kw_only=True)
class NewerStep:
    """A step that awaits a phase that only a newer revision knows."""

    awaits: str = "audit"


@entity(kind="Saga")
@dataclass(slots=True, kw_only=True)
class SagaOfNewerSteps:
    """A saga with a step of a newer revision."""

    id: Id[str]
    steps: list[NewerStep]


@entity(kind="DeadLetter")
@dataclass(slots=True, kw_only=True)
class NewerLetter:
    """A dead letter with a reason that is not text."""

    id: Id[str]
    reason: int = 5


def lose(bench: Bench, *ids: str) -> None:
    """Start sagas, in order, whose first delivery the queue loses."""
    for each in ids:
        start(bench, each)
        bench.pass_time(seconds=0.001)
    bench.queue.lose_all()
    bench.pass_time(seconds=12)


def make_unreadable(bench: Bench, record: Any, field: str) -> None:
    bench.store.apply(update(record, mask=[field]))


def make_readable(bench: Bench, saga_id: str) -> None:
    make_unreadable(bench, NewerSaga(id=saga_id, status="PENDING"), "status")


# How many


@pytest.mark.parametrize("threads", [1, 6])
def test_450_lost_sagas_are_all_delivered_by_one_sweep(bench: Bench, threads: int) -> None:
    lose(bench, *(f"s{number}" for number in range(450)))
    swept = sweep(bench.engine, bench.now, threads=threads)
    assert (swept.found, swept.delivered, swept.remaining) == (450, 450, 0)
    assert {each.saga_id for each in bench.queue.waiting} == {f"s{n}" for n in range(450)}


def test_a_sweep_that_runs_out_of_time_counts_the_rest(bench: Bench) -> None:
    lose(bench, *(f"s{number}" for number in range(9)))

    def tick() -> datetime:
        bench.pass_time(seconds=1)
        return bench.time

    swept = sweep(bench.engine, tick, budget=timedelta(seconds=7))
    assert swept.remaining is not None
    assert 0 < swept.delivered < 9
    assert (swept.found, swept.remaining) == (9, 9 - swept.delivered)
    assert swept.per_second > 0


def test_a_sweep_counts_the_rest_beyond_its_limit(bench: Bench) -> None:
    lose(bench, *(f"s{number}" for number in range(6)))
    swept = sweep(bench.engine, bench.now, limit=4)
    assert (swept.found, swept.delivered, swept.remaining) == (6, 4, 2)
    assert sweep(bench.engine, bench.now, limit=2).remaining == 0


# What fails


def break_saga(bench: Bench, problem: Exception, broken: str) -> Callable[[SagaRecord], bool]:
    """Return a redeliver function that fails for one saga."""
    redeliver = Engine.redeliver

    def fail_for_one(saga: SagaRecord) -> bool:
        if saga.id == broken:
            raise problem
        return redeliver(bench.engine, saga)

    return fail_for_one


@pytest.mark.parametrize("problem", [Invalid("refused"), ValueError("a bug"), RuntimeError()])
def test_a_failing_saga_blocks_no_other_and_is_postponed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    lose(bench, "bad", "s1", "s2")
    monkeypatch.setattr(bench.engine, "redeliver", break_saga(bench, problem, "bad"))
    swept = sweep(bench.engine, bench.now)
    assert (swept.found, swept.delivered, swept.remaining) == (3, 2, 1)
    bench.queue.lose_all()
    bench.pass_time(minutes=1)
    monkeypatch.undo()
    assert sweep(bench.engine, bench.now, limit=1).delivered == 1
    assert bench.queue.waiting[0].saga_id != "bad"
    bench.pass_time(minutes=5)
    sweep(bench.engine, bench.now)
    assert "bad" in {each.saga_id for each in bench.queue.waiting}


def test_a_saga_left_by_a_transient_error_is_first_in_the_next_sweep(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(bench, "s0", "s1")
    with monkeypatch.context() as away:
        away.setattr(bench.engine, "redeliver", break_saga(bench, Unavailable("away"), "s0"))
        swept = sweep(bench.engine, bench.now)
    assert (swept.found, swept.delivered, swept.remaining) == (2, 1, 1)
    assert sweep(bench.engine, bench.now).delivered == 1


# What cannot be read


def test_a_saga_of_a_newer_revision_breaks_no_sweep_and_no_list(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    lose(bench, "alien", "s1", "s2")
    make_unreadable(bench, NewerSaga(id="alien"), "status")
    swept = sweep(bench.engine, bench.now)
    assert (swept.found, swept.delivered, swept.remaining, swept.unreadable) == (3, 2, 1, 1)
    assert '"alert":"unreadable-entity"' in capsys.readouterr().out
    page = view.page_of_sagas(bench.engine.repository, None, None, 50, None)
    assert [item["id"] for item in page["items"]] == ["s2", "s1"]
    assert [each.key for each in page["unreadable"]] == ["Saga('alien')"]
    assert monitor(bench.engine.repository, bench.now())["by_status"]["PENDING"] == 2
    assert view.count_sagas(bench.engine.repository, None)["PENDING"] == 2
    with pytest.raises(Unreadable, match=r"Saga\('alien'\): status must be a SagaStatus"):
        bench.engine.repository.find("alien")


def test_a_check_counts_sagas_that_only_a_newer_revision_can_read(bench: Bench) -> None:
    for each in ("alien", "s1"):
        start(bench, each)
    assert count_unknown_status(bench.store) == 0
    make_unreadable(bench, NewerSaga(id="alien"), "status")
    assert count_unknown_status(bench.store) == 1


def test_the_sweep_delivers_a_saga_as_soon_as_it_can_be_read_again(bench: Bench) -> None:
    lose(bench, "alien")
    make_unreadable(bench, NewerSaga(id="alien"), "status")
    assert sweep(bench.engine, bench.now).delivered == 0
    make_readable(bench, "alien")
    assert sweep(bench.engine, bench.now).delivered == 1
    bench.run_to_end()
    assert bench.statuses("alien")[0] == "COMPLETED"


def test_a_saga_with_an_unreadable_step_breaks_no_sweep(bench: Bench) -> None:
    lose(bench, "alien", "s1")
    make_unreadable(bench, SagaOfNewerSteps(id="alien", steps=[NewerStep()]), "steps")
    swept = sweep(bench.engine, bench.now)
    assert (swept.found, swept.delivered, swept.remaining, swept.unreadable) == (2, 1, 1, 1)


def test_an_unreadable_dead_letter_keeps_no_other_from_its_alert(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(bench.engine.transitions, "announce", lambda _: None)
        park(bench, probe)
    bench.store.insert(DeadLetter(id="alien", name="letters", step="a", reason="r", sequence=1,
                                  created_at=bench.now(),
                                  created_mark=time_mark("alien", bench.now())))  # fmt: skip
    make_unreadable(bench, NewerLetter(id="alien"), "reason")
    swept = sweep(bench.engine, bench.now)
    assert (swept.alerted, swept.parked, swept.unreadable) == (1, 2, 1)
    assert capsys.readouterr().out.count('"alert":"saga-parked"') == 1
    page = view.page_of_letters(bench.engine.repository, None, 50, None)
    assert ([each["saga"] for each in page["items"]], len(page["unreadable"])) == (["s"], 1)


def test_an_unreadable_expired_saga_keeps_no_other_from_being_purged(
    bench: Bench,
) -> None:
    for each in ("alien", "s1", "s2"):
        start(bench, each)
    bench.run_to_end()
    make_unreadable(bench, NewerSaga(id="alien"), "status")
    bench.pass_time(days=91)
    swept = sweep(bench.engine, bench.now)
    assert (swept.purged, swept.unreadable) == (2, 1)


def test_a_delivery_of_an_unreadable_saga_is_left_to_the_sweep(bench: Bench, probe: Probe) -> None:
    start(bench)
    make_unreadable(bench, NewerSaga(id="s"), "status")
    assert bench.deliver() == "unreadable"
    assert (probe.calls, bench.queue.waiting) == ([], [])
    make_readable(bench, "s")
    bench.pass_time(seconds=12)
    assert sweep(bench.engine, bench.now).delivered == 1
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def test_a_delivery_that_may_have_run_is_left_to_the_queue(bench: Bench) -> None:
    start(bench)
    make_unreadable(bench, NewerSaga(id="s"), "status")
    with pytest.raises(NotBegun, match="status must be a SagaStatus"):
        bench.deliver(lost=1)


def make_family(probe: Probe) -> Saga:
    """Return a saga with a child and a grandchild, which then waits for a signal."""
    grandchild = Saga("grandchild", payload=dict, steps=(make_step(probe, "x"),))
    below = Child("g", saga=grandchild, payload=lambda p, _: p)
    child = Saga("child", payload=dict, steps=(below,))
    parts = (Child("c", saga=child, payload=lambda p, _: p), Signal("go"))
    return Saga("letters", payload=dict, steps=parts)


def test_an_unreadable_parent_is_notified_once_it_can_be_read(bench: Bench, probe: Probe) -> None:
    bench.engine = bench.make_engine(make_family(probe))
    start(bench)
    while bench.queue.waiting[0].phase != "child":
        bench.deliver()
    make_unreadable(bench, NewerSaga(id="s:c"), "status")
    assert bench.run_to_end() == ["unreadable"]
    make_unreadable(bench, NewerSaga(id="s:c", status="RUNNING"), "status")
    bench.pass_time(minutes=1)
    sweep(bench.engine, bench.now)
    assert bench.run_to_end()[-1] == "notified"
    assert bench.statuses("s")[1] == "COMPLETED"


def test_a_bulk_verb_continues_after_a_saga_that_fails(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("bad", "s1"):
        start(bench, each)
    preview = bench.engine.preview

    def break_one(saga_id: str, request: Any) -> Any:
        if saga_id == "bad":
            raise ValueError("no JSON")
        return preview(saga_id, request)

    monkeypatch.setattr(bench.engine, "preview", break_one)
    sagas = [bench.load(each)[0] for each in ("bad", "s1")]
    request = PauseRequested(actor="ops", reason="x")
    bad, good = apply_to_each(bench.engine, sagas, request, dry_run=False)
    assert bad.refused == "an unexpected error occurred; it was logged"
    assert (good.refused, bench.load("s1")[0].paused) == (None, True)


# What may be purged


def test_a_grandchild_is_kept_with_its_effects_while_the_root_waits(
    bench: Bench, probe: Probe
) -> None:
    probe.on["x"] = lambda call: apply_once(call, lambda _: "x")
    keep = Retention(keep=timedelta(days=30))
    bench.engine = bench.make_engine(make_family(probe), retention=keep)
    start(bench)
    bench.run_to_end()
    for _ in range(3):
        bench.pass_time(days=31)
        assert sweep(bench.engine, bench.now).purged == 0
    assert bench.store.find(key(Effect, "s:c:g/x")) is not None
    bench.cancel("s")
    bench.run_to_end()
    assert bench.statuses("s")[0] == "ROLLED_BACK"
    assert probe.calls == ["x", "undo x"]
    bench.pass_time(days=32)
    assert sweep(bench.engine, bench.now).purged == 3
    assert bench.store.find(key(Effect, "s:c:g/x")) is None


def test_a_purge_reads_each_ancestor_once(bench: Bench, probe: Probe) -> None:
    bench.engine = bench.make_engine(make_family(probe))
    for number in range(5):
        start(bench, f"s{number}")
    bench.run_to_end()
    bench.pass_time(days=91)
    bench.rpc.calls.clear()
    assert sweep(bench.engine, bench.now).purged == 0
    # Five families of three sagas: each root and child is looked up once, and the root once more
    # for its daily look.
    assert bench.rpc.calls["Lookup"] == 15


# Alerts


def test_a_late_mark_of_the_first_alert_does_not_mark_the_second_letter(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    park(bench, probe)
    first = bench.store.get(key(DeadLetter, "s"))
    with monkeypatch.context() as killed:
        killed.setattr(bench.engine.transitions, "announce", lambda _: None)
        bench.engine.apply("s", AGAIN)
        bench.run_to_end()
    second = bench.store.get(key(DeadLetter, "s"))
    assert second.sequence > first.sequence
    SagaRepository(bench.store).note_alert(first)
    assert not bench.store.get(key(DeadLetter, "s")).alerted
    capsys.readouterr()
    assert sweep(bench.engine, bench.now).alerted == 1
    assert f'"s-{second.sequence}"' in capsys.readouterr().out


def test_each_sweep_logs_how_many_sagas_are_parked(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(bench.engine, bench.now)
    assert '"metric":"dead-letters","count":0' in capsys.readouterr().out
    park(bench, probe)
    capsys.readouterr()
    assert sweep(bench.engine, bench.now).parked == 1
    assert '"metric":"dead-letters","count":1' in capsys.readouterr().out
