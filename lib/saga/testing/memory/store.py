"""A Store that keeps everything in memory: for tests of sagas and of their participants.

It has the reads, writes, transactions, queries and counts of a Store, with the same checks of
values, entities and commits. It raises NotImplementedError for projections, transforms, and
aggregations except counts.
"""

import itertools
import sys
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from lib.datastore import ItemResult, Key, Mutation, Page, Query, Results, Store, Transaction
from lib.datastore.read.time_order import check_plain
from lib.datastore.transaction.attempts import run_body, with_stored
from lib.errors import AlreadyExists, AmendsError, Contention, NotFound, VersionMismatch
from lib.saga.testing.memory.clock import VirtualClock
from lib.saga.testing.memory.entities import Memory
from lib.saga.testing.memory.selection import select
from lib.saga.testing.memory.transaction import MemoryTransaction, OptimisticMemoryTransaction
from lib.timing.time_marks import order_of

T = TypeVar("T")


class NoConnection:
    """Takes the place of a connection in a Store in memory."""

    project = "memory"
    database = ""

    def call(self, method: str, _request: Any, _timeout: float) -> Any:
        """Raise NotImplementedError: a store in memory does not call a service."""
        raise NotImplementedError(f"the store in memory has no {method}")

    def close(self) -> None:
        """Do nothing."""


class MemoryStore(Store):
    """A Store on a Memory, which several stores may share."""

    def __init__(self, memory: Memory | None = None, clock: VirtualClock | None = None) -> None:
        self.clock = clock or VirtualClock()
        self.memory = memory or Memory()
        self._rests: dict[str, list[Any]] = {}
        self._tokens = itertools.count(1)
        super().__init__(NoConnection(), now=self.clock, sleep=self.clock.sleep)

    def find(self, key: Key[T]) -> T | None:
        """Return the entity of a key, None if it does not exist."""
        return self.find_multi((key,))[0]  # type: ignore[no-any-return]

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return the entity of each key, None if it does not exist."""
        return [self.memory.read(key) for key in keys]

    def apply(self, *mutations: Mutation) -> list[Any]:
        """Apply mutations atomically; return the stored entities (None for deletes)."""
        return self.memory.write(mutations, self.clock()) if mutations else []

    def get_multi(self, keys: Sequence[Key[T]]) -> list[ItemResult[T]]:
        """Read any number of keys, with a result for each: NotFound if it does not exist."""
        found = self.find_multi(keys) if keys else []
        return [_answer(key, each) for key, each in zip(keys, found, strict=True)]

    def write_multi(self, mutations: Sequence[Mutation]) -> list[ItemResult[Any]]:
        """Make every possible write, with a result for each."""
        return [self._write_one(mutation) for mutation in mutations]

    def _write_one(self, mutation: Mutation) -> ItemResult[Any]:
        try:
            return ItemResult(self.apply(mutation)[0])
        except AmendsError as error:
            return ItemResult(error=error)

    def run(self, query: Query[T], limit: int = 100) -> Results[T]:
        """Return the first `limit` results of a query."""
        return Results(select(self.memory.find_kind(_kind_of(query)), query)[:limit])

    def page(self, query: Query[T], size: int, token: str | None = None) -> Page[T]:
        """Return `size` results; later pages show the store as it was at the first one."""
        rest = self.run(query, sys.maxsize) if token is None else self._rests.pop(token)
        return self._cut(rest, size)

    def page_by_time(
        self, query: Query[T], order: str, size: int, token: str | None = None
    ) -> Page[T]:
        """Return `size` results in the order of a time mark, as `page` does."""
        if token is not None:
            return self._cut(self._rests.pop(token), size)
        check_plain(query)
        read_mark = attrgetter(order.removeprefix("-"))
        found = self.run(query.order(order), sys.maxsize)
        found.sort(key=lambda each: order_of(read_mark(each)), reverse=order.startswith("-"))
        return self._cut(found, size)

    def _cut(self, rest: list[T], size: int) -> Page[T]:
        if len(rest) <= size:
            return Page(rest, None)
        following = str(next(self._tokens))
        self._rests[following] = rest[size:]
        return Page(rest[:size], following)

    def count(self, query: Query[Any], up_to: int | None = None) -> int:
        """Count a query's results, stopping at `up_to`."""
        return len(select(self.memory.find_kind(_kind_of(query)), query)[:up_to])

    def transact(
        self,
        body: Callable[[Transaction], T],
        *,
        read_only: bool = False,
        attempts: int = 5,
        idempotent: bool = False,  # noqa: ARG002  no answer is lost here
    ) -> T:
        """Run `body` in a transaction and commit; if what it read has changed, run it again."""
        return self._run_again(
            lambda: self._attempt(MemoryTransaction(self, self.memory, read_only=read_only), body),
            attempts,
        )

    def transact_optimistically(self, body: Callable[[Transaction], T], *, attempts: int = 10) -> T:
        """Run `body` and commit; if what it read has changed, run it again."""
        return self._run_again(
            lambda: self._attempt(OptimisticMemoryTransaction(self, self.memory), body), attempts
        )

    def _run_again(self, attempt: Callable[[], T], attempts: int) -> T:
        for _ in range(attempts - 1):
            try:
                return attempt()
            except Contention:
                continue
        return attempt()

    def _attempt(self, transaction: MemoryTransaction, body: Callable[[Transaction], T]) -> T:
        returned = run_body(body, transaction)
        mutations = transaction.take_mutations()
        if not mutations:
            return returned
        try:
            stored = self.commit(transaction, mutations)
        except VersionMismatch as error:
            raise Contention(error.detail) from error
        except (AlreadyExists, NotFound) as error:
            if transaction.optimistic and transaction.has_read:
                raise Contention(error.detail) from error
            raise
        return with_stored(returned, transaction.pair(stored))  # type: ignore[no-any-return]

    def commit(self, transaction: MemoryTransaction, mutations: Sequence[Mutation]) -> list[Any]:
        """Make a transaction's writes; raise Contention if something that it read has changed."""
        if not transaction.still_holds():
            raise Contention("something that the transaction read has changed")
        return self.memory.write(mutations, self.clock())


def _answer(key: Key[T], found: T | None) -> ItemResult[T]:
    if found is None:
        return ItemResult(error=NotFound(f"{key} does not exist"))
    return ItemResult(found)


def _kind_of(query: Query[Any]) -> str:
    return str(query.model.__kind__)
