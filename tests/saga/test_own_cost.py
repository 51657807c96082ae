"""A saga's record has its costs: as many operations as there were calls."""

from dataclasses import replace
from typing import Any

import pytest

from lib.datastore import Store, key
from lib.saga.definition.child import Child
from lib.saga.definition.context import Retry
from lib.saga.definition.saga import Chaining, Saga
from lib.saga.definition.steps import Parallel
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.inputs import PauseRequested, ResumeRequested
from lib.saga.state.cost import Cost
from lib.saga.state.records import SagaRecord
from tests.saga.bench import Bench, Probe, make_saga, make_step, start

WHO: dict[str, Any] = {"actor": "ops", "reason": "a reason"}


def look(bench: Bench, saga_id: str) -> SagaRecord:
    """Return a saga's record, without counting that read."""
    return Store(bench.rpc.inner).get(key(SagaRecord, saga_id))


def status_of(bench: Bench) -> str:
    return look(bench, "s").status


def cost_of(bench: Bench, *saga_ids: str) -> Cost:
    return sum((look(bench, each).cost for each in saga_ids or ("s",)), Cost())


def seen(bench: Bench, *, tasks: int) -> Cost:
    """Return the calls since the bench was made."""
    calls, entities = bench.rpc.calls, bench.rpc.entities
    assert set(calls) <= {"Commit", "Lookup"}
    return Cost(
        commits=calls["Commit"], writes=entities["Commit"],
        lookups=calls["Lookup"], reads=entities["Lookup"], tasks=tasks,
    )  # fmt: skip


def begin(bench: Bench, *steps: Any, payload: Any = None) -> None:
    bench.engine = bench.make_engine(Saga("letters", payload=dict, steps=steps))
    start(bench, payload=payload)


def test_a_saga_of_four_steps_has_cost_five_commits_four_lookups_and_four_tasks(
    bench: Bench,
) -> None:
    start(bench)
    bench.run_to_end()
    assert cost_of(bench) == Cost(commits=5, writes=5, lookups=4, reads=4, tasks=4)
    assert cost_of(bench) == seen(bench, tasks=4)


def test_get_saga_shows_the_cost_with_its_price(bench: Bench) -> None:
    start(bench)
    bench.run_to_end()
    shown = bench.show()["cost"]
    # 5 writes at 0.09 and 4 reads at 0.03 for 100,000; 8 task operations at 0.40 for a million.
    assert shown.pop("usd") == pytest.approx(5 * 0.9e-6 + 4 * 0.3e-6 + 8 * 0.4e-6)
    assert shown.pop("prices_read_on") == "2026-11-24"
    assert shown == {"commits": 5, "writes": 5, "lookups": 4, "reads": 4, "tasks": 4}


def test_a_saga_that_is_retried_and_rolled_back_counts_each_attempt(
    bench: Bench, probe: Probe
) -> None:
    probe.on["c"] = lambda _: (_ for _ in ()).throw(Retry("busy"))
    start(bench)
    results = bench.run_to_end()
    assert status_of(bench) == "ROLLED_BACK"
    assert cost_of(bench) == seen(bench, tasks=len(results))


def test_large_values_are_counted_where_they_are_written_and_read(
    bench: Bench, probe: Probe
) -> None:
    for name in "ab":
        probe.on[name] = lambda call: call.step * 100_000
    begin(
        bench, *(make_step(probe, name) for name in "abc"), payload={"text": "p" * 100_000}
    )  # fmt: skip
    bench.run_to_end()
    assert cost_of(bench) == seen(bench, tasks=3)
    assert cost_of(bench).writes == 4 + 3


def test_a_pivot_costs_one_more_commit(bench: Bench, probe: Probe) -> None:
    begin(bench, make_step(probe, "a", pivot=True, compensate=None))
    bench.run_to_end()
    assert cost_of(bench) == seen(bench, tasks=1) == Cost(
        commits=3, writes=3, lookups=1, reads=1, tasks=1
    )  # fmt: skip


def test_an_overtaken_commit_counts_only_its_task_and_lookups(bench: Bench, probe: Probe) -> None:
    begin(bench, Parallel(make_step(probe, "a"), make_step(probe, "b")))
    first, second = bench.queue.take(), bench.queue.take()
    probe.on["a"] = lambda _: bench.deliver(second)
    assert bench.deliver(first) == "done"
    assert bench.rpc.calls == {"Commit": 4, "Lookup": 3}
    assert cost_of(bench) == Cost(commits=3, writes=3, lookups=3, reads=3, tasks=2)


def test_a_family_counts_each_operation_once(bench: Bench, probe: Probe) -> None:
    inner = Saga("inner", payload=dict, steps=(make_step(probe, "k"),))
    begin(bench, Child("c", saga=inner, payload=lambda payload, _: payload), make_step(probe, "b"))
    results = bench.run_to_end()
    assert status_of(bench) == "COMPLETED"
    assert cost_of(bench, "s", "s:c") == seen(bench, tasks=len(results))
    # Its parent's commits wrote it first and last; its own recorded its step.
    assert cost_of(bench, "s:c") == Cost(commits=1, writes=3, lookups=1, reads=2, tasks=1)


def test_operators_and_the_sweep_are_counted_by_their_commits(bench: Bench, probe: Probe) -> None:
    start(bench)
    bench.engine.apply("s", PauseRequested(**WHO))
    bench.engine.apply("s", ResumeRequested(**WHO))
    assert cost_of(bench) == Cost(commits=3, writes=3, lookups=2, reads=2)
    bench.queue.lose_all()
    bench.pass_time(minutes=5)
    assert sweep(bench.engine, bench.now).delivered == 1
    assert cost_of(bench).commits == 4
    assert bench.deliver() == "done"
    assert cost_of(bench) == Cost(commits=5, writes=5, lookups=3, reads=3, tasks=1)


def test_a_dead_letter_is_a_written_entity(bench: Bench, probe: Probe) -> None:
    probe.on["undo a"] = lambda _: 1 / 0
    probe.on["b"] = lambda _: 1 / 0
    start(bench)
    bench.run_to_end()
    assert status_of(bench) == "FAILED"
    # What is not counted: to note that the alert was logged, a lookup and a commit.
    counted = cost_of(bench) + Cost(commits=1, writes=1, lookups=1, reads=1)
    assert counted == seen(bench, tasks=counted.tasks)


def test_an_inline_saga_of_four_steps_costs_five_commits_and_nothing_else(
    bench: Bench, probe: Probe
) -> None:
    inline = replace(make_saga(probe), chaining=Chaining.INLINE)
    bench.engine = bench.make_engine(inline)
    start(bench)
    assert status_of(bench) == "COMPLETED"
    assert cost_of(bench) == seen(bench, tasks=0) == Cost(commits=5, writes=5)


def test_an_inline_saga_that_a_task_goes_on_with_counts_that_task(
    bench: Bench, probe: Probe
) -> None:
    bench.engine = bench.make_engine(replace(make_saga(probe), chaining=Chaining.INLINE))
    probe.on["b"] = lambda call: 1 / 0 if call.attempt == 1 else "b"
    start(bench)
    assert bench.run_to_end() == ["done"]
    assert status_of(bench) == "COMPLETED"
    assert cost_of(bench) == seen(bench, tasks=1)
