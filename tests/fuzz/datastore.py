"""Mutated requests to the local Datastore."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import grpc

from local.datastore.api.server import serve
from local.datastore.encoding.messages import get_message_class
from tests.contract.wire import OPERATORS, PROJECT, Unindexed, Wire
from tests.fuzz.mutation import Mutator
from tests.fuzz.rounds import call

_SERVICE = "/google.datastore.v1.Datastore"
_INDEX_FILE = Path(__file__).parents[1] / "contract" / "index.yaml"
#: The most complex methods, which are fuzzed more often than the others.
_FAVOURITES = ("RunQuery", "RunQuery", "RunQuery", "Commit", "Commit")
_GQL_QUERIES = (
    "SELECT * FROM K WHERE n = 1 AND s IS NULL ORDER BY m DESC, s LIMIT 5 OFFSET 1",
    "SELECT __key__ FROM `K` WHERE __key__ HAS ANCESTOR KEY(P, 'p') OR n IN ARRAY(1, -2.5, TRUE)",
    "SELECT DISTINCT ON (n) n, `m` FROM K WHERE n > @1 AND e.deep = @name LIMIT @1 OFFSET @name",
    "SELECT DISTINCT n FROM K WHERE BLOB('AAE') = b AND 'a' IN l AND l NOT IN ARRAY(NULL)",
    "SELECT * WHERE KEY(NAMESPACE('n'), PROJECT('x'), P, 'p', K, 1) HAS DESCENDANT __key__",
    "SELECT * FROM K WHERE (t >= DATETIME('2026-01-01T00:00:00.5+01:00')) LIMIT FIRST(1, @name)",
    f"SELECT * FROM K WHERE {'(' * 3000}n = 1{')' * 3000}",
    f"SELECT * FROM K LIMIT {'FIRST(' * 3000}1",
)
_GQL_AGGREGATIONS = (
    "SELECT COUNT(*) AS c, SUM(n) AS s, AVG(m) FROM K WHERE y = FALSE",
    'AGGREGATE COUNT_UP_TO(5) AS a OVER (SELECT * FROM K WHERE s != "it\'s")',
)
_GQL = _GQL_QUERIES + _GQL_AGGREGATIONS


class DatastoreRequests:
    """Sends almost valid requests with real cursors and transactions."""

    def __init__(self, data: Path) -> None:
        self._strict = serve(data / "strict", index_file=_INDEX_FILE)
        self._lenient = serve(data / "lenient", require_indexes=False)
        hosts = (self._strict.host, self._lenient.host)
        self._channels = [grpc.insecure_channel(host) for host in hosts]
        with Wire(self._lenient.host, "fuzz") as wire:
            corpus = list(_list_requests(wire))
        self._mutator = Mutator((request for _, request in corpus), _GQL)
        self._requests: dict[str, list[Any]] = {}
        for method, request in corpus:
            self._requests.setdefault(method, []).append(request)

    def fuzz_once(self, random: Random) -> None:
        """Send a request, then give up the transactions that it or its preparation began."""
        channel = random.choice(self._channels)
        method = random.choice((*self._requests, *_FAVOURITES))
        request = random.choice(self._requests[method])
        begun = _begin(channel, random) if random.randrange(5) == 1 else b""
        if begun:
            request = _with_transaction(method, request, begun)
        data = self._mutator.mutate(request, random)
        answer = call(channel, f"{_SERVICE}/{method}", data)
        if begun:
            _roll_back(channel, PROJECT, "", begun)
        if answer:
            _give_up(channel, method, data, answer)

    def close(self) -> None:
        """End the server."""
        for channel in self._channels:
            channel.close()
        self._strict.stop()
        self._lenient.stop()


def _begin(channel: grpc.Channel, random: Random) -> bytes:
    request = get_message_class("BeginTransactionRequest")(project_id=PROJECT)
    if random.randrange(3) == 1:
        request.transaction_options.read_only.SetInParent()
    answer = call(channel, f"{_SERVICE}/BeginTransaction", request.SerializeToString())
    return bytes(get_message_class("BeginTransactionResponse").FromString(answer).transaction)


def _give_up(channel: grpc.Channel, method: str, data: bytes, answer: bytes) -> None:
    response = get_message_class(f"{method}Response").FromString(answer)
    transaction = getattr(response, "transaction", b"")
    if transaction:
        request = get_message_class(f"{method}Request").FromString(data)
        _roll_back(channel, request.project_id, request.database_id, transaction)


def _roll_back(channel: grpc.Channel, project: str, database: str, transaction: bytes) -> None:
    request = get_message_class("RollbackRequest")(
        project_id=project, database_id=database, transaction=transaction
    )
    call(channel, f"{_SERVICE}/Rollback", request.SerializeToString())


def _with_transaction(method: str, request: Any, transaction: bytes) -> Any:
    changed = type(request)()
    changed.CopyFrom(request)
    if method in ("Commit", "Rollback"):
        changed.transaction = transaction
        if method == "Commit":
            changed.mode = changed.TRANSACTIONAL
    elif "read_options" in changed.DESCRIPTOR.fields_by_name:
        changed.read_options.transaction = transaction
    return changed


def _list_requests(wire: Wire) -> Iterator[tuple[str, Any]]:
    for build in (_list_commits, _list_reads, _list_queries, _list_aggregations):
        for method, request in build(wire):
            request.project_id = PROJECT
            if "partition_id" in request.DESCRIPTOR.fields_by_name:
                request.partition_id.project_id = PROJECT
                request.partition_id.namespace_id = wire.namespace
            yield method, request


def _list_commits(wire: Wire) -> Iterator[tuple[str, Any]]:
    values = {
        "n": 1, "m": -2.5, "s": "text", "b": b"\0", "y": True, "z": None, "l": [1, "a", None],
        "e": {"deep": {"er": [1]}}, "k": ("K", 1), "u": Unindexed("u" * 2000),
    }  # fmt: skip
    for operation in ("insert", "update", "upsert", "delete"):
        mutation = wire.mutation(operation, ("P", "p", "K", 1), **values)
        yield "Commit", _commit(mutation, wire.mutation("upsert", ("K", 1), **values))
        mutation.base_version = 1
        mutation.conflict_resolution_strategy = 2
        yield "Commit", _commit(mutation)
    yield "Commit", _commit(wire.mutation("upsert", ("K",), **values))
    masked = wire.mutation("upsert", ("K", 2), **values)
    masked.property_mask.paths.extend(["n", "e.deep"])
    masked.property_transforms.add(property="n", increment=wire.value(1))
    masked.property_transforms.add(property="t", set_to_server_value=1)
    masked.property_transforms.add(property="l").append_missing_elements.values.append(
        wire.value(2)
    )
    yield "Commit", _commit(masked)


def _commit(*mutations: Any) -> Any:
    request = get_message_class("CommitRequest")(mutations=mutations)
    request.mode = request.TRANSACTIONAL
    request.single_use_transaction.read_write.SetInParent()
    return request


def _list_reads(wire: Wire) -> Iterator[tuple[str, Any]]:
    keys = [wire.key("K", 1), wire.key("P", "p", "K", 1), wire.key("K", "missing")]
    lookup = get_message_class("LookupRequest")(keys=keys)
    lookup.property_mask.paths.extend(["n", "e.deep"])
    yield "Lookup", lookup
    began = get_message_class("LookupRequest")(keys=keys)
    began.read_options.new_transaction.read_write.SetInParent()
    yield "Lookup", began
    past = get_message_class("LookupRequest")(keys=keys)
    past.read_options.read_time.GetCurrentTime()
    yield "Lookup", past
    begin = get_message_class("BeginTransactionRequest")()
    begin.transaction_options.read_write.previous_transaction = b"x" * 16
    yield "BeginTransaction", begin
    yield "Rollback", get_message_class("RollbackRequest")(transaction=b"x" * 16)
    yield "AllocateIds", get_message_class("AllocateIdsRequest")(keys=[wire.key("K")] * 3)
    yield "ReserveIds", get_message_class("ReserveIdsRequest")(keys=keys)


def _list_queries(wire: Wire) -> Iterator[tuple[str, Any]]:
    both = wire.either(("n", "=", 1), wire.filter(("n", ">", 0), ("s", "!=", "a")))
    queries = [
        wire.query("K", both, order=["n", "s", "-__key__"], offset=1),
        wire.query("K", ("n", "in", [1, 2, None]), ("l", "=", "a")),
        wire.query("K", ("__key__", "has ancestor", ("P", "p"))),
        wire.query("K", ("__key__", ">", ("K", 1)), order=["__key__"]),
        wire.query("K", project=["n", "s"], order=["n"], distinct=["n"]),
        wire.query(None),
        *(wire.query(kind) for kind in ("__kind__", "__namespace__", "__property__")),
        *(wire.query("K", ("n", operator, 1)) for operator in list(OPERATORS)[:6]),
    ]
    cursors = [wire.run(query).end_cursor for query in queries[:4]]
    for number, query in enumerate(queries):
        request = get_message_class("RunQueryRequest")(query=query)
        request.query.limit.value = 10
        if number < len(cursors):
            request.query.start_cursor = cursors[number]
        if number % 3 == 0:
            request.explain_options.analyze = True
        yield "RunQuery", request
    for text in _GQL_QUERIES:
        yield "RunQuery", _with_gql(get_message_class("RunQueryRequest")(), wire, text)


def _list_aggregations(wire: Wire) -> Iterator[tuple[str, Any]]:
    request = get_message_class("RunAggregationQueryRequest")()
    request.aggregation_query.nested_query.CopyFrom(wire.query("K", ("n", ">", 0)))
    for one in ({"count": {"up_to": {"value": 5}}}, {"sum": {"property": {"name": "n"}}},
                {"avg": {"property": {"name": "m"}}}):  # fmt: skip
        request.aggregation_query.aggregations.add(**one)
    yield "RunAggregationQuery", request
    for text in _GQL_AGGREGATIONS:
        empty = get_message_class("RunAggregationQueryRequest")()
        yield "RunAggregationQuery", _with_gql(empty, wire, text)


def _with_gql(request: Any, wire: Wire, text: str) -> Any:
    request.gql_query.query_string = text
    request.gql_query.allow_literals = True
    request.gql_query.positional_bindings.add(value=wire.value(1))
    request.gql_query.named_bindings["name"].value.CopyFrom(wire.value("a"))
    return request
