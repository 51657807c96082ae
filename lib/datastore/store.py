"""The store: typed entities on one connection, in one namespace."""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from lib.datastore.keys import Key, Partition
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.read import lookups, results
from lib.datastore.read.aggregates import Aggregation, Count, aggregate
from lib.datastore.read.explanation import Explanation, explain
from lib.datastore.read.queries import Query
from lib.datastore.read.results import Page
from lib.datastore.read.time_order import fetch_page_by_time
from lib.datastore.read.unreadable import Results
from lib.datastore.rpc.connection import Rpc
from lib.datastore.rpc.service import Service
from lib.datastore.transaction.attempts import run_transaction
from lib.datastore.transaction.optimistic import run_optimistically
from lib.datastore.transaction.receipts import Receipts
from lib.datastore.transaction.transaction import Transaction
from lib.datastore.write import batches, mutations
from lib.datastore.write.batches import ItemResult
from lib.datastore.write.commits import commit_alone
from lib.datastore.write.mutations import Mutation
from lib.datastore.write.transforms import Transform

T = TypeVar("T")


class Store:
    """Reads and writes entities. Make one per process; all threads may share it."""

    def __init__(
        self,
        rpc: Rpc,
        *,
        namespace: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._now = now
        self._service = Service(rpc, sleep=sleep, jitter=jitter)
        self._receipts = Receipts()
        self._codecs = Codecs(Partition(rpc.project, rpc.database, namespace))

    def in_namespace(self, namespace: str) -> "Store":
        """Return a store of another namespace ("" is the default one) on the same connection."""
        service = self._service
        return Store(
            service.rpc,
            namespace=namespace,
            now=self._now,
            sleep=service.sleep,
            jitter=service.jitter,
        )

    def close(self) -> None:
        """Close the connection."""
        self._service.rpc.close()

    def find(self, key: Key[T]) -> T | None:
        """Return the entity of a key, None if it does not exist."""
        return lookups.look_up(self._service, self._codecs, (key,))[0]  # type: ignore[no-any-return]

    def get(self, key: Key[T]) -> T:
        """Return the entity of a key; raise NotFound, naming kind and id, if it does not exist."""
        return lookups.require(key, self.find(key))

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return the entity of each key, None if it does not exist.

        Kinds may be mixed. Up to 1000 keys take one call.
        """
        return lookups.look_up(self._service, self._codecs, keys)

    def apply(self, *mutations: Mutation) -> list[Any]:
        """Apply mutations atomically in one call; return the stored entities (None for deletes)."""
        return commit_alone(self._service, self._codecs, mutations, self._now())

    def insert(self, entity: T) -> T:
        """Write an entity that must not exist (AlreadyExists); an int id of 0 is allocated."""
        return self.apply(mutations.insert(entity))[0]  # type: ignore[no-any-return]

    def update(
        self,
        entity: T,
        if_version: int | None = None,
        mask: Iterable[str] | None = None,
        transforms: Iterable[Transform] = (),
    ) -> T:
        """Write an entity that must exist (NotFound): all of it, or only the fields in `mask`.

        The service itself changes fields with a transform. With `if_version`, write only if that is
        the stored version (VersionMismatch).
        """
        mutation = mutations.update(entity, if_version, mask, transforms)
        return self.apply(mutation)[0]  # type: ignore[no-any-return]

    def upsert(self, entity: T, if_version: int | None = None) -> T:
        """Write an entity, existing or not; with `if_version`, only if it is the stored version."""
        return self.apply(mutations.upsert(entity, if_version))[0]  # type: ignore[no-any-return]

    def delete(self, key: Key[Any], if_version: int | None = None) -> None:
        """Delete an entity, existing or not; with `if_version`, only if it is the stored one."""
        self.apply(mutations.delete(key, if_version))

    def get_multi(self, keys: Sequence[Key[T]]) -> list[ItemResult[T]]:
        """Read any number of keys, with a result for each: NotFound if it does not exist."""
        return batches.get_many(self._service, self._codecs, keys)

    def write_multi(self, mutations: Sequence[Mutation]) -> list[ItemResult[Any]]:
        """Make every possible write, 500 in a commit, with a result for each."""
        return batches.write_many(self._service, self._codecs, mutations, self._now())

    def insert_multi(self, entities: Iterable[T]) -> list[ItemResult[T]]:
        """Insert each; AlreadyExists for those that exist."""
        return self.write_multi([mutations.insert(entity) for entity in entities])

    def update_multi(self, entities: Iterable[T]) -> list[ItemResult[T]]:
        """Update each; NotFound for those that do not exist."""
        return self.write_multi([mutations.update(entity) for entity in entities])

    def upsert_multi(self, entities: Iterable[T]) -> list[ItemResult[T]]:
        """Upsert each."""
        return self.write_multi([mutations.upsert(entity) for entity in entities])

    def delete_multi(self, keys: Iterable[Key[Any]]) -> list[ItemResult[None]]:
        """Delete each, whether it exists or not."""
        return self.write_multi([mutations.delete(key) for key in keys])

    def transact(
        self,
        body: Callable[[Transaction], T],
        *,
        read_only: bool = False,
        attempts: int = 5,
        idempotent: bool = False,
    ) -> T:
        """Run `body` in a transaction and commit; on contention run all of it again.

        `body` may have effects only through its transaction, because it may run up to `attempts`
        times. In its return value, entities that it wrote are replaced by the stored ones. Raises
        Contention when it is out of attempts. If the answer to a commit is lost, a receipt that is
        written with the commit shows whether it was made. `idempotent` saves the receipt, for a
        body that can find out itself whether it has run before.
        """
        return run_transaction(
            self._service,
            self._codecs,
            body,
            now=self._now,
            read_only=read_only,
            attempts=attempts,
            receipts=None if idempotent else self._receipts,
        )

    def transact_optimistically(self, body: Callable[[Transaction], T], *, attempts: int = 10) -> T:
        """Run `body` without locks, and write only if nothing that it read has changed.

        For bodies that write every entity they read, run no queries, and can tell from what they
        read whether they have run before, because a commit whose answer was lost may have been
        made. Unlike with `transact`, a killed process does not block others. If an entity has
        changed, `body` runs again; raises Contention when it is out of attempts.
        """
        return run_optimistically(
            self._service, self._codecs, body, now=self._now, attempts=attempts
        )

    def run(self, query: Query[T], limit: int = 100) -> Results[T]:
        """Return the first `limit` results of a query: a list.

        Unreadable results are left out, logged, and named in its `unreadable`.
        """
        return results.run(self._service, self._codecs, query, limit)

    def page(self, query: Query[T], size: int, token: str | None = None) -> Page[T]:
        """Return `size` results, from the start or after the page with this token.

        Unreadable results are left out, logged, and named in the page's `unreadable`. Raises
        Malformed for the token of another query.
        """
        return results.fetch_page(self._service, self._codecs, query, size, token)

    def page_by_time(
        self, query: Query[T], order: str, size: int, token: str | None = None
    ) -> Page[T]:
        """Return `size` results in the order of a time mark, as `page` does.

        `order` is the field of the mark, with a minus sign in front for the latest first. Entities
        without a mark are left out. A page takes one query for each of SHARDS ranges of the index.
        """
        return fetch_page_by_time(self._service, self._codecs, query, order, size, token)

    def count(self, query: Query[Any], up_to: int | None = None) -> int:
        """Count a query's results, stopping at `up_to`, without reading them."""
        return int(self.aggregate(query, count=Count(up_to))["count"] or 0)

    def aggregate(self, query: Query[Any], **wanted: Aggregation) -> dict[str, int | float | None]:
        """Compute counts, sums and averages in one call; return them by the given names."""
        return aggregate(self._service, self._codecs, query, wanted)

    def explain(
        self, query: Query[Any], limit: int = 100, *, analyze: bool = False
    ) -> Explanation | None:
        """Return a query's plan; with `analyze`, also run the query and return its cost.

        Returns None if the server has no plans, like the emulators and the local Datastore.
        """
        return explain(self._service, self._codecs, query, limit, analyze=analyze)
