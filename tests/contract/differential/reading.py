"""Lookups, queries and aggregations, and the comparable parts of their answers."""

from dataclasses import dataclass
from typing import Any, Protocol

from local.datastore.encoding.messages import get_message_class
from tests.contract.differential.queries import Selection
from tests.contract.differential.session import Session, read_entity, read_key, read_values
from tests.contract.wire import Path

_MOST_PAGES = 8


class Reading(Protocol):
    """A step that reads, at the present, at a time or in a transaction."""

    def read(self, session: Session, options: Any) -> tuple[bytes, Any]:
        """Return the transaction that was begun, if any, and the answer."""
        ...


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
        after = read_batch(self.selection, session.wire.run(query))
        return before, after, self._read_backward(session, cursors[self.turn % len(cursors)])

    def _read_backward(self, session: Session, cursor: bytes) -> Any:
        turned = self.selection.reverse()
        if turned is None:
            return None
        query = turned.build(session.wire)
        query.start_cursor = cursor
        return read_batch(turned, session.wire.run(query))


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
