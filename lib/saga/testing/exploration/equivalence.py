"""Finds runs that have reached the same state: what follows needs to be explored only once.

Many single faults leave no trace: the run continues as it would have without them. Times are
compared relative to now and in whole seconds, because latencies differ by milliseconds.
"""

from collections.abc import Hashable
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from lib.saga.state.layout import read_events
from lib.saga.state.records import EventPage, EventRecord, SagaRecord
from lib.saga.testing.simulation.state.snapshot import Snapshot

#: Fields that do not affect a run, because they are for people. Events are compared separately.
IGNORED = frozenset(
    {"created_at", "created_mark", "ended_mark", "updated_at", "version", "events"}
    | {"cost", "unsaved_cost", "stands", "stands_since"}
)


def describe_state(snapshot: Snapshot) -> Hashable:
    """Return a value that is equal for states from which the same faults have the same effects."""
    state, now = snapshot.state, snapshot.now
    history, requests = state.history, state.requests
    held = tuple(
        (each.name, each.until and each.until - state.events, _freeze(each.task, now))
        for each in state.held
    )
    sent = (frozenset(requests.sent), frozenset(requests.absent), frozenset(requests.refused))
    stored = snapshot.memory.entities.items()
    return (
        tuple((path, _freeze(each.entity, now)) for path, each in stored),
        snapshot.queue.names,
        _freeze(snapshot.queue.tasks, now),
        _freeze(history.calls, now),
        frozenset(history.applied.items()),
        frozenset(history.undone.items()),
        frozenset(page for page, _ in history.pages),
        held,
        (state.unrepeated, snapshot.deployed, state.may_need_sweep, state.has_looked),
        _freeze((state.next_sweep, state.last_life), now),
        (sent, requests.retried),
    )


def _freeze(value: Any, now: datetime) -> Hashable:
    """Return a hashable value, with times as seconds from now."""
    if isinstance(value, datetime):
        return round((value - now) / timedelta(seconds=1))
    if isinstance(value, str):
        return _freeze_mark(value, now) if "|" in value else str(value)
    if isinstance(value, list | tuple):
        return tuple(_freeze(each, now) for each in value)
    if isinstance(value, SagaRecord | EventPage):
        return (_freeze_fields(value, now), _freeze(read_events(value.events), now))
    if is_dataclass(value):
        return _freeze_fields(value, now)
    if isinstance(value, EventRecord):
        return _freeze(msgspec.structs.astuple(value), now)
    return value  # type: ignore[no-any-return]


def _freeze_fields(value: Any, now: datetime) -> Hashable:
    names = (each.name for each in fields(value) if each.name not in IGNORED)
    return tuple(_freeze(getattr(value, name), now) for name in names)


def _freeze_mark(mark: str, now: datetime) -> Hashable:
    """Return a saga's due mark with its time as seconds from now."""
    shard, _, time = mark.rpartition("|")
    try:
        return shard, _freeze(datetime.fromisoformat(f"{time}+00:00"), now)
    except ValueError:
        return mark
