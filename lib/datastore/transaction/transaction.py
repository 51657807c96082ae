"""A transaction as its function sees it: it reads a snapshot and collects writes."""

import contextlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from lib.datastore.keys import Key, key_of
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.read.aggregates import Aggregation, Count, aggregate
from lib.datastore.read.lookups import look_up, require
from lib.datastore.read.queries import Query
from lib.datastore.read.read_options import STRONG
from lib.datastore.read.results import Page, fetch_page, run
from lib.datastore.rpc.service import Service
from lib.datastore.write import mutations
from lib.datastore.write.commits import INDETERMINATE, commit_error
from lib.datastore.write.mutation_message import (
    check_size,
    read_written,
    refuse_errors,
    write_mutation,
)
from lib.datastore.write.mutations import Mutation, upsert
from lib.datastore.write.transforms import Transform
from lib.errors import Conflict, Contention, Invalid, NotFound, Unavailable
from lib.rpc.status import code_of, details_of

T = TypeVar("T")

#: An entity as it was given to a write, and as it is stored after the commit.
Written = tuple[Any, Any]


class AnswerLost(Unavailable):
    """It is unknown whether the commit was made."""


class Transaction:
    """Reads as of one point in time, and writes that are sent together at the end.

    Reads do not see the transaction's own writes: they return what was stored before.
    """

    #: ABORTED is not among them: it ends the transaction, and the whole function is retried.
    codes = STRONG.codes - {"ABORTED"}

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

        A separate begin costs a call that `new_transaction` would save. But with the latter,
        Google's Firestore emulator deadlocks the transaction with itself.
        """
        if not self.handle:
            self.handle = self._begin()
        request.read_options.transaction = self.handle

    def address(self, request: Any) -> None:
        """Set the transaction of a Commit."""
        if not self.handle:
            self.handle = self._begin()
        request.transaction = self.handle

    def _begin(self) -> bytes:
        request = self._service.request("BeginTransaction")
        options = request.transaction_options
        if self._read_only:
            options.read_only.SetInParent()
        else:
            options.read_write.previous_transaction = self._previous
        return self._service.call("BeginTransaction", request).transaction  # type: ignore[no-any-return]

    def find(self, key: Key[T]) -> T | None:
        """Return the entity of a key, None if it does not exist."""
        return self.find_multi([key])[0]  # type: ignore[no-any-return]

    def get(self, key: Key[T]) -> T:
        """Return the entity of a key; raise NotFound if it does not exist."""
        return require(key, self.find(key))

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return the entity of each key, None if it does not exist, in one Lookup."""
        return look_up(self._service, self._codecs, keys, self)

    def run(self, query: Query[T], limit: int = 100) -> list[T]:
        """Return the first `limit` results of a query; Unreadable if one does not fit its model."""
        return run(self._service, self._codecs, query, limit, self)

    def page(self, query: Query[T], size: int, token: str | None = None) -> Page[T]:
        """Return one page of a query's results; Unreadable if one does not fit its model."""
        return fetch_page(self._service, self._codecs, query, size, token, self)

    def count(self, query: Query[Any], up_to: int | None = None) -> int:
        """Count a query's results, stopping at `up_to`."""
        return int(self.aggregate(query, count=Count(up_to))["count"] or 0)

    def aggregate(self, query: Query[Any], **wanted: Aggregation) -> dict[str, int | float | None]:
        """Compute counts, sums and averages in one call; return them by the given names."""
        return aggregate(self._service, self._codecs, query, wanted, self)

    def insert(self, entity: T) -> T:
        """Write, at the end, an entity that must not exist; an int id of 0 is allocated now."""
        complete = self._with_id(entity)
        self.apply(mutations.insert(complete))
        return complete

    def update(
        self,
        entity: T,
        if_version: int | None = None,
        mask: Iterable[str] | None = None,
        transforms: Iterable[Transform] = (),
    ) -> T:
        """Write, at the end, an entity that must exist: all of it, or only the fields in `mask`."""
        self.apply(mutations.update(entity, if_version, mask, transforms))
        return entity

    def upsert(self, entity: T, if_version: int | None = None) -> T:
        """Write an entity at the end, existing or not; an int id of 0 is allocated now."""
        complete = self._with_id(entity)
        self.apply(mutations.upsert(complete, if_version))
        return complete

    def delete(self, key: Key[Any], if_version: int | None = None) -> None:
        """Delete an entity at the end, existing or not."""
        self.apply(mutations.delete(key, if_version))

    def apply(self, *mutations: Mutation) -> None:
        """Add writes; all are sent at the end, all or none."""
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
        return codec.stored(entity, 0, response.keys[0], {})

    @property
    def writes(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self._mutations)

    def commit(self, now: datetime, receipt: Any = None) -> list[Written]:
        """Send the writes, and a receipt with them; return the result of each.

        Raises AnswerLost if it is unknown whether they were made, and Contention if they were not
        and the function may run again.
        """
        request = self._service.request("Commit")
        request.mode = request.TRANSACTIONAL
        self.address(request)
        mutations = self._mutations
        entities = [self._write(request, item, now) for item in mutations]
        check_size(request, len(mutations))
        if receipt is not None:
            self._write(request, upsert(receipt), now)
        response = self._send(request)
        del response.mutation_results[len(mutations) :]
        stored = read_written(self._service, self._codecs, mutations, entities, response)
        return self.pair(refuse_errors(stored))

    def pair(self, stored: Sequence[Any]) -> list[Written]:
        """Return each written entity paired with the stored one."""
        given = [item.entity for item in self._mutations]
        return [(old, new) for old, new in zip(given, stored, strict=True) if old is not None]

    def read_back(self) -> list[Written]:
        """Return the written entities paired with the stored ones, read outside the transaction."""
        written = [item for item in self._mutations if item.entity is not None]
        found = look_up(self._service, self._codecs, [key_of(item.entity) for item in written])
        return [(item.entity, new) for item, new in zip(written, found, strict=True)]

    def _write(self, request: Any, mutation: Mutation, now: datetime) -> Any:
        return write_mutation(self._codecs, mutation, request.mutations.add(), now)

    def _send(self, request: Any) -> Any:
        try:
            return self._service.call_once("Commit", request)
        except Exception as error:
            code = code_of(error)
            if not code:
                raise
            if code in INDETERMINATE:
                raise AnswerLost(f"the answer to a commit was lost: {code}") from error
            if code == "INVALID_ARGUMENT" and "ransaction" in details_of(error):
                raise Contention("the transaction expired") from error
            raise commit_error(error, self._mutations) from error

    def roll_back(self) -> None:
        """Make sure that the transaction can no longer be committed.

        Raises Unavailable or DeadlineExceeded if the service does not answer. A transaction that
        has already ended raises nothing.
        """
        if not self.handle:
            return
        request = self._service.request("Rollback")
        request.transaction = self.handle
        with contextlib.suppress(Invalid, NotFound, Conflict, Contention):
            self._service.call("Rollback", request)
