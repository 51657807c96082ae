"""Transactions on the store in memory: they take no locks, and the first to commit wins."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from lib.datastore import Key, Mutation, Query, Store, Transaction
from lib.saga.testing.memory.entities import Memory

T = TypeVar("T")


class MemoryTransaction(Transaction):
    """A transaction that records what it reads, to check at its commit that it is unchanged."""

    optimistic = False

    def __init__(self, store: Store, memory: Memory, *, read_only: bool = False) -> None:
        self._store = store
        self._memory = memory
        self._read_only = read_only
        self._mutations: list[Mutation] = []
        self._checks: list[Callable[[], bool]] = []

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return the entity of each key, None if it does not exist."""
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
        """Return the collected writes."""
        return self._mutations


class OptimisticMemoryTransaction(MemoryTransaction):
    """An optimistic transaction: it runs no queries, and must write everything that it reads."""

    optimistic = True

    def __init__(self, store: Store, memory: Memory) -> None:
        super().__init__(store, memory)
        self._read: list[Key[Any]] = []

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return the entity of each key, None if it does not exist."""
        self._read.extend(keys)
        return super().find_multi(keys)

    def run(self, *_: Any, **__: Any) -> NoReturn:
        """Raise TypeError: a commit cannot check that a query would still have the same results."""
        raise TypeError("an optimistic transaction runs no queries")

    page = count = aggregate = run

    def take_mutations(self) -> Sequence[Mutation]:
        """Return the collected writes; raise TypeError if something was read but not written."""
        written = {mutation.target for mutation in self._mutations}
        unchecked = next((key for key in self._read if key not in written), None)
        if written and unchecked is not None:
            raise TypeError(f"{unchecked} was read but not written, so a change would go unnoticed")
        return self._mutations
