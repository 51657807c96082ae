"""Inline chaining: steps run in one invocation, one commit a step, and no task between them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lib.errors import Unavailable
from lib.saga import Chaining, Parallel, Permanent, Retry, RetryPolicy, Saga, Timer
from lib.saga.definition.checks.error import DeclarationError
from lib.saga.engine.execution.overruns import Overruns
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.inputs import PauseRequested, ResumeRequested
from lib.timing.deadline import within
from tests.saga.bench import NAMES, Bench, Probe, make_step, start


class Killed(BaseException):
    """The process dies here."""


def die(_: Any) -> Any:
    raise Killed


def declare(probe: Probe, *steps: Any, **options: Any) -> Saga:
    steps = steps or tuple(make_step(probe, name) for name in NAMES)
    options = {"chaining": Chaining.INLINE, **options}
    return Saga("letters", payload=dict[str, int], steps=steps, **options)


def kill_in(*labels: str) -> Callable[[timedelta, Callable[[], Any]], Any]:
    """Return what calls actions, and dies instead of the result of the first with each label."""
    left = list(labels)

    def call(_: timedelta, action: Callable[[], Any]) -> Any:
        result = action()
        if result in left:
            left.remove(result)
            raise Killed
        return result

    return call


def start_elsewhere(bench: Bench, **options: Any) -> None:
    """Start a saga by a request that has no time for its steps: it gets a task."""
    with within(timedelta(seconds=options.pop("seconds", 5))):
        start(bench, **options)


def forget_counts(bench: Bench) -> None:
    bench.rpc.calls.clear()
    bench.rpc.entities.clear()


def count(bench: Bench) -> dict[str, int]:
    """Return the number of calls of each method; each was for one entity."""
    assert bench.rpc.entities == bench.rpc.calls
    return dict(bench.rpc.calls)


@pytest.fixture
def inline(bench: Bench, probe: Probe) -> Bench:
    bench.engine = bench.make_engine(declare(probe))
    return bench


def lose_inline_and_refuse(bench: Bench, probe: Probe, saga: Saga[Any], step: str) -> None:
    """Kill the process while it runs a step inline; the participant says no to the next attempt."""
    bench.engine = bench.make_engine(saga, call_within=kill_in(step))
    start_elsewhere(bench)
    task = bench.queue.take()
    with pytest.raises(Killed):
        bench.deliver(task)

    def refuse(_: Any) -> Any:
        raise Permanent("no")

    probe.on[step] = refuse
    assert bench.deliver(task, lost=1) == "stale"
    assert bench.run_to_end() == ["unknown", "permanent"]


def test_a_saga_begun_by_a_caller_takes_a_commit_a_step_and_no_task(
    inline: Bench, probe: Probe
) -> None:
    forget_counts(inline)
    start(inline)
    assert count(inline) == {"Commit": len(NAMES) + 1}
    assert inline.queue.named == set()
    assert inline.statuses("s") == ["COMPLETED", *["COMPLETED"] * len(NAMES)]
    assert probe.calls == list(NAMES)


def test_a_saga_begun_by_a_task_takes_one_lookup_and_one_task(inline: Bench, probe: Probe) -> None:
    forget_counts(inline)
    start_elsewhere(inline)
    assert inline.run_to_end() == ["done"]
    assert count(inline) == {"Commit": len(NAMES) + 1, "Lookup": 1}
    assert len(inline.queue.named) == 1
    assert inline.statuses("s")[0] == "COMPLETED"
    assert probe.calls == list(NAMES)


def test_compensations_chain_inline_too(inline: Bench, probe: Probe) -> None:
    def refuse(_: Any) -> Any:
        raise Permanent("no")

    probe.on["d"] = refuse
    forget_counts(inline)
    start(inline)
    assert count(inline) == {"Commit": 8}
    assert inline.queue.named == set()
    assert probe.calls == [*NAMES, "undo c", "undo b", "undo a"]
    assert inline.statuses("s")[0] == "ROLLED_BACK"


def test_a_failing_attempt_is_one_commit_and_its_retry_is_a_task(
    inline: Bench, probe: Probe
) -> None:
    def busy(_: Any) -> Any:
        probe.on.pop("b")
        raise Retry("later")

    probe.on["b"] = busy
    forget_counts(inline)
    start(inline)
    assert count(inline) == {"Commit": 3}
    [retry] = inline.queue.waiting
    assert (retry.step, retry.attempt, retry.at > inline.now()) == (1, 2, True)
    assert inline.run_to_end() == ["done"]
    assert inline.statuses("s")[0] == "COMPLETED"
    assert len(inline.queue.named) == 1


def test_marked_steps_groups_and_timers_leave_the_invocation(bench: Bench, probe: Probe) -> None:
    own = make_step(probe, "own", own_task=True)
    group = Parallel(make_step(probe, "x"), make_step(probe, "y"))
    timer = Timer("wait", after=timedelta(hours=1))
    steps = (make_step(probe, "a"), own, make_step(probe, "b"), group, timer, make_step(probe, "c"))
    bench.engine = bench.make_engine(declare(probe, *steps))
    start(bench)
    assert probe.calls == ["a"]
    assert bench.run_to_end() == ["done", "done", "done", "woken"]
    assert probe.calls == ["a", "own", "b", "x", "y", "c"]
    assert bench.statuses("s")[0] == "COMPLETED"


def test_a_retry_that_is_due_at_once_has_a_task(inline: Bench, probe: Probe) -> None:
    def busy(_: Any) -> Any:
        probe.on.pop("b")
        raise Retry("at once", after=timedelta(0))

    probe.on["b"] = busy
    start(inline)
    assert probe.calls == ["a", "b"]
    assert inline.deliver() == "done"
    assert probe.calls == ["a", "b", "b", "c", "d"]


def test_a_status_query_has_a_task(bench: Bench, probe: Probe) -> None:
    once = RetryPolicy(attempts=1)
    asked = make_step(probe, "b", retry=once, status=probe.execute("ask b"))
    bench.engine = bench.make_engine(declare(probe, make_step(probe, "a"), asked))

    def crash(_: Any) -> Any:
        raise RuntimeError("crashed")

    probe.on["b"] = crash
    start(bench)
    assert probe.calls == ["a", "b"]
    assert bench.run_to_end() == ["done"]
    assert probe.calls == ["a", "b", "ask b"]
    assert bench.statuses("s")[0] == "COMPLETED"


def test_a_step_that_does_not_fit_into_the_request_gets_a_task(bench: Bench, probe: Probe) -> None:
    steps = make_step(probe, "a"), make_step(probe, "b", timeout=timedelta(seconds=30))
    bench.engine = bench.make_engine(declare(probe, *steps))
    start_elsewhere(bench, seconds=30)
    assert probe.calls == ["a"]
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"


def test_an_invocation_ends_when_its_time_is_used_up(inline: Bench, probe: Probe) -> None:
    def dawdle(_: Any) -> Any:
        inline.pass_time(minutes=2)

    for name in NAMES:
        probe.on[name] = dawdle
    start_elsewhere(inline)
    assert inline.run_to_end() == ["done", "done"]
    assert probe.calls == list(NAMES)


def test_a_task_of_an_inline_saga_is_dispatched_again_only_after_its_room(inline: Bench) -> None:
    start_elsewhere(inline)
    assert inline.queue.take().dispatch_deadline == timedelta(minutes=5, seconds=11)


def test_a_step_that_ran_inline_before_its_process_died_is_compensated_after_a_clean_no(
    bench: Bench, probe: Probe
) -> None:
    saga = declare(probe)
    lose_inline_and_refuse(bench, probe, saga, "b")
    assert probe.calls == ["a", "b", "b", "undo b", "undo a"]
    assert bench.statuses("s")[0] == "ROLLED_BACK"


def test_a_step_that_kills_its_process_each_time_ends(bench: Bench, probe: Probe) -> None:
    bench.engine = bench.make_engine(declare(probe), call_within=kill_in("b", "b", "b", "b"))
    start_elsewhere(bench)
    task = bench.queue.take()
    with pytest.raises(Killed):
        bench.deliver(task)
    assert bench.deliver(task, lost=1) == "stale"
    assert bench.deliver() == "unknown"
    for _ in range(2):
        task = bench.queue.take()
        bench.time = task.at
        with pytest.raises(Killed):
            bench.deliver(task)
        assert bench.deliver(task, lost=1) == "unknown"
    assert bench.statuses("s")[0] == "ROLLED_BACK"
    assert probe.calls == ["a", "b", "b", "b", "undo b", "undo a"]


def test_a_callers_run_that_died_is_found_by_the_sweep_when_it_is_overdue(
    bench: Bench, probe: Probe
) -> None:
    bench.engine = bench.make_engine(declare(probe), call_within=kill_in("b"))
    with pytest.raises(Killed):
        start(bench)
    start(bench)  # the caller tries once more; the first request may still be running
    assert bench.queue.waiting == []
    bench.pass_time(seconds=10.9)
    assert sweep(bench.engine, bench.now).delivered == 0
    bench.pass_time(seconds=0.2)
    assert sweep(bench.engine, bench.now).delivered == 1
    assert bench.run_to_end() == ["unknown", "done"]
    assert bench.statuses("s")[0] == "COMPLETED"
    assert bench.load("s")[1][1].maybe_applied


def test_a_pivot_whose_begin_was_not_committed_runs_with_certainty(
    bench: Bench, probe: Probe
) -> None:
    pivot = make_step(probe, "pay", pivot=True, compensate=None)
    saga = declare(probe, make_step(probe, "a"), pivot)
    bench.engine = bench.make_engine(saga)

    def die_at_begin(*_: Any) -> Any:
        raise Killed

    bench.engine.transitions.record_begin = die_at_begin  # type: ignore[assignment]
    start_elsewhere(bench)
    task = bench.queue.take()
    with pytest.raises(Killed):
        bench.deliver(task)
    bench.engine = bench.make_engine(saga)

    def refuse(_: Any) -> Any:
        raise Permanent("no")

    probe.on["pay"] = refuse
    assert bench.deliver(task, lost=1) == "stale"
    assert bench.run_to_end() == ["permanent"]
    assert bench.statuses("s") == ["ROLLED_BACK", "COMPENSATED", "FAILED"]


def test_a_pivot_that_began_inline_and_was_lost_is_never_rolled_back(
    bench: Bench, probe: Probe
) -> None:
    pivot = make_step(probe, "pay", pivot=True, compensate=None)
    saga = declare(probe, make_step(probe, "a"), pivot)
    lose_inline_and_refuse(bench, probe, saga, "pay")
    assert bench.statuses("s") == ["FAILED", "COMPLETED", "FAILED"]
    assert "undo a" not in probe.calls


@pytest.mark.parametrize("verb", [PauseRequested, None], ids=["pause", "cancel"])
def test_a_verb_that_comes_while_a_step_runs_inline_starts_no_second_run(
    inline: Bench, probe: Probe, verb: Any
) -> None:
    def ask(_: Any) -> Any:
        if verb is None:
            inline.cancel("s")
        else:
            inline.engine.apply("s", verb(actor="op", reason="wait"))
        assert inline.queue.waiting == []

    probe.on["b"] = ask
    start(inline)
    assert probe.calls == ["a", "b"]
    if verb is not None:
        assert inline.queue.waiting == []
        inline.engine.apply("s", ResumeRequested(actor="op", reason="go on"))
    inline.run_to_end()
    assert inline.statuses("s")[0] == ("ROLLED_BACK" if verb is None else "COMPLETED")
    assert probe.calls.count("b") == 1


def test_a_deadline_that_passes_inline_stops_the_saga(bench: Bench, probe: Probe) -> None:
    bench.engine = bench.make_engine(declare(probe, deadline=timedelta(seconds=30)))
    probe.on["b"] = lambda _: bench.pass_time(seconds=31)
    start(bench)
    assert probe.calls == ["a", "b", "undo b", "undo a"]
    assert bench.statuses("s")[0] == "ROLLED_BACK"


def test_an_outcome_that_cannot_be_recorded_is_left_to_the_sweep_in_a_callers_run(
    inline: Bench, probe: Probe
) -> None:
    real_save = inline.engine.repository.save

    def save(decision: Any) -> Any:
        if probe.calls[-1:] == ["b"]:
            raise Unavailable("the Datastore does not answer")
        return real_save(decision)

    inline.engine.repository.save = save  # type: ignore[method-assign]
    inline.engine.transitions.back_off = lambda _: None
    start(inline)
    inline.engine.repository.save = real_save  # type: ignore[method-assign]
    inline.pass_time(seconds=12)
    assert sweep(inline.engine, inline.now).delivered == 1
    inline.run_to_end()
    assert inline.statuses("s")[0] == "COMPLETED"


def test_a_process_full_of_overruns_goes_on_with_nothing_inline(
    inline: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Overruns, "is_full", True)
    start(inline)
    assert (probe.calls, len(inline.queue.waiting)) == ([], 1)


def test_a_saga_whose_steps_fill_several_pages_runs_inline(bench: Bench, probe: Probe) -> None:
    names = [f"step-{number}" for number in range(120)]
    steps = (make_step(probe, name) for name in names)
    bench.engine = bench.make_engine(declare(probe, *steps))
    start(bench)
    assert probe.calls == names
    assert bench.statuses("s")[0] == "COMPLETED"
    assert bench.queue.named == set()


def test_the_default_is_a_task_for_each_step(bench: Bench, probe: Probe) -> None:
    bench.engine = bench.make_engine(declare(probe, chaining=Chaining.TASKS))
    start(bench)
    assert probe.calls == []
    assert bench.run_to_end() == ["done"] * len(NAMES)


@pytest.mark.parametrize("chaining", ["together", True, None, Chaining])
def test_a_wrong_chaining_is_refused_in_words(probe: Probe, chaining: Any) -> None:
    with pytest.raises(DeclarationError, match=r"chaining is .*: write Chaining\.TASKS or"):
        declare(probe, chaining=chaining)


@pytest.mark.parametrize("own_task", ["yes", 1, None])
def test_a_wrong_own_task_is_refused_in_words(probe: Probe, own_task: Any) -> None:
    with pytest.raises(DeclarationError, match=r"own_task is .*True or False"):
        make_step(probe, "a", own_task=own_task)
