"""Groups, waits and child sagas on a real Datastore: their costs and outputs."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from msgspec import Struct

from lib.errors import Conflict, Invalid, NotFound, TooLarge
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import MAX_GROUP, Parallel, Signal, Timer
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.state.limits import MAX_OUTPUT
from tests.saga.bench import Bench, Probe, make_step


class Approval(Struct, forbid_unknown_fields=True):
    """The payload of the signal."""

    by: str


def shape(*steps: Element | Parallel, **options: Any) -> Saga:
    return Saga("letters", payload=dict[str, int], steps=steps, **options)


def begin(bench: Bench, saga: Saga) -> None:
    bench.engine = bench.make_engine(saga)
    bench.engine.start("letters", "s", {"n": 1})


def test_a_group_of_three_costs_no_more_commits_lookups_and_tasks_than_three_steps(
    bench: Bench, probe: Probe
) -> None:
    members = (make_step(probe, name) for name in "bcd")
    begin(bench, shape(make_step(probe, "a"), Parallel(*members), make_step(probe, "e")))
    assert bench.run_to_end() == ["done"] * 5
    assert dict(bench.rpc.calls) == {"Commit": 6, "Lookup": 5}
    assert len(bench.queue.named) == 5


def test_the_members_of_a_group_are_queued_together(bench: Bench, probe: Probe) -> None:
    begin(bench, shape(Parallel(make_step(probe, "a"), make_step(probe, "b"))))
    assert [delivery.step for delivery in bench.queue.waiting] == [0, 1]


def test_a_saga_that_waits_for_a_signal_costs_nothing(bench: Bench, probe: Probe) -> None:
    begin(bench, shape(make_step(probe, "a"), Signal("go"), make_step(probe, "b")))
    bench.run_to_end()
    assert bench.statuses("s") == ["RUNNING", "COMPLETED", "WAITING", "PENDING"]
    bench.pass_time(days=400)
    assert sweep(bench.engine, bench.now).found == 0
    assert bench.queue.waiting == []


def test_a_signal_brings_its_payload_as_the_steps_output(bench: Bench, probe: Probe) -> None:
    seen: list[Any] = []
    probe.on["b"] = lambda call: seen.append(call.outputs["go"])
    begin(bench, shape(Signal("go", payload=Approval), make_step(probe, "b")))
    bench.engine.signal("s", "go", {"by": "ann"}, actor="ann@example.com")
    bench.run_to_end()
    assert seen == [{"by": "ann"}]


def test_an_early_signal_is_kept_and_a_second_one_is_the_same_or_refused(
    bench: Bench, probe: Probe
) -> None:
    begin(bench, shape(make_step(probe, "a"), Signal("go"), make_step(probe, "b")))
    bench.engine.signal("s", "go", 1, actor="ann")
    bench.engine.signal("s", "go", 1, actor="ann")
    with pytest.raises(Conflict, match="another payload"):
        bench.engine.signal("s", "go", 2, actor="ann")
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def test_a_signal_that_does_not_fit_is_refused(bench: Bench, probe: Probe) -> None:
    begin(bench, shape(Signal("go", payload=Approval), make_step(probe, "b")))
    with pytest.raises(Invalid) as unfit:
        bench.engine.signal("s", "go", {"by": 7}, actor="ann")
    assert unfit.value.field == "payload.by"
    with pytest.raises(TooLarge, match=str(MAX_OUTPUT)):
        bench.engine.signal("s", "go", {"by": "x" * MAX_OUTPUT}, actor="ann")
    with pytest.raises(NotFound, match="no signal 'b'"):
        bench.engine.signal("s", "b", {}, actor="ann")
    assert bench.statuses("s")[1] == "WAITING"


def test_a_timer_longer_than_a_task_can_wait_is_split(bench: Bench, probe: Probe) -> None:
    begin(bench, shape(Timer("nap", after=timedelta(days=70)), make_step(probe, "b")))
    started = bench.time
    assert bench.run_to_end() == ["woken"] * 3 + ["done"]
    assert bench.time - started == timedelta(days=70)


def family(probe: Probe) -> Saga:
    child = Saga("child", payload=int, steps=(make_step(probe, "x"), make_step(probe, "y")))
    step = Child[Any, Any]("c", saga=child, payload=lambda payload, _: payload["n"])
    return shape(make_step(probe, "a"), step, make_step(probe, "b"))


def test_a_child_saga_passes_the_output_of_its_last_step_on(bench: Bench, probe: Probe) -> None:
    seen: list[Any] = []
    probe.on["b"] = lambda call: seen.append(call.outputs["c"])
    begin(bench, family(probe))
    bench.run_to_end()
    assert (probe.calls, seen) == (["a", "x", "y", "b"], ["y"])
    assert bench.statuses("s:c") == ["COMPLETED", "COMPLETED", "COMPLETED"]


def test_a_child_saga_costs_its_own_steps_and_one_notification(bench: Bench, probe: Probe) -> None:
    begin(bench, family(probe))
    assert bench.run_to_end() == ["done", "done", "done", "notified", "done"]
    assert dict(bench.rpc.calls) == {"Commit": 6, "Lookup": 5}


def test_a_parent_that_fails_later_has_its_completed_child_rolled_back(
    bench: Bench, probe: Probe
) -> None:
    def refuse(_: Any) -> None:
        raise Permanent("no")

    probe.on["b"] = refuse
    begin(bench, family(probe))
    bench.run_to_end()
    assert probe.calls == ["a", "x", "y", "b", "undo y", "undo x", "undo a"]
    assert bench.statuses("s:c")[0] == bench.statuses("s")[0] == "ROLLED_BACK"


def test_a_childs_payload_that_does_not_fit_fails_the_step_and_starts_nothing(
    bench: Bench, probe: Probe
) -> None:
    child = Saga("child", payload=int, steps=(make_step(probe, "x"),))
    unfit = Child("c", saga=child, payload=lambda _, outputs: outputs["a"])
    begin(bench, shape(make_step(probe, "a"), unfit))
    bench.run_to_end()
    assert bench.engine.repository.find("s:c") is None
    assert bench.load("s")[0].error == "step c: payload must be a whole number"
    assert probe.calls == ["a", "undo a"]


def test_a_condition_that_raises_fails_its_step(bench: Bench, probe: Probe) -> None:
    broken = make_step(probe, "b", when=lambda _, outputs: outputs["typo"])
    begin(bench, shape(make_step(probe, "a"), broken))
    bench.run_to_end()
    assert bench.load("s")[0].error == "step b: KeyError: 'typo'"
    assert probe.calls == ["a", "undo a"]


def test_members_that_end_at_the_same_time_are_all_recorded(bench: Bench, probe: Probe) -> None:
    names = [f"m{number}" for number in range(MAX_GROUP)]
    begin(
        bench, shape(Parallel(*(make_step(probe, name) for name in names)), make_step(probe, "z"))
    )
    deliveries = [bench.queue.take() for _ in names]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(bench.deliver, deliveries))
    assert results == ["done"] * MAX_GROUP
    assert sorted(probe.calls) == sorted(names)
    assert [delivery.step for delivery in bench.queue.waiting] == [MAX_GROUP]
