"""The daily look at waiting sagas, on a real Datastore: its costs, and what it repairs."""

from dataclasses import replace
from typing import Any

from lib.datastore import Query, key
from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.engine.sweep.daily_look import look
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.inputs import ParkRequested, PauseRequested
from lib.saga.state.cost import Cost
from lib.saga.state.records import DeadLetter, SagaRecord
from tests.saga.bench import Bench, Probe, make_step

WHO: dict[str, Any] = {"actor": "ops@example.com", "reason": "a look at it"}


def begin(bench: Bench, *steps: Element) -> None:
    bench.engine = bench.make_engine(Saga("letters", payload=dict[str, int], steps=steps))
    bench.engine.start("letters", "s", {"n": 1})


def look_at(bench: Bench, saga_id: str = "s") -> bool:
    saga = bench.load(saga_id)[0]
    bench.rpc.calls.clear()
    return look(bench.engine, saga, bench.now())


def due_of(bench: Bench) -> str:
    due = bench.load("s")[0].due
    assert due is not None
    return due.rpartition("|")[2][:10]


def test_a_look_costs_a_lookup_and_a_commit_and_is_due_again_in_a_day(
    bench: Bench,
) -> None:
    begin(bench, Signal("go"))
    assert due_of(bench) == "2026-01-02"
    before = bench.load("s")[0]
    bench.pass_time(days=1)
    assert not look_at(bench)
    assert dict(bench.rpc.calls) == {"Lookup": 1, "Commit": 1}
    assert due_of(bench) == "2026-01-03"
    after = bench.load("s")[0]
    assert after.cost == before.cost + Cost(commits=1, writes=1, lookups=1, reads=1)
    assert replace(after, due=before.due, cost=before.cost, version=before.version) == before


def test_an_outdated_look_changes_nothing(bench: Bench, probe: Probe) -> None:
    begin(bench, Signal("go"), make_step(probe, "b"))
    seen = bench.load("s")[0]
    bench.engine.signal("s", "go", 1, actor="ann")
    before = bench.load("s")
    assert not look(bench.engine, seen, bench.now())
    assert bench.load("s") == before


def test_a_look_at_a_paused_or_parked_saga_changes_nothing(bench: Bench, probe: Probe) -> None:
    begin(bench, make_step(probe, "a"))
    for request in (PauseRequested(**WHO), ParkRequested(**WHO)):
        saga = bench.engine.apply("s", request)
        bench.pass_time(days=1)
        assert not look_at(bench)
        assert bench.load("s")[0].sequence == saga.sequence


def change_step(bench: Bench, **changes: Any) -> None:
    """Change the saga's first step so that it waits for nothing, which no commit does."""
    saga = bench.store.get(key(SagaRecord, "s"))
    step, *others = saga.steps
    bench.store.update(replace(saga, steps=[replace(step, **changes), *others]))


def test_the_look_parks_a_saga_that_waits_for_nothing(bench: Bench, probe: Probe) -> None:
    begin(bench, make_step(probe, "a"))
    change_step(bench, awaits=None)
    assert look_at(bench)
    assert bench.statuses("s")[0] == "FAILED"
    [letter] = bench.store.run(Query(DeadLetter))
    assert (letter.reason, letter.alerted) == ("nothing_awaited", True)


def family(bench: Bench, probe: Probe) -> None:
    inner = Saga("inner", payload=dict, steps=(make_step(probe, "x"),))
    part = Child[Any, Any]("c", saga=inner, payload=lambda payload, _: payload)
    begin(bench, part, make_step(probe, "b"))


def test_the_look_records_a_childs_end_that_the_parent_missed(bench: Bench, probe: Probe) -> None:
    family(bench, probe)
    bench.deliver()
    bench.queue.lose_all()
    ended = bench.load("s:c")[0]
    bench.store.update(replace(ended, parent_notified=True, due=None))
    assert look_at(bench)
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def test_the_look_parks_a_parent_whose_child_is_gone(bench: Bench, probe: Probe) -> None:
    family(bench, probe)
    bench.store.delete(key(SagaRecord, "s:c"))
    assert look_at(bench)
    assert bench.load("s")[0].parked_because == "child_missing: s:c"


def test_the_look_rewrites_a_missing_dead_letter(bench: Bench, probe: Probe) -> None:
    begin(bench, make_step(probe, "a"))
    bench.engine.apply("s", ParkRequested(**WHO))
    bench.store.delete(key(DeadLetter, "s"))
    assert look_at(bench)
    assert bench.store.get(key(DeadLetter, "s")).alerted


def test_the_look_parks_a_waiting_saga_without_its_definition(
    bench: Bench,
) -> None:
    begin(bench, Signal("go"))
    bench.engine = bench.make_engine()
    assert look_at(bench)
    assert bench.load("s")[0].parked_because == "definition_undeclared: letters version 1"


def test_a_waiting_saga_gets_one_look_a_day_and_is_never_overdue(
    bench: Bench, probe: Probe
) -> None:
    begin(bench, Signal("go"), make_step(probe, "b"))
    dues = set()
    for _ in range(20):
        bench.pass_time(hours=24)
        assert bench.engine.repository.count_overdue(bench.now()) == 0
        bench.rpc.calls.clear()
        swept = sweep(bench.engine, bench.now)
        assert (swept.found, swept.helped, bench.rpc.calls["Commit"]) == (0, 0, 1)
        dues.add(due_of(bench))
    assert len(dues) == 20
    bench.engine.signal("s", "go", 1, actor="ann")
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def test_a_sweep_between_two_looks_reads_no_waiting_saga(bench: Bench) -> None:
    begin(bench, Signal("go"))
    bench.pass_time(hours=23)
    bench.rpc.calls.clear()
    sweep(bench.engine, bench.now)
    assert bench.rpc.calls["Commit"] == 0


def test_the_sweep_parks_a_saga_that_waits_for_nothing(bench: Bench, probe: Probe) -> None:
    begin(bench, Signal("go"), make_step(probe, "b"))
    change_step(bench, signal="1")
    bench.pass_time(days=1, minutes=1)
    assert sweep(bench.engine, bench.now).helped == 1
    assert bench.statuses("s")[0] == "FAILED"
