"""The sweep: missed alerts, expired sagas, and two concurrent sweeps."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lib.datastore import Query, key, shard_of
from lib.errors import Conflict, NotFound, VersionMismatch
from lib.saga.barrier import Effect, apply_once
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.engine import alerts, repository
from lib.saga.engine.retention import Retention
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.inputs import RetryRequested, SkipRequested
from lib.saga.state.records import DeadLetter, EventPage, SagaRecord, ValueRecord, purge_mark
from tests.saga.bench import NAMES, Bench, Probe, make_saga, make_step, start

KEEP = timedelta(days=30)
WHO: dict[str, Any] = {"actor": "ops@example.com", "reason": "repaired"}


def refuse(_: Any) -> None:
    raise Permanent("no")


def park(bench: Bench, probe: Probe) -> None:
    probe.on["b"] = refuse
    probe.on["undo a"] = refuse
    start(bench)
    bench.run_to_end()
    assert bench.statuses("s")[0] == "FAILED"


def count_alerts(capsys: pytest.CaptureFixture[str]) -> int:
    return capsys.readouterr().out.count('"alert":"saga-parked"')


def test_a_parked_saga_is_alerted_once_and_the_sweep_does_not_repeat_it(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    park(bench, probe)
    assert sweep(bench.engine, bench.now).alerted == 0
    assert count_alerts(capsys) == 1
    assert bench.store.get(key(DeadLetter, "s")).alerted


def test_an_alert_that_a_killed_process_left_unlogged_is_logged_by_the_sweep(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(bench.engine.transitions, "announce", lambda _: None)
        park(bench, probe)
    assert count_alerts(capsys) == 0
    assert sweep(bench.engine, bench.now).alerted == 1
    assert sweep(bench.engine, bench.now).alerted == 0
    assert count_alerts(capsys) == 1


@pytest.mark.parametrize("problem", [NotFound("dealt with"), VersionMismatch("noted")])
def test_a_letter_handled_during_the_sweeps_alert_is_no_error(
    bench: Bench,
    probe: Probe,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    problem: Exception,
) -> None:
    park(bench, probe)
    letter = bench.store.get(key(DeadLetter, "s"))
    bench.store.update(replace(letter, alerted=False))
    capsys.readouterr()

    def dealt_with(_: DeadLetter) -> None:
        raise problem

    monkeypatch.setattr(bench.engine.repository, "note_alert", dealt_with)
    assert sweep(bench.engine, bench.now).alerted == 0
    [error] = [line for line in capsys.readouterr().out.splitlines() if '"ERROR"' in line]
    assert '"saga-parked"' in error


def test_a_saga_parked_twice_is_alerted_with_two_insert_ids(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    park(bench, probe)
    bench.engine.apply("s", RetryRequested(**WHO))
    assert bench.store.count(Query(DeadLetter)) == 0
    bench.run_to_end()
    lines = [line for line in capsys.readouterr().out.splitlines() if "saga-parked" in line]
    assert len({line.partition("insertId")[2][:20] for line in lines}) == 2


def test_a_finished_saga_expires_and_is_purged_with_all_that_belongs_to_it(
    bench: Bench, probe: Probe
) -> None:
    probe.on["a"] = lambda call: apply_once(call, lambda _: "a")
    bench.engine = bench.make_engine(make_saga(probe), retention=Retention(keep=KEEP))
    start(bench)
    bench.run_to_end()
    assert bench.load("s")[0].due == purge_mark(shard_of("s"), bench.time + KEEP)
    bench.pass_time(days=29)
    assert sweep(bench.engine, bench.now).purged == 0
    bench.pass_time(days=2)
    swept = sweep(bench.engine, bench.now)
    assert (swept.purged, swept.found) == (1, 0)
    for kind in (SagaRecord, EventPage, ValueRecord, Effect):
        assert bench.store.count(Query(kind)) == 0


def test_the_sweep_purges_more_than_one_batch_if_it_has_time(bench: Bench) -> None:
    for number in range(5):
        start(bench, f"s{number}")
    bench.run_to_end()
    bench.pass_time(days=91)
    assert sweep(bench.engine, bench.now, limit=2).purged == 5


def test_a_saga_id_reused_after_the_purge_has_its_effects_again(bench: Bench, probe: Probe) -> None:
    done: list[str] = []
    probe.on["a"] = lambda call: apply_once(call, lambda _: done.append(call.saga_id))
    for _ in range(2):
        start(bench)
        bench.run_to_end()
        bench.pass_time(days=91)
        assert sweep(bench.engine, bench.now).purged == 1
        bench.queue.named.clear()  # Cloud Tasks forgets the names after a day
    assert done == ["s", "s"]


def test_two_concurrent_sweeps_deliver_each_saga_once(bench: Bench) -> None:
    for number in range(8):
        start(bench, f"s{number}")
    bench.queue.lose_all()
    bench.pass_time(seconds=12)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(sweep, bench.engine, bench.now) for _ in range(2)]
    assert sum(each.result().delivered for each in both) >= 8
    assert len(bench.queue.waiting) == 8


def test_an_unfinished_saga_never_expires(bench: Bench, probe: Probe) -> None:
    park(bench, probe)
    bench.pass_time(days=4000)
    assert sweep(bench.engine, bench.now).purged == 0
    assert "purge" not in (bench.load("s")[0].due or "")


def test_a_child_saga_is_kept_while_its_parent_may_still_roll_it_back(
    bench: Bench, probe: Probe
) -> None:
    child = Saga("child", payload=dict, steps=(make_step(probe, "x"),))
    parts = (Child("c", saga=child, payload=lambda p, _: p), Signal("go"))
    parent = Saga("letters", payload=dict, steps=parts)
    bench.engine = bench.make_engine(parent, retention=Retention(keep=KEEP))
    start(bench)
    bench.run_to_end()
    bench.pass_time(days=31)
    assert sweep(bench.engine, bench.now).purged == 0
    bench.engine.signal("s", "go", None, actor="ann")
    bench.pass_time(days=31)
    assert sweep(bench.engine, bench.now).purged == 2
    assert bench.store.count(Query(SagaRecord)) == 0


def test_a_parent_without_its_definition_is_notified_after_its_retry(
    bench: Bench, probe: Probe
) -> None:
    child = Saga("child", payload=dict, steps=(make_step(probe, "x"),))
    step = Child("c", saga=child, payload=lambda p, _: p)
    parent = Saga("letters", payload=dict, steps=(step, make_step(probe, "b")))
    bench.engine = bench.make_engine(parent)
    start(bench)
    bench.engine = bench.make_engine(child)
    assert bench.run_to_end() == ["done", "parked"]
    assert bench.statuses("s")[0] == "FAILED"
    bench.engine = bench.make_engine(parent)
    bench.engine.apply("s", RetryRequested(**WHO))
    assert bench.run_to_end() == ["notified", "done"]
    assert bench.statuses("s")[0] == "COMPLETED"


def test_a_lost_notification_is_repeated_without_the_childs_definition(
    bench: Bench, probe: Probe
) -> None:
    child = Saga("child", payload=dict, steps=(make_step(probe, "x"),))
    newer = replace(child, version=2)
    b = make_step(probe, "b")
    for version in (child, newer):
        step = Child("c", saga=version, payload=lambda p, _: p)
        bench.engine = bench.make_engine(Saga("letters", payload=dict, steps=(step, b)))
        if version is child:
            start(bench)
            bench.deliver()
            bench.queue.lose_all()
    bench.pass_time(minutes=1)
    assert sweep(bench.engine, bench.now).delivered == 1
    assert bench.run_to_end() == ["notified", "done"]
    assert bench.statuses("s")[0] == "COMPLETED"


def test_a_saga_with_more_records_than_one_commit_takes_is_purged(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MAX_PURGED", 2)
    for name in NAMES:
        probe.on[name] = lambda call: apply_once(call, lambda _: call.step)
    start(bench)
    bench.run_to_end()
    bench.pass_time(days=91)
    assert sweep(bench.engine, bench.now).purged == 1
    for kind in (SagaRecord, Effect):
        assert bench.store.count(Query(kind)) == 0


def test_a_signal_for_a_saga_without_its_definition_says_so(bench: Bench) -> None:
    start(bench)
    bench.engine = bench.make_engine()
    with pytest.raises(Conflict, match="no longer declared"):
        bench.engine.signal("s", "go", None, actor="ann")


def test_the_alert_of_a_saga_handled_meanwhile_is_no_error(bench: Bench, probe: Probe) -> None:
    park(bench, probe)
    letter = bench.store.get(key(DeadLetter, "s"))
    bench.engine.apply("s", SkipRequested(**WHO, step="a"))
    with pytest.raises(NotFound, match="does not exist"):
        bench.engine.transitions.announce(letter)


def test_an_alert_that_could_not_be_logged_is_logged_by_the_next_sweep(
    bench: Bench,
    probe: Probe,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as full:
        full.setattr(alerts, "log", lambda *_, **__: False)
        park(bench, probe)
    assert not bench.store.get(key(DeadLetter, "s")).alerted
    assert sweep(bench.engine, bench.now).alerted == 1
    assert count_alerts(capsys) == 1
    assert bench.store.get(key(DeadLetter, "s")).alerted
