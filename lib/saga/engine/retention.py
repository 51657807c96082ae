"""How long finished sagas are kept before the sweep deletes them.

It deletes a saga's record, what has moved out of the record, and what the effect barrier has
recorded for the saga. A TTL policy cannot do that: it does not know when an effect is no longer
needed, and an effect that outlives its saga would be taken for one of the next saga with that id.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from lib.saga.machine.decision.decision import Decision
from lib.saga.state.records import FINISHED, SagaRecord, purge_mark
from lib.timing.time_marks import shard_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Finished sagas are kept for `keep`."""

    keep: timedelta = timedelta(days=90)


KEEP = Retention()


def retain(decision: Decision, retention: Retention) -> Decision:
    """Return the decision; if it ends the saga, with the time of its purge.

    A child saga gets its time of expiry when its parent is notified: see `keep_for_parent`.
    """
    saga = decision.saga
    if not decision.events or saga.status not in FINISHED or saga.parent_id:
        return decision
    return replace(decision, saga=_mark(saga, retention))


def keep_for_parent(child: SagaRecord, retention: Retention) -> SagaRecord:
    """Return a child saga with its time of expiry. It is purged only after its parent has ended."""
    return _mark(child, retention)


def _mark(saga: SagaRecord, retention: Retention) -> SagaRecord:
    return replace(saga, due=purge_mark(shard_of(saga.id), saga.updated_at + retention.keep))
