"""The methods RunQuery and RunAggregationQuery."""

from collections.abc import Callable
from functools import partial
from typing import Any

from local.datastore.api.masks import mask_results, read_mask
from local.datastore.encoding.keys import Partition
from local.datastore.encoding.messages import Key, Message, get_message_class
from local.datastore.encoding.partitions import get_database, resolve_partition
from local.datastore.gql import parse_aggregation, parse_query
from local.datastore.query.plan.prepared import Prepared, check_aggregation, prepare_query
from local.datastore.query.run.aggregation import aggregate
from local.datastore.query.run.explain import describe_aggregation, describe_outcome, describe_plan
from local.datastore.query.run.reads import Read, read_with
from local.datastore.query.run.results import QueryOutcome, View, run_query
from local.datastore.query.run.transactional import lock_query
from local.datastore.storage.clock import set_timestamp
from local.datastore.storage.engine import StorageEngine
from local.rpc.errors import InvalidArgument

#: Writes the cost of a query into its response, given its duration in microseconds.
Describe = Callable[[int], None]


class Queries:
    """The two methods on one engine. They raise ServiceError to refuse a request."""

    def __init__(self, engine: StorageEngine) -> None:
        self._engine = engine

    def run_query(self, request: Message) -> Any:
        """Return one batch of a query's results."""
        partition = self._read_partition(request)
        response = get_message_class("RunQueryResponse")()
        query = _read_query(request, request.query, parse_query, response, partition)
        prepared = prepare_query(self._engine, query, partition)
        mask = read_mask(request)
        if mask is not None and prepared.projection:
            raise InvalidArgument("property masks are not allowed on projection queries")

        def run(read: Read) -> Describe:
            outcome = self._run(read, prepared)
            response.batch.CopyFrom(outcome.batch)
            return partial(describe_outcome, response.explain_metrics, prepared, outcome)

        self._answer_query(request, response, prepared, run)
        if mask is not None:
            mask_results(response.batch.entity_results, mask)
        return response

    def _run(self, read: Read, prepared: Prepared) -> QueryOutcome:
        if read.locks:
            return lock_query(self._engine, read, prepared)
        with read.open_snapshot() as connection:
            return run_query(self._engine, prepared, View(connection, read.as_of))

    def run_aggregation_query(self, request: Message) -> Any:
        """Return counts, sums and averages over a query's results."""
        partition = self._read_partition(request)
        response = get_message_class("RunAggregationQueryResponse")()
        query = _read_query(
            request, request.aggregation_query, parse_aggregation, response, partition
        )
        prepared = prepare_query(self._engine, query.nested_query, partition)
        check_aggregation(self._engine, query, partition)

        def run(read: Read) -> Describe:
            aggregations = query.aggregations
            scanned = aggregate(self._engine, read, prepared, aggregations, response.batch)
            return partial(describe_aggregation, response.explain_metrics, scanned)

        self._answer_query(request, response, prepared, run)
        return response

    def _read_partition(self, request: Message) -> Partition:
        database = get_database(request)
        if request.WhichOneof("query_type") is None:
            raise InvalidArgument("A query must be given, as a message or as GQL.")
        key = Key(partition_id=request.partition_id)
        return resolve_partition(key, database, writes=False)

    def _answer_query(
        self,
        request: Message,
        response: Message,
        prepared: Prepared,
        run: Callable[[Read], Describe],
    ) -> None:
        """Run a query, explain it, or both, by its explain_options."""
        explains = request.HasField("explain_options")
        executes = not explains or request.explain_options.analyze
        with read_with(self._engine, request.read_options, get_database(request)) as read:
            if explains:
                describe_plan(response.explain_metrics, prepared)
            if executes:
                started = self._engine.clock.now()
                describe = run(read)
                set_timestamp(response.batch.read_time, read.read_time)
                if explains:
                    describe(self._engine.clock.now() - started)
            response.transaction = read.started


def _read_query(
    request: Message,
    stated: Message,
    parse: Callable[[Any, Partition], Any],
    response: Message,
    partition: Partition,
) -> Any:
    """Return a request's query; parse GQL, and add the parsed query to the response."""
    if request.WhichOneof("query_type") != "gql_query":
        return stated
    query = parse(request.gql_query, partition)
    response.query.CopyFrom(query)
    return query
