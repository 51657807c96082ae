"""The layout of a saga in Datastore: one record, and entities for what has outgrown it.

A record has at most MAX_RECORD bytes: large values and old events move out in the commit that
would make it larger, and errors are truncated. Declarations limit what remains: see
`lib.saga.definition.saga_checks.sizes`.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import msgspec

from lib.saga.definition.saga_checks.sizes import MAX_STEPS_SIZE, STEP_SIZE
from lib.saga.state.limits import (
    MAX_ERRORS,
    MAX_INLINE,
    MAX_PAGE_EVENTS,
    MAX_RECENT_EVENTS,
    MAX_RECORD,
)
from lib.saga.state.records import (
    EventPage,
    EventRecord,
    SagaRecord,
    StepPage,
    StepRecord,
    ValueRecord,
)
from lib.saga.state.step_pages import arrange, span_of, steps_outside
from lib.saga.state.text import size_of, storable
from lib.saga.state.values import (
    is_reference,
    name_value,
    refer_to,
    replace_values,
    values_of,
    values_of_step,
)

#: The bytes of a record without its texts, values and steps, with room for one more value's name.
BASE_SIZE = 2 * 1024

#: The bytes that a step in flight takes in addition to those of any step.
OPEN_STEP_SIZE = 270

#: The bytes that a stored event, or the name of a value, takes in addition to its text.
ITEM_SIZE = 10

#: The maximum bytes of a value in a page of steps.
MAX_PAGED = 2 * 1024

#: Smaller values stay in the record, in bytes: a reference would take as much.
MIN_MOVED = 64

#: The bytes of newest events that stay in the record when older ones move.
KEPT_EVENTS = 4 * 1024

#: The maximum bytes of the events of one page.
MAX_PAGE = 256 * 1024

_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder(EventRecord)


class Packed(NamedTuple):
    """A saga as stored: its record, and the entities that move out of it in this commit."""

    saga: SagaRecord
    values: list[ValueRecord]
    pages: list[EventPage]
    step_pages: list[StepPage]
    #: The names of the step pages that this commit deletes.
    dissolved: list[str]


def pack(
    saga: SagaRecord, new: Sequence[EventRecord] = (), changed: Collection[int] = ()
) -> Packed:
    """Return a saga as stored, with new events. `saga` is not changed.

    `changed` are the indexes of the steps that have changed since it was loaded. A saga that was
    loaded without all its steps keeps the others where they are.
    """
    packed = replace(saga, steps=_pack_steps(saga))
    packed, step_pages, paged_values = _move_steps(packed, changed)
    dissolved = [name for name in saga.step_pages if name not in packed.step_pages]
    fixed = _measure(packed)
    pages = _move_events(packed, [_encoder.encode(event).decode() for event in new], fixed)
    packed, values = _move_values(packed, MAX_RECORD - fixed - _measure_all(packed.events))
    return Packed(packed, [*paged_values, *values], pages, step_pages, dissolved)


def unpack(saga: SagaRecord, steps: Sequence[StepRecord]) -> list[StepRecord]:
    """Return steps of a saga, stored or not, with the full ids of their children."""
    return [_with_full_id(saga, step) for step in steps]


def read_events(texts: Sequence[str]) -> list[EventRecord]:
    """Decode stored events."""
    return [_decoder.decode(text) for text in texts]


def _pack_steps(saga: SagaRecord) -> list[StepRecord]:
    steps = [_pack_step(saga, step) for step in saga.steps]
    errors = [size_of(step.error) for step in steps if step.error]
    if sum(errors) <= MAX_ERRORS:
        return steps
    most = MAX_ERRORS // len(errors)
    return [replace(step, error=storable(step.error, most)) for step in steps]


def _pack_step(saga: SagaRecord, step: StepRecord) -> StepRecord:
    """Return a step without what only a step in flight needs, and without its saga's id."""
    if step.child:
        step = replace(step, child=step.child.removeprefix(saga.id))
    if step.scheduled_at is not None and not step.is_open:
        step = replace(step, scheduled_at=None, timeout_seconds=0.0, waits_until=None, inline=False)
    return step


def _with_full_id(saga: SagaRecord, step: StepRecord) -> StepRecord:
    return replace(step, child=saga.id + step.child) if step.child.startswith(":") else step


def _move_steps(
    saga: SagaRecord, changed: Collection[int]
) -> tuple[SagaRecord, list[StepPage], list[ValueRecord]]:
    """Return a record without the steps that it has no room for, and their entities."""
    if len(saga.steps) < saga.total_steps and saga.step_pages:
        return saga, [], []
    room = MAX_STEPS_SIZE - _measure_all(saga.values)
    pages = arrange(saga, changed, _measure_steps, room)
    if not pages.names:
        return (replace(saga, step_pages=[]) if saga.step_pages else saga), [], []
    outside = steps_outside(saga.steps, pages.names)
    leaving = [saga.steps[index] for name in pages.new for index in span_of(name)]
    moved, values = _refer(replace(saga, steps=leaving), _large_values(leaving))
    steps = iter(moved.steps)
    entities = [
        StepPage(saga_id=saga.id, id=name, steps=list(islice(steps, len(span_of(name)))))
        for name in pages.new
    ]
    saga = replace(saga, steps=outside, step_pages=pages.names, values=moved.values)
    return saga, entities, values


def _large_values(steps: Sequence[StepRecord]) -> list[str]:
    values = (value for step in steps for value in values_of_step(step))
    return [each for each in values if size_of(each) > MAX_PAGED and not is_reference(each)]


def _measure(saga: SagaRecord) -> int:
    """Return an upper bound of a record's size in bytes, without its values and events."""
    texts = (saga.id, saga.parent_id, saga.name, saga.error, saga.parked_because, saga.stopping)
    own = sum(map(size_of, texts)) + _measure_all(saga.requests) + _measure_all(saga.values)
    return BASE_SIZE + own + _measure_all(saga.step_pages) + _measure_steps(saga.steps)


def _measure_steps(steps: Sequence[StepRecord]) -> int:
    return sum(map(_measure_step, steps))


def _measure_step(step: StepRecord) -> int:
    texts = (step.name, step.service, step.error, step.child)
    size = STEP_SIZE + sum(map(size_of, texts))
    return size + OPEN_STEP_SIZE if step.is_open else size


def _measure_all(texts: Sequence[str]) -> int:
    return sum(map(size_of, texts)) + ITEM_SIZE * len(texts)


def _move_events(saga: SagaRecord, new: Sequence[str], fixed: int) -> list[EventPage]:
    """Add events to a record, in place; return the pages that older events move to."""
    saga.events = [*saga.events, *new]
    room = min(MAX_RECENT_EVENTS, MAX_RECORD - fixed)
    if _measure_all(saga.events) <= room and len(saga.events) <= MAX_PAGE_EVENTS:
        return []
    kept, left = len(saga.events), min(KEPT_EVENTS, room)
    while kept and (left := left - size_of(saga.events[kept - 1]) - ITEM_SIZE) >= 0:
        kept -= 1
    older, saga.events = saga.events[:kept], saga.events[kept:]
    pages = [
        EventPage(saga_id=saga.id, id=saga.pages + number, events=events)
        for number, events in enumerate(_cut(older), 1)
    ]
    saga.pages += len(pages)
    return pages


def _cut(events: Sequence[str]) -> list[list[str]]:
    """Split events into pages of at most MAX_PAGE bytes and MAX_PAGE_EVENTS events."""
    pages: list[list[str]] = [[]]
    left = MAX_PAGE
    for event in events:
        left -= size_of(event) + ITEM_SIZE
        if (left < 0 and pages[-1]) or len(pages[-1]) == MAX_PAGE_EVENTS:
            pages.append([])
            left = MAX_PAGE - size_of(event) - ITEM_SIZE
        pages[-1].append(event)
    return pages


def _move_values(saga: SagaRecord, room: int) -> tuple[SagaRecord, list[ValueRecord]]:
    """Return a record with references to values that are too large for it, and their entities.

    The largest values move first. A value that already has an entity is not written again.
    """
    inline = [value for value in values_of(saga) if not is_reference(value)]
    if 4 * sum(map(len, inline)) <= min(room, MAX_INLINE):  # a character is at most 4 bytes
        return saga, []
    times = Counter(inline)
    sizes = {value: size_of(value) for value in times}
    left = room - sum(sizes[value] * times[value] for value in times)
    moved: list[str] = []
    for value in sorted(sizes, key=lambda each: sizes[each], reverse=True):
        if sizes[value] <= MIN_MOVED or (sizes[value] <= MAX_INLINE and left >= 0):
            break
        left += sizes[value] * times[value]
        moved.append(value)
    return _refer(saga, moved)


def _refer(saga: SagaRecord, moved: Sequence[str]) -> tuple[SagaRecord, list[ValueRecord]]:
    """Return a record with references to these values, and the entities of those without one."""
    if not moved:
        return saga, []
    names = {value: name_value(value) for value in moved}
    written = {name: value for value, name in names.items() if name not in saga.values}
    instead = {value: refer_to(name) for value, name in names.items()}
    packed = replace(replace_values(saga, instead), values=[*saga.values, *written])
    return packed, [
        ValueRecord(saga_id=saga.id, id=name, text=text) for name, text in written.items()
    ]
