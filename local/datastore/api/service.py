"""The methods of ``google.datastore.v1.Datastore``."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from local.datastore.api.masks import mask_results, read_mask
from local.datastore.api.queries import Queries
from local.datastore.encoding.keys import encode_path
from local.datastore.encoding.messages import Key, Message, get_message_class
from local.datastore.encoding.partitions import Database, get_database, resolve_partition
from local.datastore.encoding.validation import (
    MAX_LOOKUP_KEYS,
    check_complete,
    check_path,
    is_complete,
)
from local.datastore.query.run.reads import (
    Read,
    begin_transaction,
    read_with,
)
from local.datastore.storage.clock import set_timestamp
from local.datastore.storage.engine import StorageEngine
from local.datastore.storage.locks import TRANSACTION_PATIENCE, WRITE_PATIENCE, Footprint
from local.datastore.write.commit import CommitOutcome, apply_changes
from local.datastore.write.mutations import Change, allocate_id, check_sequence, read_mutations
from local.rpc.errors import InvalidArgument

#: After this many bytes of entities, a Lookup defers the remaining keys; see BATCH_BYTES.
LOOKUP_BYTES = 3 * 1024 * 1024

_MODES = frozenset(get_message_class("CommitRequest").Mode.values())


class DatastoreService:
    """The API on one engine. Methods raise ServiceError to refuse a request."""

    def __init__(self, engine: StorageEngine) -> None:
        self._engine = engine
        self._queries = Queries(engine)

    def list_methods(self) -> dict[str, Callable[[Any], Any]]:
        """Return the methods by their API names."""
        return {
            "Lookup": self.look_up,
            "RunQuery": self._queries.run_query,
            "RunAggregationQuery": self._queries.run_aggregation_query,
            "BeginTransaction": self.begin_transaction,
            "Commit": self.commit,
            "Rollback": self.roll_back,
            "AllocateIds": self.allocate_ids,
            "ReserveIds": self.reserve_ids,
        }

    def look_up(self, request: Message) -> Any:
        """Look up entities by keys: found, missing, or deferred because of their size."""
        database = get_database(request)
        if len(request.keys) > MAX_LOOKUP_KEYS:
            raise InvalidArgument(f"A lookup takes at most {MAX_LOOKUP_KEYS} keys.")
        addresses = self._resolve_keys(request.keys, database, writes=False)
        response = get_message_class("LookupResponse")()
        mask = read_mask(request)
        with read_with(self._engine, request.read_options, database) as read:
            if read.locks:
                read.lock(Footprint(shared=set(addresses)))
            self._read_entities(read, addresses, response)
            if mask is not None:
                mask_results(response.found, mask)
            response.transaction = read.started
            set_timestamp(response.read_time, read.read_time)
        return response

    def _resolve_keys(self, keys: Any, database: Database, *, writes: bool) -> dict[bytes, Key]:
        addresses = {}
        for key in keys:
            check_path(key, reserved=not writes)
            check_complete(key)
            resolved = resolve_partition(key, database, writes=writes)
            partition = self._engine.ensure_partition(resolved)
            addresses[partition + encode_path(key.path)] = key
        return addresses

    def _read_entities(self, read: Read, addresses: dict[bytes, Key], response: Message) -> None:
        size = 0
        with closing(read.fetch_all(addresses)) as fetched:
            for key in addresses.values():
                if size > LOOKUP_BYTES:
                    response.deferred.append(key)
                    continue
                stored = next(fetched)
                if stored is None:
                    missing = response.missing.add(version=read.read_time)
                    missing.entity.key.CopyFrom(key)
                    continue
                if size and size + len(stored.entity) > LOOKUP_BYTES:
                    response.deferred.append(key)
                    continue
                size += len(stored.entity)
                result = response.found.add()
                result.entity.ParseFromString(stored.entity)
                result.version = stored.version
                set_timestamp(result.create_time, stored.created)
                set_timestamp(result.update_time, stored.version)

    def begin_transaction(self, request: Message) -> Any:
        """Begin a transaction."""
        database = get_database(request)
        transaction = begin_transaction(self._engine, request.transaction_options, database)
        return get_message_class("BeginTransactionResponse")(transaction=transaction.id)

    def roll_back(self, request: Message) -> Any:
        """Roll back a transaction; no error if it has already ended, for example by an abort."""
        transactions = self._engine.transactions
        if not transactions.is_over(request.transaction):
            with transactions.use(request.transaction, get_database(request)) as transaction:
                transactions.end(transaction)
        return get_message_class("RollbackResponse")()

    def commit(self, request: Message) -> Any:
        """Apply all mutations or none."""
        database = get_database(request)
        selector = request.WhichOneof("transaction_selector")
        transactional = request.mode != request.NON_TRANSACTIONAL
        _check_selector(request, selector, transactional=transactional)
        if selector == "transaction":
            outcome = self._commit_transaction(request, database)
        else:
            changes = read_mutations(self._engine, request.mutations, database)
            check_sequence(changes, transactional=transactional)
            outcome = self._commit_alone(changes)
        response = get_message_class("CommitResponse")(index_updates=outcome.index_updates)
        response.mutation_results.extend(outcome.results)
        if transactional:
            set_timestamp(response.commit_time, outcome.version)
        return response

    def _commit_alone(self, changes: list[Change]) -> CommitOutcome:
        owner = object()
        try:
            return apply_changes(self._engine, changes, owner, WRITE_PATIENCE)
        finally:
            self._engine.locks.release(owner)

    def _commit_transaction(self, request: Message, database: Database) -> CommitOutcome:
        transactions = self._engine.transactions
        with transactions.use(request.transaction, database) as transaction:
            # An error in the request itself leaves the transaction open.
            if transaction.read_only and request.mutations:
                raise InvalidArgument("Cannot modify entities in a read-only transaction.")
            changes = read_mutations(self._engine, request.mutations, database)
            try:
                check_sequence(changes, transactional=True)
                return apply_changes(self._engine, changes, transaction, TRANSACTION_PATIENCE)
            finally:
                transactions.end(transaction)

    def allocate_ids(self, request: Message) -> Any:
        """Complete incomplete keys with unused ids."""
        database = get_database(request)
        response = get_message_class("AllocateIdsResponse")()
        for key in request.keys:
            check_path(key)
            if is_complete(key):
                raise InvalidArgument(
                    f"Key path element must not be complete: [{key.path[-1].kind}]"
                )
            partition = self._engine.ensure_partition(resolve_partition(key, database))
            allocate_id(self._engine, key, partition)
            response.keys.append(key)
        return response

    def reserve_ids(self, request: Message) -> Any:
        """Reserve the ids of keys, so that they are never allocated."""
        database = get_database(request)
        addresses = self._resolve_keys(request.keys, database, writes=True)
        with self._engine.write() as writer:
            writer.executemany(
                "INSERT OR IGNORE INTO reserved VALUES (?)", [(one,) for one in addresses]
            )
        return get_message_class("ReserveIdsResponse")()


def _check_selector(request: Message, selector: str | None, *, transactional: bool) -> None:
    if request.mode not in _MODES:
        raise InvalidArgument(f"Unknown commit mode: {request.mode}.")
    if transactional and selector is None:
        raise InvalidArgument("transactional commit requires a transaction")
    if not transactional and selector is not None:
        raise InvalidArgument("A non-transactional commit must not name a transaction.")
    if selector == "single_use_transaction":
        options = request.single_use_transaction
        if options.WhichOneof("mode") == "read_only":
            raise InvalidArgument("A single-use transaction must be a read-write one.")
