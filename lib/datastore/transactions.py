"""What a function in a transaction may do: read one state of the world, and collect writes."""

import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from lib.datastore import mutations
from lib.datastore.aggregates import Aggregation, Count, aggregate
from lib.datastore.codecs import Codecs
from lib.datastore.commits import prepare, send_commit, stored
from lib.datastore.keys import Key, key_of
from lib.datastore.lookups import look_up
from lib.datastore.mutations import Mutation
from lib.datastore.queries import Query
from lib.datastore.results import Page, fetch_page, run
from lib.datastore.scopes import PRESENT
from lib.datastore.service import Service
from lib.errors import AmendsError, NotFound

T = TypeVar("T")


class Transaction:
    """Reads as of one point in time, and writes that are sent together at the end.

    It does not see its own writes: a read after a write returns what was stored before.
    """

    #: ABORTED ends the transaction: it is the whole function that is tried again then.
    codes = PRESENT.codes - {"ABORTED"}

    def __init__(
        self, service: Service, codecs: Codecs, *, read_only: bool, previous: bytes = b""
    ) -> None:
        self._service = service
        self._codecs = codecs
        self._read_only = read_only
        self._previous = previous
        self._mutations: list[Mutation] = []
        self.handle = b""

    def mark(self, request: Any) -> None:
        """Read in this transaction, which the first read begins.

        A begin of its own costs a call that `new_transaction` would save, but Google's Firestore
        emulator deadlocks such a transaction with itself.
        """
        if not self.handle:
            self.handle = self._begin()
        request.read_options.transaction = self.handle

    def _begin(self) -> bytes:
        request = self._service.request("BeginTransaction")
        options = request.transaction_options
        if self._read_only:
            options.read_only.SetInParent()
        else:
            options.read_write.previous_transaction = self._previous
        return self._service.call("BeginTransaction", request).transaction  # type: ignore[no-any-return]

    def find(self, key: Key[T]) -> T | None:
        """Return what a key leads to, None if nothing."""
        return self.find_multi([key])[0]  # type: ignore[no-any-return]

    def get(self, key: Key[T]) -> T:
        """Return what a key leads to; raise NotFound if nothing."""
        found = self.find(key)
        if found is None:
            raise NotFound(f"{key} does not exist")
        return found

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return what each key leads to, None for what does not exist, in one Lookup."""
        return look_up(self._service, self._codecs, keys, self)

    def run(self, query: Query[T], limit: int = 100) -> list[T]:
        """Return the first `limit` results of a query."""
        return run(self._service, self._codecs, query, limit, self)

    def page(self, query: Query[T], size: int, token: str | None = None) -> Page[T]:
        """Return one page of a query's results."""
        return fetch_page(self._service, self._codecs, query, size, token, self)

    def count(self, query: Query[Any], up_to: int | None = None) -> int:
        """Count a query's results, stopping at `up_to`."""
        return int(self.aggregate(query, count=Count(up_to))["count"] or 0)

    def aggregate(self, query: Query[Any], **wanted: Aggregation) -> dict[str, int | float | None]:
        """Compute counts, sums and averages, by the names given to them, in one call."""
        return aggregate(self._service, self._codecs, query, wanted, self)

    def insert(self, entity: T) -> T:
        """Write, at the end, what must not exist yet; an int id of 0 is allocated at once."""
        complete = self._with_id(entity)
        self.apply(mutations.insert(complete))
        return complete

    def update(self, entity: Any) -> None:
        """Write, at the end, what must exist."""
        self.apply(mutations.update(entity))

    def upsert(self, entity: Any) -> None:
        """Write, at the end, whether it exists or not."""
        self.apply(mutations.upsert(entity))

    def delete(self, key: Key[Any]) -> None:
        """Delete, at the end, whether it exists or not."""
        self.apply(mutations.delete(key))

    def apply(self, *mutations: Mutation) -> None:
        """Add writes to those that are sent at the end, all or none."""
        if self._read_only:
            raise TypeError("a read-only transaction writes nothing")
        self._mutations.extend(mutations)

    def _with_id(self, entity: T) -> T:
        if key_of(entity).is_complete:
            return entity
        codec = self._codecs.of(type(entity))
        request = self._service.request("AllocateIds")
        codec.write_key(entity, request.keys.add(), may_lack_id=True)
        response = self._service.call("AllocateIds", request)
        return codec.stored(entity, 0, response.keys[0])

    def commit(self, now: datetime) -> list[tuple[Any, Any]]:
        """Send the writes; return each entity as it was handed in, and as it is now stored."""
        if self._read_only:
            self.roll_back()
            return []
        if not self.handle and not self._mutations:
            return []
        request = self._service.request("Commit")
        if self.handle:
            request.transaction = self.handle
        else:
            request.single_use_transaction.read_write.SetInParent()
        entities = prepare(self._codecs, self._mutations, request, now)
        response = send_commit(self._service, request, self._mutations)
        written = stored(self._codecs, entities, response)
        return [
            (mutation.entity, entity)
            for mutation, entity in zip(self._mutations, written, strict=True)
            if mutation.entity is not None
        ]

    def roll_back(self) -> None:
        """Let go of the transaction, so that nobody waits for it; failing that, it expires."""
        if not self.handle:
            return
        request = self._service.request("Rollback")
        request.transaction = self.handle
        with contextlib.suppress(AmendsError):
            self._service.call("Rollback", request)
