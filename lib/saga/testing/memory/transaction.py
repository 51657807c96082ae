"""Transactions on the store in memory: without locks, the first to commit wins."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from lib.datastore import Key, Mutation, Query, Store, Transaction
from lib.saga.testing.memory.entities import Memory

T = TypeVar("T")


class MemoryTransaction(Transaction):
    """Reads, and notes what was read; collects writes as every transaction does."""

    optimistic = False

    def __init__(self, store: Store, memory: Memory, *, read_only: bool = False) -> None:
        self._store = store
        self._memory = memory
        self._read_only = read_only
        self._mutations: list[Mutation] = []
        self._checks: list[Callable[[], bool]] = []

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return what each key leads to, None for what does not exist."""
        memory = self._memory
        for key in keys:
            seen = memory.version_of(key)
            self._checks.append(lambda key=key, seen=seen: memory.version_of(key) == seen)  # type: ignore[misc]
        return self._store.find_multi(keys)

    def run(self, query: Query[T], limit: int = 100) -> list[T]:
        """Return the first `limit` results of a query."""
        found = self._store.run(query, limit)
        self._checks.append(lambda: self._store.run(query, limit) == found)
        return found

    def count(self, query: Query[Any], up_to: int | None = None) -> int:
        """Count a query's results, stopping at `up_to`."""
        counted = self._store.count(query, up_to)
        self._checks.append(lambda: self._store.count(query, up_to) == counted)
        return counted

    def _with_id(self, entity: T) -> T:
        return self._memory.allocate(entity)  # type: ignore[no-any-return]

    @property
    def has_read(self) -> bool:
        """Whether anything was read."""
        return bool(self._checks)

    def still_holds(self) -> bool:
        """Return whether reading again would give the same entities."""
        return all(check() for check in self._checks)

    def take_mutations(self) -> Sequence[Mutation]:
        """Return the writes to make."""
        return self._mutations


class OptimisticMemoryTransaction(MemoryTransaction):
    """Like the real one: runs no queries, and writes everything that it reads, or nothing."""

    optimistic = True

    def __init__(self, store: Store, memory: Memory) -> None:
        super().__init__(store, memory)
        self._read: list[Key[Any]] = []

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return what each key leads to, None for what does not exist."""
        self._read.extend(keys)
        return super().find_multi(keys)

    def run(self, *_: Any, **__: Any) -> NoReturn:
        """Raise TypeError: a commit cannot check that a query would still find the same."""
        raise TypeError("an optimistic transaction runs no queries")

    page = count = aggregate = run

    def take_mutations(self) -> Sequence[Mutation]:
        """Return the writes to make; raise TypeError if something was read but not written."""
        written = {mutation.target for mutation in self._mutations}
        unchecked = next((key for key in self._read if key not in written), None)
        if written and unchecked is not None:
            raise TypeError(f"{unchecked} was read but not written: its change would not be seen")
        return self._mutations
