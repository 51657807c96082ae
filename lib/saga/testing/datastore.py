"""Datastore in memory, beneath the real Store: what is stored, read and written is the real thing.

It takes the v1 messages that a Store sends, so that values are copied in and out, and versions,
transactions and refusals are those of the service. Transactions take no locks: the first commit
wins and the other is ABORTED. It does not have page tokens, projections, sums, averages and
property transforms; they are refused with UNIMPLEMENTED.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lib.datastore import Store
from lib.datastore.messages import message
from lib.saga.testing.clock import VirtualClock
from lib.saga.testing.mutating import Entities, Stored, apply_all
from lib.saga.testing.querying import find_results
from lib.saga.testing.refusal import Refusal

#: Every retry of a Store waits for half of the longest that it may.
JITTER = 0.5


@dataclass(slots=True)
class _Transaction:
    """What an open transaction has read, as checks that must still hold when it is committed."""

    checks: list[Callable[[], bool]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a Datastore held at some time."""

    entities: Entities
    version: int
    allocated: int


class MemoryDatastore:
    """What a Store stands on, in the memory of a test."""

    project = "memory"
    database = ""

    def __init__(self) -> None:
        self._entities: Entities = {}
        self._transactions: dict[bytes, _Transaction] = {}
        self._begun = 0
        self._allocated = 0
        self._version = 0
        self._methods: dict[str, Callable[[Any], Any]] = {
            "Lookup": self._look_up,
            "Commit": self._commit,
            "RunQuery": self._run_query,
            "RunAggregationQuery": self._aggregate,
            "BeginTransaction": self._begin,
            "Rollback": self._roll_back,
            "AllocateIds": self._allocate_ids,
        }

    def call(self, method: str, request: Any, _timeout: float) -> Any:
        """Answer one request; raise Refusal, a gRPC error, as the service would."""
        answer = self._methods.get(method)
        if answer is None:
            raise Refusal("UNIMPLEMENTED", f"the in-memory Datastore has no {method}")
        return answer(request)

    def save(self) -> Saved:
        """Return all that is stored, for `restore`; no transaction may be open."""
        entities = {kind: dict(each) for kind, each in self._entities.items()}
        return Saved(entities, self._version, self._allocated)

    def restore(self, saved: Saved) -> None:
        """Go back to what was stored when it was saved."""
        self._entities = {kind: dict(each) for kind, each in saved.entities.items()}
        self._version, self._allocated = saved.version, saved.allocated
        self._transactions.clear()

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def _look_up(self, request: Any) -> Any:
        transaction = self._transaction_of(request.read_options.transaction)
        response = message("LookupResponse")()
        for key in request.keys:
            stored = self._get(key)
            if transaction:
                transaction.checks.append(lambda key=key, seen=stored: self._get(key) is seen)
            result = response.missing.add() if stored is None else response.found.add()
            if stored is None:
                result.entity.key.CopyFrom(key)
            else:
                result.entity.CopyFrom(stored.entity)
                result.version = stored.version
        return response

    def _get(self, key: Any) -> Stored | None:
        return self._entities.get(key.path[-1].kind, {}).get(key.SerializeToString())

    def _commit(self, request: Any) -> Any:
        if request.transaction:
            transaction = self._transaction_of(request.transaction)
            del self._transactions[request.transaction]
            if transaction and not all(check() for check in transaction.checks):
                raise Refusal("ABORTED", "something that the transaction read has changed")
        self._version += 1
        results = apply_all(self._entities, request.mutations, self._version, self._next_id)
        response = message("CommitResponse")()
        for key, version in results:
            result = response.mutation_results.add(version=version)
            if key is not None:
                result.key.CopyFrom(key)
        return response

    def _run_query(self, request: Any) -> Any:
        found = self._find(request.query)
        transaction = self._transaction_of(request.read_options.transaction)
        if transaction:
            query = message("Query")()
            query.CopyFrom(request.query)
            transaction.checks.append(lambda: self._find(query) == found)
        response = message("RunQueryResponse")()
        only_keys = bool(request.query.projection)
        for stored in found:
            result = response.batch.entity_results.add(version=stored.version)
            if only_keys:
                result.entity.key.CopyFrom(stored.entity.key)
            else:
                result.entity.CopyFrom(stored.entity)
        response.batch.more_results = response.batch.NO_MORE_RESULTS
        return response

    def _aggregate(self, request: Any) -> Any:
        wanted = request.aggregation_query
        count = len(self._find(wanted.nested_query))
        response = message("RunAggregationQueryResponse")()
        properties = response.batch.aggregation_results.add().aggregate_properties
        for aggregation in wanted.aggregations:
            if not aggregation.HasField("count"):
                raise Refusal("UNIMPLEMENTED", "the in-memory Datastore only counts")
            up_to = aggregation.count.up_to.value or count
            properties[aggregation.alias].integer_value = min(count, up_to)
        return response

    def _find(self, query: Any) -> list[Stored]:
        kind = query.kind[0].name
        return find_results(self._entities.get(kind, {}).values(), query)

    def _begin(self, _: Any) -> Any:
        self._begun += 1
        handle = f"transaction {self._begun}".encode()
        self._transactions[handle] = _Transaction()
        return message("BeginTransactionResponse")(transaction=handle)

    def _roll_back(self, request: Any) -> Any:
        self._transaction_of(request.transaction)
        del self._transactions[request.transaction]
        return message("RollbackResponse")()

    def _transaction_of(self, handle: bytes) -> _Transaction | None:
        if not handle:
            return None
        if handle not in self._transactions:
            raise Refusal("INVALID_ARGUMENT", "the transaction has expired or was closed")
        return self._transactions[handle]

    def _allocate_ids(self, request: Any) -> Any:
        response = message("AllocateIdsResponse")()
        for key in request.keys:
            complete = response.keys.add()
            complete.CopyFrom(key)
            complete.path[-1].id = self._next_id()
        return response

    def _next_id(self) -> int:
        self._allocated += 1
        return 5_000_000_000_000_000 + self._allocated


def memory_store(clock: VirtualClock | None = None) -> Store:
    """Return a Store that keeps everything in memory; retries wait on the virtual clock."""
    return store_over(MemoryDatastore(), clock or VirtualClock())


def store_over(rpc: Any, clock: VirtualClock) -> Store:
    """Return a Store over a Datastore in memory, or over what wraps one."""
    return Store(rpc, now=clock, sleep=clock.sleep, jitter=lambda: JITTER)
