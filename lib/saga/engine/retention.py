"""How long finished sagas are kept, and what deletes them.

The sweep deletes a saga's root and the effects that the effect barrier has recorded for it. A TTL
policy cannot know when an effect is no longer needed, and an effect that outlives its saga would
block the next saga of the same id. TTL policies can delete steps and events: most of the data.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lib.saga.machine.decision.decision import Decision
from lib.saga.state.records import FINISHED, SagaRecord, purge_mark
from lib.timing.time_marks import shard_of

#: How much longer steps and events are kept than the root: the sweep reads the steps' names.
TTL_MARGIN = timedelta(days=7)

#: If there are more records, the sweep deletes them: a commit has a maximum size.
MAX_EXPIRING = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Finished sagas are kept for `keep`; with `ttl`, TTL policies delete steps and events."""

    keep: timedelta = timedelta(days=90)
    ttl: bool = False


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
    ended = replace(decision, saga=replace(saga, expires_at=at, due=due))
    return _expire_all(ended, at + TTL_MARGIN) if expires_by_ttl(saga, retention) else ended


def expires_by_ttl(saga: SagaRecord, retention: Retention) -> bool:
    """Return whether TTL policies delete a finished saga's steps and events."""
    few = saga.total_steps + saga.sequence <= MAX_EXPIRING
    return retention.ttl and few and not saga.parent_id


def keep_for_parent(child: SagaRecord, retention: Retention) -> SagaRecord:
    """Return a child saga that the sweep purges in time, but after its parent has ended."""
    mark = purge_mark(shard_of(child.id), child.updated_at + retention.keep)
    return replace(child, due=mark)


def _expire_all(decision: Decision, at: datetime) -> Decision:
    return replace(
        decision,
        steps=tuple(replace(step, expires_at=at) for step in decision.steps),
        events=tuple(replace(event, expires_at=at) for event in decision.events),
        expiry=at,
    )
