"""How long finished sagas are kept, and how they go."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lib.saga.draft import Decision
from lib.saga.records import FINISHED, SagaRecord, purge_mark, shard_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """`keep` finished sagas so long; with `ttl`, Datastore's own TTL policies delete them.

    Without it the sweep purges them, and with them what the effect barrier has recorded.
    """

    keep: timedelta = timedelta(days=90)
    ttl: bool = False


KEEP = Retention()


#: Of more records than this the sweep disposes, TTL policies or not: a commit has its limits.
MOST_EXPIRING = 400


def retain(decision: Decision, retention: Retention) -> Decision:
    """Return a decision that says when its saga expires, if it ends the saga.

    A child saga is kept at least until its parent has heard of its end: see `told`.
    """
    saga = decision.saga
    if not decision.events or saga.status not in FINISHED or saga.parent_id:
        return decision
    at = saga.updated_at + retention.keep
    expires = retention.ttl and saga.total_steps + saga.sequence <= MOST_EXPIRING
    due = None if expires else purge_mark(shard_of(saga.id), at)
    ended = replace(decision, saga=replace(saga, expires_at=at, due=due))
    return _expire_all(ended, at) if expires else ended


def _expire_all(decision: Decision, at: datetime) -> Decision:
    return replace(
        decision,
        steps=tuple(replace(step, expires_at=at) for step in decision.steps),
        events=tuple(replace(event, expires_at=at) for event in decision.events),
        expires=True,
    )


def told(child: SagaRecord, retention: Retention) -> SagaRecord:
    """Return a child saga whose parent knows its end; the sweep purges it, after its parent."""
    mark = purge_mark(shard_of(child.id), child.updated_at + retention.keep)
    return replace(child, parent_told=True, due=mark)
