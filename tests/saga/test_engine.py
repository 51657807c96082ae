"""The engine on a real Datastore: its costs, and what a crash at each line does."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from lib.errors import AlreadyExists, Conflict, NotBegun, NotFound, Unavailable
from lib.saga.definition.context import Permanent, Retry
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.state.limits import MAX_OUTPUT
from tests.saga.bench import QUICK, Bench, Probe, make_saga, start


def fail(error: Exception) -> Callable[[Any], Any]:
    def act(_: Any) -> Any:
        raise error

    return act


# What it costs


def test_a_happy_saga_of_four_steps_costs_five_commits_four_lookups_and_four_tasks(
    bench: Bench,
) -> None:
    start(bench)
    assert bench.run_to_end() == ["done"] * 4
    assert dict(bench.rpc.calls) == {"Commit": 5, "Lookup": 4}
    assert bench.rpc.entities == {"Commit": 5, "Lookup": 4}
    assert len(bench.queue.named) == 4
    assert bench.statuses("s")[0] == "COMPLETED"


@pytest.mark.parametrize("steps", [1, 12, 40])
def test_each_commit_writes_one_entity_and_each_delivery_reads_one(
    bench: Bench, probe: Probe, steps: int
) -> None:
    bench.engine = bench.make_engine(make_saga(probe, names=tuple(f"s{n}" for n in range(steps))))
    start(bench)
    assert bench.run_to_end() == ["done"] * steps
    assert bench.rpc.entities == {"Commit": steps + 1, "Lookup": steps}
    assert dict(bench.rpc.calls) == {"Commit": steps + 1, "Lookup": steps}


def test_a_failed_attempt_costs_an_additional_commit_lookup_and_task(
    bench: Bench, probe: Probe
) -> None:
    probe.on["b"] = lambda call: fail(Retry("busy"))(call) if call.attempt == 1 else "b"
    start(bench)
    assert bench.run_to_end() == ["done", "retryable", "done", "done", "done"]
    assert dict(bench.rpc.calls) == {"Commit": 6, "Lookup": 5}
    assert bench.rpc.entities == {"Commit": 6, "Lookup": 5}
    assert len(bench.queue.named) == 5


# What a crash does


def test_a_crash_between_commit_and_enqueue_is_repaired_by_redelivery(
    bench: Bench, probe: Probe
) -> None:
    start(bench)
    first = bench.queue.take()
    bench.queue.is_down = True
    with pytest.raises(Unavailable, match=r"down|taken|queue"):
        bench.deliver(first)
    bench.queue.is_down = False
    assert bench.deliver(first, lost=1) == "stale"
    assert [delivery.step for delivery in bench.queue.waiting] == [1]
    assert probe.calls == ["a"]


def test_a_crash_after_the_enqueue_leaves_one_successor(bench: Bench, probe: Probe) -> None:
    start(bench)
    first = bench.queue.take()
    bench.deliver(first)
    assert bench.deliver(first, lost=1) == "stale"
    assert len(bench.queue.waiting) == 1
    assert probe.calls == ["a"]


def test_a_crash_in_the_step_counts_as_an_attempt_with_an_unknown_outcome(
    bench: Bench, probe: Probe
) -> None:
    start(bench)
    assert bench.deliver(lost=1) == "unknown"
    assert probe.calls == []
    _, steps = bench.load("s")
    assert (steps[0].attempt, steps[0].maybe_applied) == (2, True)
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def test_a_step_that_always_kills_its_process_ends_and_is_compensated(
    bench: Bench, probe: Probe
) -> None:
    start(bench)
    bench.deliver()
    for _ in range(QUICK.attempts):
        assert bench.deliver(lost=1) == "unknown"
    bench.run_to_end()
    assert probe.calls == ["a", "undo b", "undo a"]
    assert bench.statuses("s")[0] == "ROLLED_BACK"


def test_a_start_whose_enqueue_failed_is_found_by_the_sweep(bench: Bench) -> None:
    bench.queue.is_down = True
    start(bench)
    bench.queue.is_down = False
    assert sweep(bench.engine, bench.now).found == 0
    bench.pass_time(seconds=12)
    swept = sweep(bench.engine, bench.now)
    assert (swept.found, swept.delivered, swept.remaining) == (1, 1, 0)
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def test_a_start_whose_enqueue_failed_is_repaired_by_starting_again(bench: Bench) -> None:
    bench.queue.is_down = True
    start(bench)
    bench.queue.is_down = False
    start(bench)
    assert len(bench.queue.waiting) == 1


def test_after_the_loss_of_the_queue_every_saga_continues_after_time_out_and_grace(
    bench: Bench,
) -> None:
    for number in range(20):
        start(bench, f"s{number}")
    for _ in range(10):
        bench.deliver()
    bench.queue.lose_all()
    bench.pass_time(seconds=1 + 10)
    assert sweep(bench.engine, bench.now).delivered == 20
    bench.run_to_end()
    assert {bench.statuses(f"s{number}")[0] for number in range(20)} == {"COMPLETED"}


def test_a_second_sweep_finds_nothing_left_to_do(bench: Bench) -> None:
    start(bench)
    bench.queue.lose_all()
    bench.pass_time(seconds=11)
    sweep(bench.engine, bench.now)
    assert sweep(bench.engine, bench.now).found == 0
    assert len(bench.queue.waiting) == 1


def test_a_sweep_takes_the_longest_overdue_first_and_no_more_than_its_limit(bench: Bench) -> None:
    for number in range(6):
        start(bench, f"s{number}")
        bench.pass_time(seconds=1)
    bench.queue.lose_all()
    bench.pass_time(seconds=60)
    assert sweep(bench.engine, bench.now, limit=4).delivered == 4
    assert [delivery.saga_id for delivery in bench.queue.waiting] == ["s0", "s1", "s2", "s3"]


def test_a_delivery_that_the_sweep_has_replaced_still_counts(bench: Bench) -> None:
    start(bench)
    late = bench.queue.take()
    bench.pass_time(seconds=11)
    sweep(bench.engine, bench.now)
    assert bench.deliver(late) == "done"
    assert bench.deliver() == "stale"


# Duplicates and conflicts


def test_a_duplicate_delivery_does_not_run_the_step_again(bench: Bench, probe: Probe) -> None:
    start(bench)
    first = bench.queue.take()
    assert (bench.deliver(first), bench.deliver(first)) == ("done", "stale")
    assert probe.calls == ["a"]


def test_of_two_concurrent_deliveries_one_is_recorded(bench: Bench, probe: Probe) -> None:
    both_in = threading.Barrier(2)
    keys: list[str] = []

    def meet(call: Any) -> str:
        keys.append(call.idempotency_key)
        both_in.wait(5)
        return "a"

    probe.on["a"] = meet
    start(bench)
    first = bench.queue.take()
    threads = [threading.Thread(target=bench.deliver, args=(first,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keys == ["s/a", "s/a"]
    assert [delivery.step for delivery in bench.queue.waiting] == [1]
    saga, steps = bench.load("s")
    assert (saga.sequence, steps[0].attempt) == (3, 1)


def test_after_a_cancel_during_a_step_it_is_decided_again_but_not_run_again(
    bench: Bench, probe: Probe
) -> None:
    probe.on["b"] = lambda _: bench.cancel("s") and "b"
    start(bench)
    bench.run_to_end()
    assert probe.calls == ["a", "b", "undo b", "undo a"]
    assert bench.statuses("s") == ["ROLLED_BACK", "COMPENSATED", "COMPENSATED", *["PENDING"] * 2]


def test_a_cancel_between_two_steps_undoes_what_was_done(bench: Bench, probe: Probe) -> None:
    start(bench)
    bench.deliver()
    bench.cancel("s")
    assert bench.run_to_end() == ["given up", "done", "done"]
    assert probe.calls == ["a", "undo b", "undo a"]


def test_a_finished_saga_is_not_cancelled(bench: Bench) -> None:
    start(bench)
    bench.run_to_end()
    with pytest.raises(Conflict, match="can no longer be cancelled"):
        bench.cancel("s")
    with pytest.raises(NotFound, match="no saga 'nobody'"):
        bench.cancel("nobody")


# What a step gets and returns


def test_a_step_sees_the_outputs_before_it_and_its_compensation_its_own(
    bench: Bench, probe: Probe
) -> None:
    seen: dict[str, Any] = {}
    probe.on["a"] = lambda _: {"id": 7}
    probe.on["b"] = lambda call: seen.update(b=dict(call.outputs))
    probe.on["c"] = fail(Permanent("no"))
    probe.on["undo a"] = lambda call: seen.update(undo=call.output)
    start(bench)
    bench.run_to_end()
    assert seen == {"b": {"a": {"id": 7}}, "undo": {"id": 7}}


def test_the_fencing_token_grows_and_the_idempotency_key_stays(bench: Bench, probe: Probe) -> None:
    handed: list[tuple[str, int]] = []

    def note(call: Any) -> None:
        handed.append((call.idempotency_key, call.fencing_token))
        raise Retry("again")

    probe.on["a"] = note
    start(bench)
    bench.run_to_end()
    assert {key for key, _ in handed} == {"s/a"}
    tokens = [token for _, token in handed]
    assert len(tokens) == QUICK.attempts
    assert tokens == sorted(set(tokens))


def test_a_step_that_times_out_has_an_unknown_outcome(bench: Bench, probe: Probe) -> None:
    probe.on["b"] = lambda _: time.sleep(1.3)
    start(bench)
    bench.deliver()
    assert bench.deliver() == "unknown"
    _, steps = bench.load("s")
    assert steps[1].maybe_applied


@pytest.mark.parametrize("output", [object(), "x" * MAX_OUTPUT, {1: object()}])
def test_an_unstorable_output_fails_its_step_and_is_compensated(
    bench: Bench, probe: Probe, output: Any
) -> None:
    probe.on["a"] = lambda _: output
    start(bench)
    assert bench.run_to_end() == ["indeterminate", "done"]
    assert probe.calls == ["a", "undo a"]
    assert "output" in bench.load("s")[0].error


def test_a_permanent_failure_is_not_retried(bench: Bench, probe: Probe) -> None:
    probe.on["b"] = fail(Permanent("no credit"))
    start(bench)
    bench.run_to_end()
    assert probe.calls == ["a", "b", "undo a"]
    assert bench.load("s")[0].error == "step b: no credit"


def test_a_conflict_in_the_data_layer_is_final_and_indeterminate(
    bench: Bench, probe: Probe
) -> None:
    probe.on["b"] = fail(AlreadyExists("Charge(1) already exists"))
    start(bench)
    bench.run_to_end()
    assert probe.calls == ["a", "b", "undo b", "undo a"]


def test_an_unexpected_error_may_have_had_its_effect(bench: Bench, probe: Probe) -> None:
    probe.on["b"] = fail(ZeroDivisionError("oops"))
    start(bench)
    bench.run_to_end()
    assert probe.calls == ["a", "b", "b", "b", "undo b", "undo a"]


def test_a_compensation_that_never_works_parks_the_saga_with_a_dead_letter(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.on["b"] = fail(Permanent("no"))
    probe.on["undo a"] = fail(OSError("refund is down"))
    start(bench)
    bench.run_to_end()
    assert bench.statuses("s")[0] == "FAILED"
    alerts = [line for line in capsys.readouterr().out.splitlines() if '"alert"' in line]
    assert len(alerts) == 1
    assert '"severity":"ERROR"' in alerts[0]
    assert '"alert":"saga-parked"' in alerts[0]


def test_a_failed_lookup_of_a_delivery_uses_no_attempt(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_down(*_: Any) -> Any:
        raise Unavailable("the Datastore does not answer")

    start(bench)
    first = bench.queue.take()
    with monkeypatch.context() as down:
        down.setattr(bench.engine.repository, "load", be_down)
        with pytest.raises(NotBegun) as refused:
            bench.deliver(first)
    assert refused.value.status == 429
    assert bench.deliver(first) == "done"
    assert bench.load("s")[1][0].attempt == 1


def test_a_committed_verb_succeeds_even_if_the_queue_is_down(bench: Bench, probe: Probe) -> None:
    start(bench)
    bench.deliver()
    bench.queue.is_down = True
    assert bench.cancel("s").stopping
    bench.queue.is_down = False
    bench.run_to_end()
    assert probe.calls == ["a", "undo b", "undo a"]
