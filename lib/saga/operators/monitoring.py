"""What a dashboard shows of all sagas, at a cost that does not grow with those that are finished.

Each number is an aggregation over the index entries of unfinished sagas alone.
"""

from datetime import datetime, timedelta
from typing import Any

from lib.datastore import Count, Query, Store, Sum
from lib.saga.journal import Journal
from lib.saga.records import FINISHED, UNFINISHED, DeadLetter, SagaRecord, SagaStatus

#: How far back finished sagas are counted: what ends in this time is bounded by the load.
RECENT = timedelta(hours=1)


def monitor(journal: Journal, now: datetime) -> dict[str, Any]:
    """Return sagas by status, the oldest unfinished one, and what is overdue, parked or retried.

    `by_status` counts the unfinished ones, `finished_in_the_last_hour` the others.
    """
    store = journal.store
    unfinished = {status: _count(store, status) for status in SagaStatus if status in UNFINISHED}
    recent = {
        status: _count_recent(store, status, now) for status in SagaStatus if status in FINISHED
    }
    return {
        "at": now,
        "by_status": {status: counted["count"] or 0 for status, counted in unfinished.items()},
        "finished_in_the_last_hour": recent,
        "retries": sum(counted["retries"] or 0 for counted in unfinished.values()),
        "paused": store.count(Query(SagaRecord).where("paused", "=", True)),
        "overdue": journal.count_overdue(now),
        "parked": store.count(Query(DeadLetter)),
        "oldest_unfinished": _find_oldest(store, now),
    }


def _count(store: Store, status: SagaStatus) -> dict[str, int | float | None]:
    of_status = Query(SagaRecord).where("status", "=", status)
    return store.aggregate(of_status, count=Count(), retries=Sum("retries"))


def _count_recent(store: Store, status: SagaStatus, now: datetime) -> int:
    of_status = Query(SagaRecord).where("status", "=", status)
    return store.count(of_status.where("updated_at", ">=", now - RECENT))


def _find_oldest(store: Store, now: datetime) -> dict[str, Any] | None:
    unfinished = Query(SagaRecord).where("status", "IN", sorted(UNFINISHED))
    for saga in store.run(unfinished.order("created_at"), limit=1):
        return {
            "id": saga.id,
            "name": saga.name,
            "status": saga.status,
            "created_at": saga.created_at,
            "age_seconds": round((now - saga.created_at).total_seconds()),
        }
    return None
