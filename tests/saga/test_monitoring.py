"""The numbers of the dashboard, and their costs."""

from collections.abc import Callable
from typing import Any

from lib.datastore import SHARDS
from lib.saga.definition.context import Permanent, Retry
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.inputs import PauseRequested
from lib.saga.operators import view
from lib.saga.operators.dashboard import monitor
from lib.saga.state.records import SagaStatus
from tests.saga.bench import Bench, Probe, start


def refuse(_: Any) -> None:
    raise Permanent("no")


def be_busy(_: Any) -> None:
    raise Retry("busy")


def test_the_dashboard_counts_unfinished_and_recently_finished_sagas(
    bench: Bench, probe: Probe
) -> None:
    for number in range(3):
        start(bench, f"done-{number}")
    bench.run_to_end()
    probe.on |= {"b": refuse, "undo a": refuse}
    start(bench, "parked")
    bench.run_to_end()
    bench.pass_time(seconds=1)
    probe.on = {"a": be_busy}
    start(bench, "busy")
    bench.deliver()
    bench.pass_time(seconds=1)
    start(bench, "paused")
    bench.engine.apply("paused", PauseRequested(actor="ops", reason="x"))
    bench.pass_time(minutes=5)
    seen = monitor(bench.engine.repository, bench.now())
    assert seen["by_status"] == {"PENDING": 1, "RUNNING": 1, "ROLLING_BACK": 0, "FAILED": 1}
    assert seen["finished_in_the_last_hour"] == {"COMPLETED": 3, "ROLLED_BACK": 0}
    counts = {name: seen[name] for name in ("retries", "paused", "overdue", "parked")}
    assert counts == {"retries": 1, "paused": 1, "overdue": 1, "parked": 1}
    assert (seen["oldest_unfinished"]["id"], seen["oldest_unfinished"]["age_seconds"]) == (
        "parked",
        302,
    )


def test_the_dashboard_costs_the_same_calls_however_many_sagas_there_are(bench: Bench) -> None:
    spent = []
    for number in range(2):
        for each in range(1 + 10 * number):
            start(bench, f"s-{number}-{each}")
        bench.run_to_end()
        bench.rpc.calls.clear()
        monitor(bench.engine.repository, bench.now())
        spent.append(dict(bench.rpc.calls))
    assert (
        spent
        == [{"BeginTransaction": 1, "RunAggregationQuery": 10, "Rollback": 1, "RunQuery": SHARDS}]
        * 2
    )


def test_a_page_of_sagas_or_dead_letters_costs_one_query_per_shard(
    bench: Bench, probe: Probe
) -> None:
    probe.on |= {"b": refuse, "undo a": refuse}
    for number in range(60):
        start(bench, f"s-{number}")
        bench.pass_time(seconds=1)
    bench.run_to_end(limit=1000)
    repository = bench.engine.repository
    pages: dict[str, Callable[[], dict[str, Any]]] = {
        "newest": lambda: view.page_of_sagas(repository, None, None, 50, None),
        "of both": lambda: view.page_of_sagas(repository, SagaStatus.FAILED, "letters", 50, None),
        "letters": lambda: view.page_of_letters(repository, None, 50, None),
        "of a name": lambda: view.page_of_letters(repository, "letters", 50, None),
    }
    for name, ask in pages.items():
        bench.rpc.calls.clear()
        page = ask()
        assert (len(page["items"]), page["has_more"]) == (50, True), name
        assert SHARDS <= bench.rpc.calls.total() < 2 * SHARDS, name
    newest = pages["newest"]()
    rest = view.page_of_sagas(repository, None, None, 50, newest["next_page_token"])
    seen = [each["id"] for page in (newest, rest) for each in page["items"]]
    assert seen == [f"s-{number}" for number in reversed(range(60))]


def test_sagas_behind_a_queue_that_stands_still_are_not_moving_between_two_sweeps_too(
    bench: Bench,
) -> None:
    for number in range(3):
        start(bench, f"s-{number}")
    bench.deliver()
    since = None
    for _ in range(6):  # the queue keeps what it has
        bench.pass_time(minutes=1)
        sweep(bench.engine, bench.now)
        since = since or bench.time
        seen = monitor(bench.engine.repository, bench.now())
        assert (seen["overdue"], seen["not_moving"]) == (0, 3)
        assert seen["longest_not_moving"]["since"] == since
    listed = view.page_of_sagas(bench.engine.repository, None, None, 50, None)["items"]
    assert {each["not_moving_since"] for each in listed} == {since}
    bench.run_to_end()
    seen = monitor(bench.engine.repository, bench.now())
    assert (seen["not_moving"], seen["longest_not_moving"]) == (0, None)


def test_a_saga_that_is_tried_again_moves(bench: Bench, probe: Probe) -> None:
    start(bench)
    bench.queue.lose_all()
    bench.pass_time(minutes=1)
    sweep(bench.engine, bench.now)
    assert monitor(bench.engine.repository, bench.now())["not_moving"] == 1
    probe.on["a"] = be_busy
    bench.deliver()
    assert monitor(bench.engine.repository, bench.now())["not_moving"] == 0
