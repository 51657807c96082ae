"""Queries at a time in the past hour, on unchanged entities and on the history."""

from collections.abc import Iterator, Sequence

from local.datastore.encoding.messages import get_message_class
from local.datastore.encoding.ordered import AFTER
from local.datastore.query.plan.intervals import Cut, contains
from local.datastore.query.plan.planner import QueryPlan
from local.datastore.query.run.execution import Execution
from local.datastore.query.run.scans import Hit, unite
from local.datastore.storage.indexes import build_entries, collect_values
from local.datastore.storage.store import Stored


class PastExecution:
    """Runs plans on the state at a past time: on unchanged entities, and on replaced versions."""

    def __init__(self, present: Execution, time: int) -> None:
        self._present = present
        self._time = time
        self._replaced: dict[bytes, Stored] = {}

    @property
    def scanned(self) -> int:
        """The number of index entries read so far."""
        return self._present.scanned

    def fetch(self, path: bytes) -> Stored:
        """Return the entity of a hit."""
        return self._replaced.get(path) or self._present.fetch(path)

    def walk(self, plans: Sequence[QueryPlan], start: Cut) -> Iterator[Hit]:
        """Yield the hits of all plans above a cut in order, with each position once."""
        unchanged = (
            hit
            for hit in self._present.walk(plans, start)
            if self._present.fetch(hit.path).version <= self._time
        )
        replaced = [hit for hit in self._list_replaced(plans) if hit.position >= start.edge]
        return unite([unchanged, iter(sorted(replaced))])

    def _list_replaced(self, plans: Sequence[QueryPlan]) -> Iterator[Hit]:
        """Yield the hits among versions replaced since; the cost grows with all changes."""
        partition = self._present.partition
        rows = self._present.connection.execute(
            "SELECT key, version, created, entity FROM history "
            "WHERE until > ? AND version <= ? AND key >= ? AND key < ?",
            (self._time, self._time, partition, partition + AFTER),
        )
        for key, *stored in rows:
            yield from self._match(plans, key[len(partition) :], Stored(*stored))

    def _match(self, plans: Sequence[QueryPlan], path: bytes, stored: Stored) -> Iterator[Hit]:
        entity = get_message_class("Entity").FromString(stored.entity)
        values = collect_values(entity)
        for plan in plans:
            of_kind = plan.kind in ("", entity.key.path[-1].kind)
            if not (of_kind and plan.selects(values) and contains(plan.base, path)):
                continue
            for entry in build_entries(plan.build_definition(), values, path):
                if plan.admits(entry.body):
                    self._replaced[path] = stored
                    position = plan.layout.build_position(entry.body)
                    yield Hit(position, path, entry.multiple)
