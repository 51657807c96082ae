"""The records of sagas in Datastore, read and written in as few calls as possible."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from operator import attrgetter
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
from lib.errors import Contention, NotFound, Unreadable
from lib.saga.machine.decision.decision import Decision
from lib.saga.state.cost import NOTHING, Cost, lookup_of
from lib.saga.state.layout import Packed, pack, read_events, unpack
from lib.saga.state.records import (
    DeadLetter,
    EventPage,
    EventRecord,
    Loaded,
    SagaRecord,
    StepPage,
    ValueRecord,
    due_mark,
    look_mark,
    purge_mark,
)
from lib.saga.state.values import find_missing, refer_to, replace_values

T = TypeVar("T")

#: The maximum number of event pages read with one lookup: each may have 256 KiB.
PAGES = 12

#: How often a saga that has changed is read again with its steps.
MAX_REREADS = 10

#: The maximum number of records that are deleted in the commit that deletes their saga.
MAX_PURGED = 400


class SagaRepository:
    """The records of all sagas."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def load(self, saga_id: str) -> Loaded | None:
        """Return a saga and its steps with one lookup of one key; None if it does not exist.

        The steps of a long saga take one more: see `load_steps`.
        Large values stay references: see `fill`.
        """
        saga = self.find(saga_id)
        return None if saga is None else self.load_steps(saga)

    def load_steps(self, saga: SagaRecord) -> Loaded:
        """Return a saga that was read or written, with all its steps.

        If it has too many for its record, that takes one more lookup. If it has changed since it
        was read, it is read again; raises NotFound if it is gone, and Contention if it changes all
        the time.
        """
        for _ in range(MAX_REREADS):
            if not saga.step_pages or len(saga.steps) == saga.total_steps:
                return Loaded(saga, unpack(saga, saga.steps))
            keys = [key(StepPage, saga.id, name) for name in saga.step_pages]
            pages = self.store.find_multi(keys)
            saga = replace(saga, unsaved_cost=saga.unsaved_cost + lookup_of(len(keys)))
            if all(pages):
                steps = [*saga.steps, *(step for page in pages for step in page.steps)]
                saga.steps = unpack(saga, sorted(steps, key=attrgetter("index")))
                return Loaded(saga, saga.steps)
            again = self.find(saga.id)
            if again is None:
                raise NotFound(f"saga {saga.id!r} is gone")
            again.unsaved_cost += saga.unsaved_cost
            saga = again
        raise Contention(f"saga {saga.id}: its steps change all the time")

    def load_both(self, saga_id: str, child_id: str) -> tuple[Loaded | None, SagaRecord | None]:
        """Return a saga and its steps, and the record of a child of it, with one lookup."""
        keys = [key(SagaRecord, saga_id), key(SagaRecord, child_id)]
        saga, child = self.store.find_multi(keys)
        if child is not None:
            child.unsaved_cost = Cost(reads=1)
        if saga is None:
            return None, child
        saga.unsaved_cost = lookup_of(1)
        return self.load_steps(saga), child

    def get(self, saga_id: str) -> Loaded:
        """Return a saga and its steps; raise NotFound if the saga does not exist."""
        loaded = self.load(saga_id)
        if loaded is None:
            raise NotFound(f"no saga {saga_id!r}", field="id")
        return loaded

    def find(self, saga_id: str) -> SagaRecord | None:
        """Return a saga's record, or None."""
        saga = self.store.find(key(SagaRecord, saga_id))
        if saga is not None:
            saga.unsaved_cost = lookup_of(1)
        return saga

    def fill(self, loaded: Loaded) -> Loaded:
        """Return a saga with its large values, by one more lookup if it has any.

        Raises Unreadable if one is gone.
        """
        if not find_missing(loaded.saga):
            return loaded
        filled = self.fill_record(replace(loaded.saga, steps=loaded.steps))
        loaded.saga.unsaved_cost = filled.unsaved_cost
        return Loaded(filled, filled.steps)

    def fill_record(self, saga: SagaRecord) -> SagaRecord:
        """Return a saga's record with its large values. Raises as `fill` does."""
        names = find_missing(saga)
        if not names:
            return saga
        found = self.store.find_multi([key(ValueRecord, saga.id, name) for name in names])
        saga.unsaved_cost += lookup_of(len(names))
        gone = next((name for name, each in zip(names, found, strict=True) if each is None), "")
        if gone:
            where = f"Saga({saga.id!r})/SagaValue({gone!r})"
            raise Unreadable(f"{where} is gone", kind="SagaValue", key=where)
        texts = {refer_to(name): each.text for name, each in zip(names, found, strict=True)}
        return replace_values(saga, texts)

    def result_of(self, child: SagaRecord) -> str | None:
        """Return a finished child's output for its parent; a large one takes a lookup."""
        filled = self.fill_record(replace(child, payload="null", steps=[]))
        child.unsaved_cost = filled.unsaved_cost
        return filled.result

    def create(self, decision: Decision) -> SagaRecord:
        """Write a new saga in one commit; raise AlreadyExists if its id is taken."""
        return self._write(decision, insert)

    def save(self, decision: Decision) -> SagaRecord:
        """Write a decision in one commit, and return the saga as stored.

        Raises VersionMismatch if the saga has changed since it was loaded.
        """
        return self._write(decision, partial(update, if_version=decision.saga.version))

    def _write(
        self, decision: Decision, write_record: Callable[[SagaRecord], Mutation]
    ) -> SagaRecord:
        saga = decision.saga
        packed = _lay_out(decision, commits=1)
        stored, *_ = self.store.apply(
            write_record(packed.saga), *_overflow_writes(packed), *_related_writes(decision)
        )
        return replace(
            saga,
            events=packed.saga.events,
            pages=packed.saga.pages,
            step_pages=packed.saga.step_pages,
            values=packed.saga.values,
            cost=packed.saga.cost,
            unsaved_cost=NOTHING,
            version=stored.version,
        )

    def _rewrite(self, saga: SagaRecord) -> None:
        self.store.apply(*_updates(saga, commits=1))

    def acknowledge(self, child: SagaRecord) -> None:
        """Write that a child saga no longer has a parent to notify: the parent is gone."""
        self._rewrite(child)

    def note_alert(self, letter: DeadLetter) -> None:
        """Write that a dead letter's alert was logged; raise NotFound if the letter is gone.

        If the saga was parked again in the meantime, it has a new letter, which stays unmarked.
        """
        stored = self.store.get(key(DeadLetter, letter.id))
        if stored.sequence == letter.sequence:
            self.store.update(replace(stored, alerted=True), if_version=stored.version)

    def overdue(
        self, now: datetime, size: int, unreadable: list[UnreadableEntity]
    ) -> Iterator[SagaRecord]:
        """Yield each overdue saga once, the longest overdue first.

        Each shard is read in pages of `size`; unreadable records are added to `unreadable`.
        """
        due = Query(SagaRecord).order("due")
        shards = (
            self._read(due.where(_is_due(shard, now)), size, unreadable) for shard in range(SHARDS)
        )
        # Compare without the shard, which is in front of the time.
        yield from heapq.merge(*shards, key=lambda saga: (saga.due or "")[3:])

    def count_overdue(self, now: datetime, tx: Transaction | None = None) -> int:
        """Return the number of overdue sagas, by aggregation in Datastore."""
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
        """Write the time at which the sweep should look at a saga."""
        self._rewrite(replace(saga, due=due))

    def purge(self, saga: SagaRecord, effects: Sequence[Key[Any]]) -> None:
        """Delete a finished saga with all that belongs to it, including `effects`, in one commit.

        What does not fit into one commit is deleted first: if the process dies in between, the
        record remains, and the next sweep finds it. Raises VersionMismatch if the saga has changed.
        """
        pages = [key(EventPage, saga.id, number + 1) for number in range(saga.pages)]
        steps = [key(StepPage, saga.id, name) for name in saga.step_pages]
        values = [key(ValueRecord, saga.id, name) for name in saga.values]
        below = [*effects, *values, *steps, *pages]
        if len(below) > MAX_PURGED:
            for outcome in self.store.delete_multi(below[MAX_PURGED:]):
                outcome.unwrap()
        record = delete(key(SagaRecord, saga.id), if_version=saga.version)
        self.store.apply(record, *map(delete, below[:MAX_PURGED]))

    def unalerted(self, size: int, unreadable: list[UnreadableEntity]) -> Iterator[DeadLetter]:
        """Yield, once each, the dead letters whose alert may not have been logged.

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

    def events(self, saga_id: str) -> Results[EventRecord]:
        """Return a saga's whole audit trail, in order."""
        saga = self.find(saga_id)
        if saga is None:
            return Results()
        older = self._read_pages(saga, range(1, saga.pages + 1))
        texts = [text for page in older for text in page.events]
        return Results(read_events([*texts, *saga.events]), older.unreadable)

    def events_of(self, saga: SagaRecord, page: int | None = None) -> Results[EventRecord]:
        """Return the newest events of a saga, in order; or those of a page, by one lookup."""
        if page is None:
            return Results(read_events(saga.events))
        pages = self._read_pages(saga, range(page, page + 1))
        return Results(read_events([t for each in pages for t in each.events]), pages.unreadable)

    def _read_pages(self, saga: SagaRecord, numbers: range) -> Results[EventPage]:
        return collect(self.store.get_multi([key(EventPage, saga.id, each) for each in numbers]))


def _is_due(shard: int, now: datetime) -> Combination:
    return all_of(("due", ">=", due_mark(shard, datetime.min)), ("due", "<=", due_mark(shard, now)))


def _updates(saga: SagaRecord, *, commits: int) -> list[Mutation]:
    """Return the writes of a saga whose steps have not changed."""
    packed = _count(pack(saga), commits=commits)
    return [update(packed.saga, if_version=saga.version), *_overflow_writes(packed)]


def _lay_out(decision: Decision, *, commits: int) -> Packed:
    """Return a decision's own saga as it is stored; its commit may be that of another saga."""
    letters = 1 if decision.dead_letter or decision.unparked else 0
    changed = {step.index for step in decision.steps}
    packed = pack(decision.saga, decision.events, changed)
    return _count(packed, commits=commits, letters=letters)


def _count(packed: Packed, *, commits: int, letters: int = 0) -> Packed:
    """Add what a commit costs to the record that it writes."""
    saga = packed.saga
    writes = 1 + len(_overflow_writes(packed)) + letters
    saga.cost += saga.unsaved_cost + Cost(commits=commits, writes=writes)
    saga.unsaved_cost = NOTHING
    return packed


def _overflow_writes(packed: Packed) -> list[Mutation]:
    """Return the writes of what has moved out of a saga's record."""
    # A value's name is a digest of it, so an upsert can only replace it by an equal one.
    written = [*map(upsert, packed.values), *map(insert, packed.pages)]
    dissolved = [delete(key(StepPage, packed.saga.id, name)) for name in packed.dissolved]
    return [*written, *map(upsert, packed.step_pages), *dissolved]


def _related_writes(decision: Decision) -> list[Mutation]:
    """Return the writes of a decision besides those of its own saga."""
    changes: list[Mutation] = []
    if decision.dead_letter:
        changes.append(upsert(decision.dead_letter))
    elif decision.unparked:
        changes.append(delete(key(DeadLetter, decision.saga.id)))
    if decision.ended_child:
        changes += _updates(decision.ended_child, commits=0)
    for first in decision.children:
        packed = _lay_out(first, commits=0)
        changes += [insert(packed.saga), *_overflow_writes(packed), *_related_writes(first)]
    return changes
