"""Deletes finished sagas whose retention is over, with all that belongs to them."""

from collections.abc import Callable
from datetime import datetime, timedelta

from lib.datastore import key, shard_of
from lib.errors import Unreadable
from lib.saga.barrier import Effect
from lib.saga.engine.engine import Engine
from lib.saga.engine.execution.call import idempotency_key
from lib.saga.engine.repository import SagaRepository
from lib.saga.state.records import FINISHED, SagaRecord, purge_mark

#: How long a saga is kept before the next look, if an ancestor is unfinished.
POSTPONEMENT = timedelta(days=1)


def make_purge(engine: Engine, now: datetime) -> Callable[[SagaRecord], bool]:
    """Return a function that deletes one expired saga, and returns whether it did.

    While any ancestor is unfinished the saga is kept, because it may still have to roll back; the
    sweep looks again a day later.
    """
    ancestry = Ancestry(engine.repository)

    def purge(saga: SagaRecord) -> bool:
        if ancestry.is_unfinished(saga):
            engine.repository.postpone(saga, purge_mark(shard_of(saga.id), now + POSTPONEMENT))
            return False
        steps = engine.repository.load_steps(saga).steps
        keys = (idempotency_key(saga.id, step.name) for step in steps)
        engine.repository.purge(saga, [key(Effect, each) for each in keys])
        return True

    return purge


class Ancestry:
    """The ancestors of sagas. Each is read once and cached: make a new Ancestry for each sweep."""

    def __init__(self, repository: SagaRepository) -> None:
        self._repository = repository
        self._unfinished: dict[str, bool] = {}

    def is_unfinished(self, saga: SagaRecord) -> bool:
        """Return whether any ancestor of a saga is unfinished, or cannot be read."""
        passed: list[str] = []
        above = saga.parent_id
        while above and above not in self._unfinished and above not in passed:
            passed.append(above)
            above = self._parent_or_self(above)
        answer = self._unfinished.get(above, False)
        self._unfinished |= dict.fromkeys(passed, answer)
        return answer

    def _parent_or_self(self, saga_id: str) -> str:
        """Return the parent's id, or "" if there is none; an unfinished saga's own id, noted."""
        try:
            saga = self._repository.find(saga_id)
        except Unreadable:
            self._unfinished[saga_id] = True
            return saga_id
        if saga is None:
            return ""
        if saga.status not in FINISHED:
            self._unfinished[saga_id] = True
            return saga_id
        return saga.parent_id
