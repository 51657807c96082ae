"""How sagas are kept in Datastore: what the engine reads and writes, in the fewest calls."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lib.datastore import Key, Query, Store, insert, key, update, upsert
from lib.saga.draft import Decision
from lib.saga.records import EventRecord, SagaRecord, StepRecord, due_mark

Loaded = tuple[SagaRecord, list[StepRecord]]


class Journal:
    """The records of all sagas."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def load(self, saga_id: str, steps: int) -> Loaded | None:
        """Return a saga and its steps with one lookup; None when there is no such saga."""
        wanted: list[Key[Any]] = [key(SagaRecord, saga_id), *step_keys(saga_id, steps)]
        saga, *found = self.store.find_multi(wanted)
        return (saga, found) if saga is not None and None not in found else None

    def find(self, saga_id: str) -> SagaRecord | None:
        """Return a saga without its steps, or None."""
        return self.store.find(key(SagaRecord, saga_id))

    def create(self, decision: Decision) -> None:
        """Write a new saga whole, in one commit; AlreadyExists when its id is taken."""
        self.store.apply(
            insert(decision.saga), *map(insert, decision.steps), *map(insert, decision.events)
        )

    def save(self, decision: Decision) -> None:
        """Write a decision whole, in one commit; VersionMismatch when the saga has moved on."""
        letters = [decision.dead_letter] if decision.dead_letter else []
        self.store.apply(
            update(decision.saga, if_version=decision.saga.version),
            *map(update, decision.steps),
            *map(insert, decision.events),
            *map(upsert, letters),
        )

    def overdue(self, shard: int, now: datetime, limit: int) -> Sequence[SagaRecord]:
        """Return the sagas of a shard past their due time, longest overdue first."""
        overdue = Query(SagaRecord).where("due", ">=", due_mark(shard, datetime.min))
        return self.store.run(
            overdue.where("due", "<=", due_mark(shard, now)).order("due"), limit=limit
        )

    def events(self, saga_id: str, limit: int) -> Sequence[EventRecord]:
        """Return the first events of a saga's audit trail, in order."""
        trail = Query(EventRecord).ancestor(key(SagaRecord, saga_id))
        return self.store.run(trail.order("id"), limit=limit)


def step_keys(saga_id: str, steps: int) -> list[Key[StepRecord]]:
    """Return the keys of a saga's steps, in order."""
    return [key(StepRecord, saga_id, index + 1) for index in range(steps)]
