"""The records of sagas in Datastore, read and written in as few calls as possible."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from lib.datastore import (
    SHARDS,
    Combination,
    Key,
    Mutation,
    Query,
    Results,
    Store,
    Transaction,
    UnreadableEntity,
    all_of,
    any_of,
    collect,
    delete,
    insert,
    key,
    update,
    upsert,
)
from lib.errors import NotFound, Unreadable
from lib.saga.machine.decision.decision import Decision
from lib.saga.state.records import (
    DeadLetter,
    EventRecord,
    Loaded,
    SagaRecord,
    StepRecord,
    due_mark,
    look_mark,
    purge_mark,
)

T = TypeVar("T")


class SagaRepository:
    """The records of all sagas."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def load(self, saga_id: str, steps: int) -> Loaded | None:
        """Return a saga and its steps with one lookup; None if the saga does not exist."""
        wanted: list[Key[Any]] = [key(SagaRecord, saga_id), *step_keys(saga_id, steps)]
        saga, *found = self.store.find_multi(wanted)
        return Loaded(saga, found) if saga is not None and None not in found else None

    def read_steps(self, saga_id: str) -> tuple[SagaRecord | None, Results[StepRecord]]:
        """Return a saga and its steps for a view: unreadable steps are only named."""
        saga = self.find(saga_id)
        if saga is None:
            return None, Results()
        try:
            loaded = self.load(saga_id, saga.total_steps)
        except Unreadable:
            return saga, collect(self.store.get_multi(step_keys(saga_id, saga.total_steps)))
        return (loaded.saga, Results(loaded.steps)) if loaded else (None, Results())

    def load_both(
        self, saga_id: str, steps: int, child_id: str
    ) -> tuple[Loaded | None, SagaRecord | None]:
        """Return a saga and its steps, and the root of a child of it, with one lookup."""
        wanted: list[Key[Any]] = [key(SagaRecord, child_id), key(SagaRecord, saga_id)]
        child, saga, *found = self.store.find_multi([*wanted, *step_keys(saga_id, steps)])
        whole = saga is not None and None not in found
        return (Loaded(saga, found) if whole else None), child

    def get(self, saga_id: str) -> Loaded:
        """Return a saga and its steps; raise NotFound if the saga does not exist."""
        saga = self.find(saga_id)
        loaded = self.load(saga_id, saga.total_steps) if saga else None
        if loaded is None:
            raise NotFound(f"no saga {saga_id!r}", field="id")
        return loaded

    def find(self, saga_id: str) -> SagaRecord | None:
        """Return a saga without its steps, or None."""
        return self.store.find(key(SagaRecord, saga_id))

    def create(self, decision: Decision) -> None:
        """Write a new saga in one commit; raise AlreadyExists if its id is taken."""
        self.store.apply(*_births(decision))

    def save(self, decision: Decision) -> None:
        """Write a decision in one commit; raise VersionMismatch if the saga has changed since."""
        self.store.apply(*_changes(decision))

    def save_on(self, loaded: Loaded, decision: Decision) -> Loaded:
        """Write a decision that changes the saga, and return what is stored now."""
        saga, *_ = self.store.apply(*_changes(decision))
        changed = {step.id: step for step in decision.steps}
        return Loaded(saga, [changed.get(step.id, step) for step in loaded.steps])

    def acknowledge(self, child: SagaRecord) -> None:
        """Write that a child saga has no parent to notify any more: the parent is gone."""
        self.store.update(child, if_version=child.version)

    def note_alert(self, letter: DeadLetter) -> None:
        """Write that a dead letter's alert was logged; raise NotFound if the letter is gone.

        A saga that was parked again has another letter by now: that one is not marked.
        """
        stored = self.store.get(key(DeadLetter, letter.id))
        if stored.sequence == letter.sequence:
            self.store.update(replace(stored, alerted=True), if_version=stored.version)

    def overdue(
        self, now: datetime, size: int, unreadable: list[UnreadableEntity]
    ) -> Iterator[SagaRecord]:
        """Yield each saga past its due time once, the longest overdue first.

        Each shard is read in pages of `size`; unreadable records are added to `unreadable`.
        """
        due = Query(SagaRecord).order("due")
        shards = (
            self._read(due.where(_is_due(shard, now)), size, unreadable) for shard in range(SHARDS)
        )
        # In a mark the time follows the shard.
        yield from heapq.merge(*shards, key=lambda saga: (saga.due or "")[3:])

    def count_overdue(self, now: datetime, tx: Transaction | None = None) -> int:
        """Return the number of sagas past their due time, by aggregation in Datastore."""
        overdue = Query(SagaRecord).where(any_of(*(_is_due(shard, now) for shard in range(SHARDS))))
        return (tx or self.store).count(overdue)

    def count_parked(self) -> int:
        """Return the number of dead letters, by aggregation in Datastore."""
        return self.store.count(Query(DeadLetter))

    def waiting(
        self, now: datetime, size: int, unreadable: list[UnreadableEntity]
    ) -> Iterator[SagaRecord]:
        """Yield each waiting saga whose look is due once, shard after shard.

        They are read in pages of `size`; unreadable records are added to `unreadable`.
        """
        for shard in range(SHARDS):
            looks = Query(SagaRecord).where("due", ">=", look_mark(shard, datetime.min))
            looks = looks.where("due", "<=", look_mark(shard, now)).order("due")
            yield from self._read(looks, size, unreadable)

    def purgeable(
        self, now: datetime, size: int, unreadable: list[UnreadableEntity]
    ) -> Iterator[SagaRecord]:
        """Yield each finished saga whose retention is over once, shard after shard.

        They are read in pages of `size`; unreadable records are added to `unreadable`.
        """
        for shard in range(SHARDS):
            expired = Query(SagaRecord).where("due", ">=", purge_mark(shard, datetime.min))
            expired = expired.where("due", "<=", purge_mark(shard, now)).order("due")
            yield from self._read(expired, size, unreadable)

    def has_letter(self, saga_id: str) -> bool:
        """Return whether a saga has a dead letter."""
        return self.store.find(key(DeadLetter, saga_id)) is not None

    def postpone(self, saga: SagaRecord, due: str | None) -> None:
        """Write when the sweep is to look at a saga."""
        self.store.update(replace(saga, due=due), if_version=saga.version)

    def purge(self, saga: SagaRecord, *lots: Sequence[Key[Any]]) -> None:
        """Delete what belongs to a finished saga, batch after batch, and then its root.

        If the process dies in between, the root remains, and the next sweep finds it.
        """
        for lot in lots:
            for outcome in self.store.delete_multi(lot):
                outcome.unwrap()
        self.store.delete(key(SagaRecord, saga.id), if_version=saga.version)

    def unalerted(self, size: int, unreadable: list[UnreadableEntity]) -> Iterator[DeadLetter]:
        """Yield each dead letter once whose alert may not have been logged.

        They are read in pages of `size`; unreadable records are added to `unreadable`.
        """
        yield from self._read(Query(DeadLetter).where("alerted", "=", False), size, unreadable)

    def _read(self, query: Query[T], size: int, unreadable: list[UnreadableEntity]) -> Iterator[T]:
        token: str | None = None
        while True:
            page = self.store.page(query, size, token)
            unreadable += page.unreadable
            yield from page.items
            token = page.next_page_token
            if token is None:
                return

    def events(self, saga_id: str, limit: int) -> Results[EventRecord]:
        """Return the first events of a saga's audit trail, in order."""
        trail = Query(EventRecord).ancestor(key(SagaRecord, saga_id))
        return self.store.run(trail.order("id"), limit=limit)


def step_keys(saga_id: str, steps: int) -> list[Key[StepRecord]]:
    """Return the keys of a saga's steps, in order."""
    return [key(StepRecord, saga_id, index + 1) for index in range(steps)]


def event_keys(saga: SagaRecord) -> list[Key[EventRecord]]:
    """Return the keys of a saga's events, in order."""
    return [key(EventRecord, saga.id, number + 1) for number in range(saga.sequence)]


def _is_due(shard: int, now: datetime) -> Combination:
    return all_of(("due", ">=", due_mark(shard, datetime.min)), ("due", "<=", due_mark(shard, now)))


def _births(decision: Decision) -> list[Mutation]:
    below = [each for child in decision.children for each in _births(child)]
    records = (decision.saga, *decision.steps, *decision.events)
    letter = [upsert(decision.dead_letter)] if decision.dead_letter else []
    return [*map(insert, records), *letter, *below]


def _changes(decision: Decision) -> list[Mutation]:
    changes: list[Mutation] = []
    if decision.events or decision.ended_child:
        # A write to the child is valid only for the parent as it was read, changed or not.
        changes.append(update(decision.saga, if_version=decision.saga.version))
    if decision.events:
        changes += [*map(update, decision.steps), *map(insert, decision.events)]
    if decision.expiry:
        changes += _expirations(decision, decision.expiry)
    if decision.dead_letter:
        changes.append(upsert(decision.dead_letter))
    elif decision.unparked:
        changes.append(delete(key(DeadLetter, decision.saga.id)))
    if decision.ended_child:
        changes.append(update(decision.ended_child, if_version=decision.ended_child.version))
    return changes + [each for child in decision.children for each in _births(child)]


def _expirations(decision: Decision, at: datetime) -> list[Mutation]:
    """Return the writes that set the expiry of the records that the decision does not change."""
    saga, written = decision.saga, {step.id for step in decision.steps}
    now = saga.updated_at
    steps = [
        StepRecord(saga_id=saga.id, id=number, name="", service="", updated_at=now, expires_at=at)
        for number in range(1, saga.total_steps + 1)
        if number not in written
    ]
    events = [
        EventRecord(saga_id=saga.id, id=number, at=now, step="", from_status="", to_status="",
                    attempt=0, cause="", actor="", error="", expires_at=at)
        for number in range(1, saga.sequence - len(decision.events) + 1)
    ]  # fmt: skip
    return [update(record, mask=["expires_at"]) for record in (*steps, *events)]
