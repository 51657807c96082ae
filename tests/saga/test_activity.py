"""What a saga does now, and why it is where it is: in its view and in lists."""

from datetime import timedelta
from typing import Any

import pytest

from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent, Retry, Unknown
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Signal, Timer
from lib.saga.machine.inputs import (
    ParkRequested,
    PauseRequested,
    ResolveRequested,
    RetryRequested,
)
from lib.saga.operators import view
from lib.saga.operators.activity import activities_of
from lib.saga.state.records import SagaStatus
from tests.saga.bench import Bench, Probe, make_step, start

WHO: dict[str, Any] = {"actor": "ops", "reason": "a reason"}
SLOW = RetryPolicy(attempts=3, first=timedelta(minutes=1))


def begin(bench: Bench, *steps: Any) -> None:
    bench.engine = bench.make_engine(Saga("letters", payload=dict, steps=steps))
    start(bench)


def does(bench: Bench, saga_id: str = "s") -> list[dict[str, Any]]:
    """Return what a saga does now, without the times at which it began to."""
    record = bench.engine.repository.find(saga_id)
    assert record is not None
    lines = activities_of(record, bench.now())
    return [{name: value for name, value in line.items() if name != "since"} for line in lines]


def raise_(problem: Exception) -> Any:
    def act(_: Any) -> None:
        raise problem

    return act


def test_a_step_whose_delivery_is_due_is_in_flight(bench: Bench, probe: Probe) -> None:
    begin(bench, make_step(probe, "a"))
    assert does(bench) == [
        {"activity": "in_flight", "step": "a", "phase": "execute", "tries": 1},
    ]
    bench.deliver()
    assert does(bench) == []


def test_a_pivot_that_nothing_has_begun_to_run_is_queued(bench: Bench, probe: Probe) -> None:
    seen = []
    probe.on["a"] = lambda _: seen.append(does(bench)[0]["activity"])
    begin(bench, make_step(probe, "a", pivot=True, compensate=None))
    assert does(bench)[0]["activity"] == "queued"
    bench.deliver()
    assert seen == ["in_flight"]


def test_a_step_that_backs_off_says_until_when_and_after_which_error(
    bench: Bench, probe: Probe
) -> None:
    probe.on["a"] = raise_(Retry("the warehouse answered 503"))
    begin(bench, make_step(probe, "a", retry=SLOW))
    bench.deliver()
    [line] = does(bench)
    until = line.pop("until")
    assert bench.now() < until <= bench.now() + timedelta(minutes=2)
    assert line == {
        "activity": "backing_off", "step": "a", "phase": "execute", "tries": 1,
        "after": "the warehouse answered 503",
    }  # fmt: skip
    # Once it is due it is in flight, and its last failure is still there.
    bench.time = until
    [line] = does(bench)
    assert (line["activity"], line["tries"]) == ("in_flight", 2)
    assert line["after"] == bench.show()["steps"][0]["error"] == "the warehouse answered 503"
    probe.on.clear()
    bench.run_to_end()
    assert bench.show()["steps"][0]["error"] == ""


def test_a_compensation_that_is_tried_again_keeps_its_last_failure(
    bench: Bench, probe: Probe
) -> None:
    probe.on |= {"b": raise_(Permanent("no")), "undo a": raise_(Retry("not now"))}
    begin(bench, make_step(probe, "a", compensation_retry=SLOW), make_step(probe, "b"))
    for _ in range(3):
        bench.deliver()
    [line] = does(bench)
    assert (line["activity"], line["phase"], line["after"]) == (
        "backing_off", "compensate", "not now",
    )  # fmt: skip


def test_waits_say_for_what_and_until_when(bench: Bench, probe: Probe) -> None:
    inner = Saga("inner", payload=dict, steps=(make_step(probe, "k"),))
    hour = timedelta(hours=1)
    begin(
        bench,
        Parallel(
            Signal("go", payload=str, within=hour),
            Signal("stop", payload=str),
            Timer("nap", after=hour),
            Child("c", saga=inner, payload=lambda p, _: p),
        ),
    )
    until = bench.now() + hour
    assert does(bench) == [
        {"activity": "waiting_for_signal", "step": "go", "until": until},
        {"activity": "waiting_for_signal", "step": "stop"},
        {"activity": "waiting_for_time", "step": "nap", "until": until},
        {"activity": "waiting_for_child", "step": "c", "saga": "s:c"},
    ]
    record = bench.engine.repository.find("s")
    assert record is not None
    assert {line["since"] for line in activities_of(record, bench.now())} == {record.created_at}
    bench.deliver(next(each for each in bench.queue.waiting if each.saga_id == "s:c"))
    [line] = does(bench, "s:c")
    assert (line["activity"], line["saga"]) == ("notifying_parent", "s")


def test_a_paused_and_a_parked_saga_say_so_and_nothing_else(bench: Bench, probe: Probe) -> None:
    begin(bench, make_step(probe, "a"))
    bench.engine.apply("s", PauseRequested(**WHO))
    assert does(bench) == [{"activity": "paused"}]
    bench.engine.apply("s", ParkRequested(**WHO))
    assert does(bench) == [{"activity": "parked", "after": "a reason"}]


def test_get_saga_and_list_sagas_show_the_same_activity(bench: Bench, probe: Probe) -> None:
    begin(bench, Signal("go", payload=str))
    [listed] = view.page_of_sagas(bench.engine.repository, None, None, 50, None)["items"]
    assert listed["activity"] == bench.show()["activity"]
    assert listed["activity"][0]["activity"] == "waiting_for_signal"


def test_the_headline_names_the_failure_and_not_the_status_query_after_it(
    bench: Bench, probe: Probe
) -> None:
    probe.on["pay"] = raise_(Unknown("payments answered 403"))
    probe.on["status"] = raise_(Permanent("payments answered 404"))
    step = make_step(probe, "pay", status=probe.execute("status"))
    begin(bench, make_step(probe, "a"), step)
    bench.run_to_end()
    assert probe.calls.count("pay") == 3
    error = (
        "payments answered 403; asked then whether it was executed, the participant answered: "
        "payments answered 404"
    )
    shown = bench.show()
    assert shown["error"] == f"step pay: {error}"
    assert [event["error"] for event in shown["events"] if event["to"] == "FAILED"] == [error]


def test_a_status_query_that_is_tried_again_names_the_failure_once(
    bench: Bench, probe: Probe
) -> None:
    probe.on["pay"] = raise_(Unknown("payments answered 403"))
    probe.on["status"] = raise_(Retry("payments answered 503"))
    begin(bench, make_step(probe, "pay", status=probe.execute("status")))
    bench.run_to_end()
    assert bench.show()["error"].count("403") == 1
    assert bench.show()["error"].count("503") == 1


def test_a_parked_saga_shows_why_it_went_back_and_what_failed_then(
    bench: Bench, probe: Probe
) -> None:
    probe.on |= {"b": raise_(Permanent("no stock")), "undo a": raise_(Permanent("no truck"))}
    begin(bench, make_step(probe, "a"), make_step(probe, "b"))
    bench.run_to_end()
    for shown in (bench.show(), view.summarize_saga(bench.load("s")[0])):
        assert shown["rolled_back_because"] == "step b: no stock"
        assert shown["parked_because"] == shown["error"] == "compensation of a: no truck"


def test_an_operators_retry_keeps_the_failure_until_the_next_one(
    bench: Bench, probe: Probe
) -> None:
    probe.on |= {"b": raise_(Permanent("no stock")), "undo a": raise_(Permanent("no truck"))}
    begin(bench, make_step(probe, "a"), make_step(probe, "b"))
    bench.run_to_end()
    bench.engine.apply("s", RetryRequested(**WHO))
    assert [line["after"] for line in does(bench)] == ["no truck"]


@pytest.mark.parametrize("outcome", ["COMPLETED", "ROLLED_BACK"])
def test_a_saga_that_an_operator_has_closed_says_so(
    bench: Bench, probe: Probe, outcome: str
) -> None:
    begin(bench, make_step(probe, "a"))
    bench.engine.apply("s", ParkRequested(**WHO))
    assert bench.show()["closed_by_hand"] is False
    bench.engine.apply("s", ResolveRequested(**WHO, outcome=SagaStatus(outcome)))
    assert bench.show()["closed_by_hand"] is True


def test_a_cancels_reason_is_the_sagas(bench: Bench, probe: Probe) -> None:
    begin(bench, make_step(probe, "a"), Signal("go", payload=str))
    bench.deliver()
    bench.cancel("s")
    assert bench.show()["error"] == "stop"
    bench.run_to_end()
    shown = bench.show()
    assert (shown["status"], shown["error"]) == ("ROLLED_BACK", "stop")
    assert shown["rolled_back_because"] == "stop"


def test_a_cancels_reason_outlives_the_failure_of_the_step_in_flight(
    bench: Bench, probe: Probe
) -> None:
    probe.on["b"] = lambda _: (bench.cancel("s"), raise_(Permanent("no stock"))(None))
    begin(bench, make_step(probe, "a"), make_step(probe, "b"))
    bench.run_to_end()
    shown = bench.show()
    assert (shown["status"], shown["error"]) == ("ROLLED_BACK", "stop")
    assert shown["steps"][1]["error"] == "no stock"
