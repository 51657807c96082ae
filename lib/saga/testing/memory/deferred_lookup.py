"""A lookup that Datastore answers in two parts, through the data layer's own code and messages.

The service may defer keys of a Lookup. The store can change between its answers: a caller that asks
for the rest without the read time of the first answer gets records of two times.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lib.datastore import Key
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.read.lookups import look_up
from lib.datastore.rpc.service import Service
from lib.datastore.v1.messages import message
from lib.saga.testing.memory.entities import Memory, Path, StoredEntity


def look_up_in_parts(
    memory: Memory, codecs: Codecs, keys: Sequence[Key[Any]], between: Callable[[], None]
) -> list[Any]:
    """Return the entity of each key; `between` runs before the roots are answered."""
    return look_up(Service(DeferringConnection(memory, codecs, between)), codecs, keys)


class DeferringConnection:
    """Answers a first Lookup without its root entities, and the next ones completely.

    The worst result is a new root with old entities below it: a check of the root's version would
    pass.
    """

    def __init__(self, memory: Memory, codecs: Codecs, between: Callable[[], None]) -> None:
        self.project = codecs.partition.project
        self.database = codecs.partition.database
        self._memory = memory
        self._codecs = codecs
        self._between = between
        #: The stored data at the time of the first answer, and that time: a count of commits.
        self._first = memory.save()
        self._lookups = 0

    def call(self, method: str, request: Any, _timeout: float) -> Any:
        """Answer a Lookup as of its read time, or of now; refuse everything else."""
        if method != "Lookup":
            raise NotImplementedError(f"a deferring connection has no {method}")
        self._lookups += 1
        if self._lookups == 1:
            below = [each for each in request.keys if len(each.path) > 1]
            answer = self._answer(below, self._first.entities)
            answer.read_time.seconds = self._first.version
            answer.deferred.extend(each for each in request.keys if len(each.path) == 1)
            return answer
        if self._lookups == 2:
            self._between()
        pinned = request.read_options.HasField("read_time")
        return self._answer(request.keys, (self._first if pinned else self._memory.save()).entities)

    def close(self) -> None:
        """Do nothing."""

    def _answer(self, keys: Sequence[Any], entities: Mapping[Path, StoredEntity]) -> Any:
        answer = message("LookupResponse")()
        for each in keys:
            stored = entities.get(tuple((part.kind, part.id or part.name) for part in each.path))
            if stored is None:
                answer.missing.add().entity.key.CopyFrom(each)
                continue
            result = answer.found.add(version=stored.version)
            self._codecs.of(type(stored.entity)).write(stored.entity, result.entity)
        return answer
