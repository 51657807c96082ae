"""The sweep: sagas whose delivery the queue has lost are delivered again.

It also logs the alerts that a killed process has left unlogged, and purges what has expired.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from lib.datastore import Key, key
from lib.errors import AmendsError
from lib.logs import log
from lib.saga import alerts
from lib.saga.barrier import Effect
from lib.saga.calling import idempotency_key
from lib.saga.engine import Engine
from lib.saga.journal import Journal, event_keys, step_keys
from lib.saga.records import FINISHED, SHARDS, DeadLetter, SagaRecord, purge_mark, shard_of
from lib.saga.retention import expires_by_ttl

T = TypeVar("T", SagaRecord, DeadLetter)

#: A child saga that is kept for its unfinished parent is looked at again after this time.
POSTPONED = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep did: sagas found overdue, delivered again, and left to the next sweep.

    `alerted` is the number of dead letters whose alert was still to be logged, `purged` that of
    finished sagas that have expired and are gone now.
    """

    found: int
    delivered: int
    left: int
    alerted: int = 0
    purged: int = 0


def sweep(
    engine: Engine,
    clock: Callable[[], datetime],
    *,
    limit: int = 200,
    budget: timedelta = timedelta(seconds=45),
) -> Swept:
    """Deliver overdue sagas again, the longest overdue first, within `limit` and `budget`.

    What is left of both then goes to alerts and to purging. Two sweeps at once are harmless:
    each saga's version lets one of them through.
    """
    started = clock()

    def time_is_left() -> bool:
        return clock() - started <= budget

    journal = engine.journal
    sagas = _merge((journal.overdue(shard, started, limit) for shard in range(SHARDS)), limit)
    delivered = _each(sagas, time_is_left, engine.redeliver)
    letters = list(journal.unalerted(limit)) if time_is_left() else []
    alerted = _each(letters, time_is_left, lambda letter: _announce(engine, letter))
    purged = _purge_all(engine, started, limit, time_is_left)
    swept = Swept(
        found=len(sagas),
        delivered=sum(delivered),
        left=len(sagas) - len(delivered),
        alerted=sum(alerted),
        purged=purged,
    )
    if sagas:
        alerts.log_overdue(swept.found, swept.delivered, swept.left, sagas[0])
    return swept


def _each(
    items: Iterable[T], may_go_on: Callable[[], bool], act: Callable[[T], bool]
) -> list[bool]:
    """Act on each item while there is time; an item that fails is left to the next sweep."""
    done: list[bool] = []
    for item in items:
        if not may_go_on():
            break
        try:
            done.append(act(item))
        except AmendsError as problem:
            done.append(False)
            log("WARNING", "left to the next sweep", saga=item.id,
                error=problem.detail)  # fmt: skip
    return done


def _merge(shards: Iterable[Iterable[SagaRecord]], limit: int) -> list[SagaRecord]:
    """Return the sagas of all shards in order of time: what follows the shard in their marks."""
    return list(islice(heapq.merge(*shards, key=lambda saga: (saga.due or "")[3:]), limit))


def _purge_all(engine: Engine, now: datetime, limit: int, may_go_on: Callable[[], bool]) -> int:
    """Purge what has expired while there is time; return how many sagas that were."""
    purged = 0
    while may_go_on():
        done = _each(
            _find_expired(engine.journal, now, limit),
            may_go_on,
            lambda saga: _purge(engine, saga, now),
        )
        purged += sum(done)
        if not any(done):
            break
    return purged


def _find_expired(journal: Journal, now: datetime, limit: int) -> list[SagaRecord]:
    shards = (journal.purgeable(shard, now, limit) for shard in range(SHARDS))
    return [saga for sagas in shards for saga in sagas][:limit]


def _purge(engine: Engine, saga: SagaRecord, now: datetime) -> bool:
    """Delete a saga that has expired; a child waits for its parent, which may roll it back."""
    journal = engine.journal
    parent = journal.find(saga.parent_id) if saga.parent_id else None
    if parent is not None and parent.status not in FINISHED:
        journal.postpone(saga, purge_mark(shard_of(saga.id), now + POSTPONED))
        return False
    effects = [key(Effect, idempotency_key(saga.id, name)) for name in _names_of(engine, saga)]
    records: list[Key[Any]] = []
    if not expires_by_ttl(saga, engine.retention):
        records = [*event_keys(saga), *step_keys(saga.id, saga.total_steps)]
    journal.purge(saga, effects, records)
    return True


def _names_of(engine: Engine, saga: SagaRecord) -> list[str]:
    """Return the names of a saga's steps; of its definition's, if the steps are gone already."""
    loaded = engine.journal.load(saga.id, saga.total_steps)
    if loaded is not None:
        return [step.name for step in loaded.steps]
    definition = engine.definitions.get((saga.name, saga.definition_version))
    return [part.name for part in definition.parts] if definition else []


def _announce(engine: Engine, letter: DeadLetter) -> bool:
    engine.announce(letter)
    return True
