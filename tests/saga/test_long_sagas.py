"""Sagas with more steps than one record has room for: up to 300."""

from typing import Any

import pytest

from lib.datastore import Query, delete, key
from lib.errors import Contention, NotFound
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Chaining, Saga
from lib.saga.definition.saga_checks.sizes import MAX_STEPS
from lib.saga.definition.steps import Parallel, Signal
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.operators import view
from lib.saga.state import layout, step_pages
from lib.saga.state.layout import pack
from lib.saga.state.limits import MAX_RECORD
from lib.saga.state.records import SagaRecord, StepPage, ValueRecord
from lib.saga.testing import explore
from tests.saga.bench import Bench, Probe, make_step, start
from tests.unit.explore.answers import NO
from tests.unit.explore.seats import add_seats, seat, seats_fit
from tests.unit.saga.state.test_layout import size_of

NAMES = [f"s{n}" for n in range(MAX_STEPS)]

#: More than a record has room for.
MANY = NAMES[:100]

#: The step pages of a saga of 300 steps: two more than it has hundreds, around the present step.
MOST_PAGES = 5


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave room in a record only for open steps, so that each commit moves steps."""
    monkeypatch.setattr(layout, "MAX_STEPS_SIZE", 1)
    monkeypatch.setattr(step_pages, "MAX_PAGE_STEPS", 2)


def begin(bench: Bench, *steps: Any) -> None:
    bench.engine = bench.make_engine(Saga("letters", payload=dict, steps=steps))
    start(bench)


def steps_of(probe: Probe, names: list[str] = NAMES) -> list[Any]:
    return [make_step(probe, name) for name in names]


def record_of(bench: Bench) -> SagaRecord:
    return bench.store.get(key(SagaRecord, "s"))


def test_300_steps_run_in_order_and_are_shown(bench: Bench, probe: Probe) -> None:
    begin(bench, *steps_of(probe))
    largest = 0
    while bench.queue.waiting:
        bench.rpc.calls.clear()
        bench.rpc.entities.clear()
        assert bench.deliver() == "done"
        assert bench.rpc.calls == {"Lookup": 2, "Commit": 1}
        assert bench.rpc.entities["Lookup"] <= 1 + MOST_PAGES
        largest = max(largest, bench.rpc.entities["Commit"])
    assert largest <= 8  # the record, a page of events, and pages of steps
    assert probe.calls == NAMES
    shown = bench.show()
    assert shown["status"] == "COMPLETED"
    assert [step["name"] for step in shown["steps"]] == NAMES
    assert {bytes(step["output"]) for step in shown["steps"]} == {f'"{n}"'.encode() for n in NAMES}
    # Most commits write only the record.
    assert shown["cost"]["writes"] < 1.5 * MAX_STEPS


def test_many_steps_are_compensated_in_reverse_order(bench: Bench, probe: Probe) -> None:
    def refuse(_: Any) -> None:
        raise Permanent("no")

    probe.on[MANY[-1]] = refuse
    begin(bench, *steps_of(probe, MANY))
    bench.run_to_end(limit=2 * len(MANY))
    assert bench.statuses("s")[0] == "ROLLED_BACK"
    undone = [call.removeprefix("undo ") for call in probe.calls[len(MANY) :]]
    assert undone == MANY[-2::-1]


def test_a_long_sagas_record_is_light_and_its_purge_leaves_nothing(
    bench: Bench, probe: Probe
) -> None:
    for name in MANY:
        probe.on[name] = lambda call: call.step * 1000
    begin(bench, *steps_of(probe, MANY))
    sizes = []
    while bench.queue.waiting:
        bench.deliver()
        if len(probe.calls) % 20 == 0:
            sizes.append(size_of(record_of(bench)))
    assert max(sizes) <= MAX_RECORD
    [listed] = view.page_of_sagas(bench.engine.repository, None, None, 50, None)["items"]
    assert (listed["id"], listed["total_steps"]) == ("s", len(MANY))
    bench.pass_time(days=91)
    assert sweep(bench.engine, bench.now).purged == 1
    for kind in (SagaRecord, StepPage, ValueRecord):
        assert bench.store.count(Query(kind)) == 0


def test_a_saga_that_fits_into_its_record_has_no_pages(bench: Bench, probe: Probe) -> None:
    begin(bench, *steps_of(probe, NAMES[:75]))
    bench.rpc.entities.clear()
    results = bench.run_to_end()
    assert bench.rpc.entities["Lookup"] == len(results) == 75
    assert bench.store.count(Query(StepPage)) == 0


def test_the_sweep_and_a_cancel_handle_a_long_saga(bench: Bench, probe: Probe) -> None:
    begin(bench, *steps_of(probe, MANY))
    for _ in range(60):
        bench.deliver()
    bench.queue.lose_all()
    bench.pass_time(minutes=2)
    assert sweep(bench.engine, bench.now).delivered == 1
    bench.cancel("s")
    bench.run_to_end()
    assert bench.statuses("s")[0] == "ROLLED_BACK"
    assert len([call for call in probe.calls if call.startswith("undo")]) == 61


def test_a_record_that_changes_before_its_pages_are_read_is_read_again(
    bench: Bench, probe: Probe, crowded: None
) -> None:
    begin(bench, *steps_of(probe, NAMES[:9]))
    bench.deliver()
    old = record_of(bench)
    bench.run_to_end()
    saga, steps = bench.engine.repository.load_steps(old)
    assert (saga.status, len(steps)) == ("COMPLETED", 9)
    assert {str(step.status) for step in steps} == {"COMPLETED"}


def test_a_missing_page_of_steps_causes_no_endless_loop(
    bench: Bench, probe: Probe, crowded: None
) -> None:
    begin(bench, *steps_of(probe, NAMES[:9]))
    record = record_of(bench)
    bench.store.apply(delete(key(StepPage, "s", record.step_pages[0])))
    with pytest.raises(Contention, match="its steps change all the time"):
        bench.engine.repository.get("s")
    bench.store.delete(key(SagaRecord, "s"))
    with pytest.raises(NotFound, match="saga 's' is gone"):
        bench.engine.repository.load_steps(record)


def test_a_write_without_steps_keeps_them(bench: Bench, probe: Probe, crowded: None) -> None:
    begin(bench, *steps_of(probe, NAMES[:9]))
    before = bench.load("s")[1]
    bench.engine.repository.postpone(record_of(bench), None)
    assert bench.load("s")[1] == before
    assert pack(record_of(bench)).saga.step_pages == record_of(bench).step_pages


def test_groups_children_and_signals_run_with_their_steps_in_pages(
    bench: Bench, probe: Probe, crowded: None
) -> None:
    inner = Saga("inner", payload=dict, steps=tuple(steps_of(probe, ["i", "j", "k"])))
    begin(
        bench,
        make_step(probe, "a"),
        Parallel(make_step(probe, "b"), Child("c", saga=inner, payload=lambda p, _: p)),
        Signal("go", payload=str),
        make_step(probe, "d"),
    )
    bench.engine.signal("s", "go", "now", actor="ann")  # before its step is open
    bench.run_to_end()
    assert bench.statuses("s") == ["COMPLETED"] * 6
    assert bench.load("s")[1][3].output == '"now"'


def test_every_fault_at_every_point_of_a_saga_whose_steps_are_in_pages(crowded: None) -> None:
    steps = (seat("a"), seat("b", {"b": NO}))
    saga = Saga("seats", payload=dict, steps=steps)
    explore(saga, {}, seats_fit(0), prepare=add_seats, may_park=False, operators=False)


def test_a_long_saga_runs_inline_with_its_steps_in_pages(
    bench: Bench, probe: Probe, crowded: None
) -> None:
    for name in NAMES[:9]:
        probe.on[name] = lambda call: call.step * 2000
    steps = tuple(steps_of(probe, NAMES[:9]))
    saga = Saga("letters", payload=dict, steps=steps, chaining=Chaining.INLINE)
    bench.engine = bench.make_engine(saga)
    start(bench)
    assert probe.calls == NAMES[:9]
    assert bench.rpc.calls == {"Commit": 10}
    assert [step.output for step in bench.load("s")[1]] == [f'"{n * 2000}"' for n in NAMES[:9]]
