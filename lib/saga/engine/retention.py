"""How long finished sagas are kept, and that the sweep deletes them.

It deletes a saga's record, what has moved out of that, and what the effect barrier has recorded for
the saga. No TTL policy does: it could not know when an effect is no longer needed, and an effect
that outlives its saga would answer for the next saga of the same id.
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
    """Return the decision, with the time of expiry if it ends the saga.

    A child saga is kept at least until its parent was notified: see `keep_for_parent`.
    """
    saga = decision.saga
    if not decision.events or saga.status not in FINISHED or saga.parent_id:
        return decision
    at = saga.updated_at + retention.keep
    due = purge_mark(shard_of(saga.id), at)
    return replace(decision, saga=replace(saga, expires_at=at, due=due))


def keep_for_parent(child: SagaRecord, retention: Retention) -> SagaRecord:
    """Return a child saga that the sweep purges in time, but after its parent has ended."""
    mark = purge_mark(shard_of(child.id), child.updated_at + retention.keep)
    return replace(child, due=mark)
