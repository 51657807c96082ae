"""What a sequence consists of. Each operation performs itself on one server and returns what of
the answers can be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from local.datastore.messages import get_message_class
from tests.contract.differential.queries import Selection
from tests.contract.differential.session import (
    Answer,
    Session,
    attempt,
    read_entity,
    read_key,
    read_values,
)
from tests.contract.wire import Path

_MOST_PAGES = 8


class Operation(Protocol):
    """A step of a sequence."""

    def perform(self, session: Session) -> Any:
        """Do it on one server; grpc.RpcError carries a refusal."""
        ...


class Reading(Protocol):
    """A step that reads, at the present, at a time or in a transaction."""

    def read(self, session: Session, options: Any) -> tuple[bytes, Any]:
        """Return the transaction that was begun, if any, and the answer."""
        ...


@dataclass(frozen=True)
class Write:
    """One mutation; ``base`` states the current version or a stale one."""

    verb: str
    path: Path
    properties: Mapping[str, Any]
    mask: tuple[str, ...] | None = None
    transforms: tuple[tuple[str, str, Any], ...] = ()
    base: str | None = None

    def build(self, session: Session) -> Any:
        """Return the message."""
        mutation = session.wire.mutation(self.verb, self.path, **self.properties)
        if self.mask is not None:
            mutation.property_mask.SetInParent()
            mutation.property_mask.paths.extend(self.mask)
        for name, transform, operand in self.transforms:
            one = mutation.property_transforms.add(property=name)
            if transform == "set_to_server_value":
                one.set_to_server_value = one.REQUEST_TIME
            else:
                getattr(one, transform).CopyFrom(_build_operand(session, operand))
        if self.base is not None:
            version = session.find_version(self.path)
            mutation.base_version = version if self.base == "current" else max(1, version - 1)
            mutation.conflict_resolution_strategy = mutation.FAIL
        return mutation


def _build_operand(session: Session, operand: Any) -> Any:
    value = session.wire.value(operand)
    return value.array_value if isinstance(operand, list) else value


def _read_results(writes: Sequence[Write], response: Any) -> Any:
    """Return what of a commit's results can be compared: see differences."""
    paths = [one.path for one in writes]
    return [
        _read_result(one, last=path not in paths[number + 1 :])
        for number, (path, one) in enumerate(zip(paths, response.mutation_results, strict=True))
    ]


def _read_result(result: Any, *, last: bool) -> Any:
    transformed = [read_values({"": one}) for one in result.transform_results]
    times = (result.create_time == result.update_time, result.HasField("update_time"))
    return read_key(result.key), transformed, last and times, result.conflict_detected


@dataclass(frozen=True)
class Commit:
    """Mutations without a transaction or in one of their own."""

    writes: tuple[Write, ...]
    single_use: bool

    def perform(self, session: Session) -> Any:
        """Commit; what it stored may be read again at its time."""
        built = [one.build(session) for one in self.writes]
        response = session.wire.commit(*built, single_use=self.single_use)
        if self.single_use:
            session.times.append(response.commit_time)
        return _read_results(self.writes, response)


@dataclass(frozen=True)
class Lookup:
    """A look-up of some keys, now or at the time of an earlier commit."""

    paths: tuple[Path, ...]
    mask: tuple[str, ...] | None = None
    at: int | None = None

    def perform(self, session: Session) -> Any:
        """Look up."""
        return self.read(session, session.options(self.at))[1]

    def read(self, session: Session, options: Any) -> tuple[bytes, Any]:
        """Look up by read options."""
        request = get_message_class("LookupRequest")(read_options=options)
        request.keys.extend(session.wire.key(*path) for path in self.paths)
        _set_mask(request, self.mask)
        response = session.wire.call("Lookup", request)
        found = [(*read_entity(one.entity), _is_new(one)) for one in response.found]
        missing = [read_key(one.entity.key) for one in response.missing]
        return response.transaction, (sorted(found), sorted(missing))


def _set_mask(request: Any, mask: tuple[str, ...] | None) -> None:
    if mask is not None:
        request.property_mask.SetInParent()
        request.property_mask.paths.extend(mask)


def _is_new(result: Any) -> bool:
    return bool(result.create_time == result.update_time)


@dataclass(frozen=True)
class Run:
    """A query, now or at the time of an earlier commit."""

    selection: Selection
    mask: tuple[str, ...] | None = None
    at: int | None = None

    def perform(self, session: Session) -> Any:
        """Run it."""
        return self.read(session, session.options(self.at))[1]

    def read(self, session: Session, options: Any) -> tuple[bytes, Any]:
        """Run it by read options."""
        request = get_message_class("RunQueryRequest")(read_options=options)
        request.query.CopyFrom(self.selection.build(session.wire))
        request.partition_id.CopyFrom(session.wire.key("K").partition_id)
        _set_mask(request, self.mask)
        response = session.wire.call("RunQuery", request)
        return response.transaction, read_batch(self.selection, response.batch)


def read_batch(selection: Selection, batch: Any) -> Any:
    """Return what of a batch can be compared."""
    rows = [read_entity(one.entity) for one in batch.entity_results]
    if not selection.project and not selection.distinct:
        # The emulator answers an entity once for each of its values that match: see differences.
        rows = list(dict.fromkeys(rows))
    return batch.entity_result_type, rows, batch.skipped_results


@dataclass(frozen=True)
class RunText:
    """A query as GQL, with its values bound or written out."""

    selection: Selection
    literal: bool

    def perform(self, session: Session) -> Any:
        """Run it."""
        request = get_message_class("RunQueryRequest")()
        request.partition_id.CopyFrom(session.wire.key("K").partition_id)
        self.selection.write_gql(session.wire, request.gql_query, literal=self.literal)
        return read_batch(self.selection, session.wire.call("RunQuery", request).batch)


@dataclass(frozen=True)
class Pages:
    """A query read page by page, and then from and up to the cursor of one of its results."""

    selection: Selection
    size: int
    turn: int

    def perform(self, session: Session) -> Any:
        """Read all the pages."""
        pages, cursors, cursor = [], [], b""
        for _ in range(_MOST_PAGES):
            query = self.selection.build(session.wire)
            query.limit.value, query.start_cursor = self.size, cursor
            batch = session.wire.run(query)
            pages.append((read_batch(self.selection, batch), batch.more_results))
            cursors += [one.cursor for one in batch.entity_results]
            cursor = batch.end_cursor
            if not batch.entity_results:
                break
        return pages, self._read_around(session, cursors)

    def _read_around(self, session: Session, cursors: list[bytes]) -> Any:
        if not cursors:
            return None
        query = self.selection.build(session.wire)
        query.end_cursor = cursors[self.turn % len(cursors)]
        before = read_batch(self.selection, session.wire.run(query))
        query = self.selection.build(session.wire)
        query.start_cursor, query.offset = cursors[self.turn % len(cursors)], 1
        return before, read_batch(self.selection, session.wire.run(query))


@dataclass(frozen=True)
class Aggregate:
    """Counts, sums and averages over a query."""

    selection: Selection
    operators: tuple[str, ...]
    at: int | None = None

    def perform(self, session: Session) -> Any:
        """Aggregate."""
        return self.read(session, session.options(self.at))[1]

    def read(self, session: Session, options: Any) -> tuple[bytes, Any]:
        """Aggregate by read options."""
        request = get_message_class("RunAggregationQueryRequest")(read_options=options)
        request.partition_id.CopyFrom(session.wire.key("K").partition_id)
        query = request.aggregation_query
        query.nested_query.CopyFrom(self.selection.build(session.wire))
        for operator in self.operators:
            one = query.aggregations.add()
            if operator == "count":
                one.count.SetInParent()
            elif operator == "up to 2":
                one.count.up_to.value = 2
            else:
                getattr(one, operator).property.name = "number"
        response = session.wire.call("RunAggregationQuery", request)
        (result,) = response.batch.aggregation_results
        return response.transaction, read_values(result.aggregate_properties)


@dataclass(frozen=True)
class Transact:
    """A transaction from its beginning to its end, and a request after that.

    ``meanwhile`` is committed outside of it, which only a read-only one does not wait for.
    """

    read_only: bool
    readings: tuple[Reading, ...]
    meanwhile: tuple[Write, ...] = ()
    writes: tuple[Write, ...] = ()
    commits: bool = True
    begun_by_read: bool = False

    def perform(self, session: Session) -> Any:
        """Return each step's status and answer; nothing stays open."""
        answers: list[Any] = []
        readings = list(self.readings)
        if self.begun_by_read and readings:
            options = session.options()
            options.new_transaction.read_only.SetInParent()
            transaction, first = readings.pop(0).read(session, options)
            answers.append(first)
        else:
            transaction = session.wire.begin(read_only=self.read_only)
        options = session.options(transaction=transaction)
        try:
            answers += [self._read(one, session, options) for one in readings]
            if self.read_only and self.meanwhile:
                answers.append(attempt(Commit(self.meanwhile, True).perform, session))
                answers += [self._read(one, session, options) for one in readings]
            answers.append(attempt(self._end, session, transaction))
            answers.append(self._read(Lookup((("K", "a"),)), session, options))
        finally:
            attempt(_roll_back, session, transaction)
        return answers

    def _read(self, reading: Reading, session: Session, options: Any) -> Answer:
        status, answer = attempt(reading.read, session, options)
        return status, answer and answer[1]

    def _end(self, session: Session, transaction: bytes) -> Any:
        if not self.commits:
            return _roll_back(session, transaction)
        built = [replace(one, base=None).build(session) for one in self.writes]
        response = session.wire.commit(*built, transaction=transaction)
        return _read_results(self.writes, response)


def _roll_back(session: Session, transaction: bytes) -> None:
    session.wire.call("Rollback", transaction=transaction)


@dataclass(frozen=True)
class Allocate:
    """Ids for incomplete keys."""

    paths: tuple[Path, ...]

    def perform(self, session: Session) -> Any:
        """Allocate."""
        keys = [session.wire.key(*path) for path in self.paths]
        return [read_key(one) for one in session.wire.call("AllocateIds", keys=keys).keys]


@dataclass(frozen=True)
class Reserve:
    """Ids that are not to be allocated."""

    paths: tuple[Path, ...]

    def perform(self, session: Session) -> Any:
        """Reserve."""
        session.wire.call("ReserveIds", keys=[session.wire.key(*path) for path in self.paths])


@dataclass(frozen=True)
class Enter:
    """From here on the sequence is in another namespace."""

    number: int

    def perform(self, session: Session) -> Any:
        """Change the namespace."""
        session.enter(self.number)
