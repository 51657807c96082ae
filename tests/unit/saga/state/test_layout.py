"""The layout of a saga: nothing makes its record too large."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.datastore.keys import Partition
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.v1.limits import MAX_VALUE_BYTES
from lib.datastore.v1.messages import message
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.saga_checks.sizes import MAX_STEPS, STEP_SIZE
from lib.saga.definition.steps import MAX_GROUP, Step
from lib.saga.machine.start.begin import begin
from lib.saga.machine.start.creations import new_saga
from lib.saga.state.layout import MAX_PAGE, OPEN_STEP_SIZE, pack, read_events, unpack
from lib.saga.state.limits import (
    MAX_ERROR,
    MAX_INLINE,
    MAX_OUTPUT,
    MAX_PAYLOAD,
    MAX_RECENT_EVENTS,
    MAX_RECORD,
    MAX_SUMMARY,
    MAX_TEXT,
)
from lib.saga.state.records import (
    EventRecord,
    SagaRecord,
    SagaStatus,
    StepPage,
    StepRecord,
    StepStatus,
)
from lib.saga.state.values import find_missing, is_reference

#: A key in an embedded entity has its project and its database.
LONGEST = Partition(project="p" * 30, database="d" * 63)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def make_saga(steps: int = 1, name: str = "s", payload: str = "{}") -> SagaRecord:
    parts = tuple(Step(f"{name}{n}", execute=lambda *_: None) for n in range(steps))
    definition = Saga("letters", payload=dict, steps=parts)
    return begin(definition, new_saga(definition, "i" * 200, payload, NOW)).saga


def make_event(number: int, error: str = "") -> EventRecord:
    return EventRecord(
        id=number, at=NOW, step="s1", from_status="RUNNING", to_status="RUNNING", attempt=1,
        cause="retry_scheduled", error=error,
    )  # fmt: skip


def size_of(record: Any) -> int:
    entity = message("Entity")()
    Codecs(LONGEST).of(type(record)).write(record, entity)
    return int(entity.ByteSize())


def of_size(size: int) -> str:
    return f'"{"x" * (size - 2)}"'


def fill_step(step: StepRecord, number: int, **changes: Any) -> StepRecord:
    """Return a step with every field set that can be set together."""
    return replace(
        step, status=StepStatus.COMPENSATION_FAILED, attempt=999, first_attempt=998, epoch=99,
        maybe_applied=True, output=of_size(1000 + number), error="e" * MAX_ERROR, **changes,
    )  # fmt: skip


def fill_open_step(step: StepRecord, number: int) -> StepRecord:
    return fill_step(
        step, number, awaits=Phase.COMPENSATE, unbegun=True, scheduled_at=NOW,
        timeout_seconds=1740.5, waits_until=NOW + timedelta(days=9), waits_for_signal=True,
    )  # fmt: skip


@pytest.mark.parametrize("output", [1000, 20_000])
@pytest.mark.parametrize("first", [0, 140, MAX_STEPS - MAX_GROUP])
def test_the_largest_declarable_saga_fits_into_a_64_kib_record(first: int, output: int) -> None:
    saga = make_saga(MAX_STEPS, name="n" * 97)
    steps = [
        (fill_open_step if first <= step.index < first + MAX_GROUP else fill_step)(step, step.index)
        for step in saga.steps
    ]
    steps = [replace(step, output=of_size(output + step.index)) for step in steps]
    saga = replace(
        saga, steps=steps, status=SagaStatus.FAILED, error="e" * MAX_SUMMARY,
        parked_because="p" * MAX_SUMMARY, stopping="parent_rolled_back", paused=True,
        parked_in=SagaStatus.ROLLING_BACK, requests=[f"{'d' * 16} 1000 {'k' * 200}"] * 10,
        traceparent="t" * 55, parent_id="i" * 1000, parent_step=7, result=of_size(15_000),
        payload=of_size(16_000), deadline_at=NOW, due="p" * 40, current_step=first,
    )  # fmt: skip
    events = [make_event(number, "e" * MAX_TEXT) for number in range(1, 200)]
    packed = pack(saga, events, range(MAX_STEPS))
    assert size_of(packed.saga) <= MAX_RECORD
    assert packed.saga.payload.startswith("@")
    assert all(size_of(page) < MAX_VALUE_BYTES for page in packed.step_pages)
    # As loaded for the next commit: nothing moves again.
    loaded = replace(packed.saga, steps=[*packed.saga.steps, *_steps_in(packed.step_pages)])
    loaded.steps.sort(key=lambda step: step.index)
    assert [step.index for step in loaded.steps] == list(range(MAX_STEPS))
    again = pack(loaded, [make_event(200)], {first})
    assert size_of(again.saga) <= MAX_RECORD
    assert (again.step_pages, again.dissolved) == ([], [])


def _steps_in(pages: list[StepPage]) -> list[StepRecord]:
    return [step for page in pages for step in page.steps]


@pytest.mark.parametrize(("fill", "most"), [(fill_step, 0), (fill_open_step, OPEN_STEP_SIZE)])
def test_a_step_takes_no_more_bytes_than_its_declaration_counts(
    fill: Callable[..., StepRecord], most: int
) -> None:
    saga = make_saga(20, payload=of_size(20_000))
    full = [
        replace(fill(step, 0), error="", output=value, signal=value)
        for step in saga.steps
        for value in [of_size(20_000 + step.index)]
    ]
    few, many = (size_of(pack(replace(saga, steps=full[:n])).saga) for n in (10, 20))
    assert (many - few) / 10 < STEP_SIZE + len("s10") + most


@pytest.mark.parametrize("size", [MAX_INLINE - 100, MAX_INLINE + 1, MAX_OUTPUT])
def test_a_large_value_moves_out_and_is_read_back_unchanged(size: int) -> None:
    saga = make_saga(payload=of_size(size))
    packed = pack(saga)
    moved = size > MAX_INLINE
    assert is_reference(packed.saga.payload) is moved
    assert [value.text for value in packed.values] == [saga.payload] * moved
    assert find_missing(packed.saga) == packed.saga.values == [v.id for v in packed.values]
    assert size_of(packed.saga) <= MAX_RECORD


def test_many_small_values_move_out_too_the_largest_first() -> None:
    saga = make_saga(30)
    steps = [replace(each, output=of_size(2000 + 400 * each.index)) for each in saga.steps]
    packed = pack(replace(saga, steps=steps))
    assert size_of(packed.saga) <= MAX_RECORD
    kept = [step.index for step in packed.saga.steps if not is_reference(step.output or "")]
    assert kept == list(range(len(kept)))
    assert 5 < len(kept) < 30


def test_a_value_is_written_only_once() -> None:
    first = pack(make_saga(payload=of_size(MAX_PAYLOAD)))
    loaded = replace(
        first.saga, payload=first.values[0].text, steps=unpack(first.saga, first.saga.steps)
    )
    again = pack(loaded, [make_event(2)])
    assert again.values == []
    assert again.saga.payload == first.saga.payload
    assert pack(first.saga).saga == first.saga


def test_a_signal_that_is_also_the_output_is_one_entity() -> None:
    saga = make_saga()
    [step] = saga.steps
    both = replace(step, signal=of_size(MAX_OUTPUT), output=of_size(MAX_OUTPUT))
    packed = pack(replace(saga, steps=[both]))
    assert len(packed.values) == 1
    assert packed.saga.steps[0].signal == packed.saga.steps[0].output


@pytest.mark.parametrize("error", ["", "é" * (MAX_TEXT // 2)])
def test_old_events_move_to_pages_and_the_trail_stays_complete(error: str) -> None:
    saga, pages = make_saga(), []
    for number in range(2, 402):
        packed = pack(saga, [make_event(number, error)])
        saga = packed.saga
        pages += packed.pages
        assert size_of(saga) <= MAX_RECORD
        assert sum(map(len, saga.events)) <= MAX_RECENT_EVENTS
    texts = [text for page in pages for text in page.events]
    assert [event.id for event in read_events([*texts, *saga.events])] == list(range(2, 402))
    assert [page.id for page in pages] == list(range(1, saga.pages + 1))


def test_a_page_of_events_always_fits_into_an_entity() -> None:
    packed = pack(make_saga(), [make_event(n, "\x01" * MAX_TEXT) for n in range(2, 102)])
    assert all(size_of(page) < 2 * MAX_PAGE < MAX_VALUE_BYTES for page in packed.pages)
    assert sum(len(page.events) for page in packed.pages) + len(packed.saga.events) == 100


def test_a_childs_id_is_stored_without_its_parents_id() -> None:
    saga = make_saga()
    [step] = saga.steps
    saga = replace(saga, steps=[replace(step, child=f"{saga.id}:ship~2")])
    packed = pack(saga)
    assert packed.saga.steps[0].child == ":ship~2"
    assert unpack(packed.saga, packed.saga.steps) == saga.steps
