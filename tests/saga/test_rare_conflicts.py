"""Refused commits, and pivots whose begin conflicts with another commit."""

from typing import Any

import pytest

from lib.errors import TooLarge
from lib.saga.definition.saga import Saga
from lib.saga.machine.inputs import PivotBegun
from lib.saga.state.delivery import Delivery
from tests.saga.bench import Bench, Probe, make_step


def begin(bench: Bench, probe: Probe, **options: Any) -> None:
    steps = (make_step(probe, "a", **options),)
    saga = Saga("letters", payload=dict[str, int], steps=steps)
    bench.engine = bench.make_engine(saga)
    bench.engine.start("letters", "s", {"n": 1})


def test_an_outcome_whose_commit_is_too_large_is_recorded_in_a_smaller_form(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(bench, probe)
    save, refused = bench.engine.repository.save, [TooLarge("the commit has 11 MiB")]

    def save_smaller(decision: Any) -> Any:
        if refused:
            raise refused.pop()
        return save(decision)

    monkeypatch.setattr(bench.engine.repository, "save", save_smaller)
    bench.deliver()
    assert refused == []
    assert bench.statuses("s") == ["COMPLETED", "COMPLETED"]


def test_a_pivot_that_is_no_longer_awaited_enqueues_its_successors(
    bench: Bench, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(bench, probe, pivot=True, compensate=None)
    enqueued: list[Delivery] = []
    monkeypatch.setattr(bench.queue, "enqueue", enqueued.append)
    loaded = bench.engine.repository.get("s")
    assert bench.engine.transitions.record_begin(loaded, PivotBegun(step=0, attempt=7)) is None
    assert [delivery.attempt for delivery in enqueued] == [1]


def test_a_pivots_begin_is_recorded_after_a_conflict(bench: Bench, probe: Probe) -> None:
    begin(bench, probe, pivot=True, compensate=None)
    loaded = bench.engine.repository.get("s")
    bench.engine.repository.postpone(loaded.saga, None)
    begun = bench.engine.transitions.record_begin(loaded, PivotBegun(step=0, attempt=1))
    assert begun is not None
    assert not begun.steps[0].unbegun
