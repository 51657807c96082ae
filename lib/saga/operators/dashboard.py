"""The numbers of a dashboard, at a cost that does not grow with the number of finished sagas.

Each number is an aggregation over the index entries of unfinished sagas alone.
"""

from datetime import datetime, timedelta
from typing import Any

from lib.datastore import (
    Count,
    Query,
    Results,
    Store,
    Sum,
    Transaction,
    UnreadableEntity,
    marked_since,
)
from lib.saga.engine.execution.overruns import OVERRUNS
from lib.saga.engine.repository import SagaRepository
from lib.saga.state.records import FINISHED, UNFINISHED, DeadLetter, SagaRecord, SagaStatus

#: The period for which finished sagas are counted.
RECENT = timedelta(hours=1)

#: The sagas that were redelivered and have not moved since.
_STANDING = Query(SagaRecord).where("stands", "=", True)

#: The maximum number of them that are read to find the one that has stood longest.
MAX_STANDING = 20

#: The maximum number of sagas that are examined to find a readable one.
MAX_EXAMINED = 100


def monitor(repository: SagaRepository, now: datetime) -> dict[str, Any]:
    """Return sagas by status, the oldest unfinished one, and what is overdue, parked or retried.

    `not_moving` sagas were redelivered by the sweep and have done nothing since: they are not
    overdue again until their next due time, and the longest standing of some of them is shown.
    `by_status` counts the unfinished sagas, `finished_in_the_last_hour` the recently finished ones.
    `unreadable` names records that cannot be read, among the oldest. `overruns` is the number of
    calls that continue after their timeout, in this process only.
    """
    store = repository.store
    numbers = store.transact(lambda tx: _count_all(repository, tx, now), read_only=True)
    oldest, unreadable = _find_oldest(store, now)
    standing = store.run(_STANDING, MAX_STANDING) if numbers["not_moving"] else Results()
    return {
        "at": now,
        **numbers,
        "overruns": OVERRUNS.count,
        "oldest_unfinished": oldest,
        "longest_not_moving": _find_longest(standing, now),
        "unreadable": (*unreadable, *standing.unreadable),
    }


def _count_all(repository: SagaRepository, tx: Transaction, now: datetime) -> dict[str, Any]:
    """Count everything at one read time, so that the numbers are consistent with each other."""
    unfinished = {status: _count(tx, status) for status in SagaStatus if status in UNFINISHED}
    return {
        "by_status": {status: counted["count"] or 0 for status, counted in unfinished.items()},
        "finished_in_the_last_hour": {
            status: _count_recent(tx, status, now) for status in SagaStatus if status in FINISHED
        },
        "retries": sum(counted["retries"] or 0 for counted in unfinished.values()),
        "paused": tx.count(Query(SagaRecord).where("paused", "=", True)),
        "overdue": repository.count_overdue(now, tx),
        "not_moving": tx.count(_STANDING),
        "parked": tx.count(Query(DeadLetter)),
    }


def _count(tx: Transaction, status: SagaStatus) -> dict[str, int | float | None]:
    of_status = Query(SagaRecord).where("status", "=", status)
    return tx.aggregate(of_status, count=Count(), retries=Sum("retries"))


def _count_recent(tx: Transaction, status: SagaStatus, now: datetime) -> int:
    of_status = Query(SagaRecord).where("status", "=", status)
    return tx.count(of_status.where(marked_since("ended_mark", now - RECENT)))


def _find_oldest(
    store: Store, now: datetime
) -> tuple[dict[str, Any] | None, tuple[UnreadableEntity, ...]]:
    """Return the oldest unfinished saga; more than one is read only if the first is unreadable."""
    unfinished = Query(SagaRecord).where("status", "IN", sorted(UNFINISHED))
    found = store.page_by_time(unfinished, "created_mark", 1)
    if found.unreadable:
        found = store.page_by_time(unfinished, "created_mark", MAX_EXAMINED)
    oldest = _describe(found.items[0], now) if found.items else None
    return oldest, found.unreadable


def _find_longest(standing: list[SagaRecord], now: datetime) -> dict[str, Any] | None:
    saga = min(standing, key=lambda each: each.stands_since or now, default=None)
    return None if saga is None else {**_describe(saga, now), "since": saga.stands_since}


def _describe(saga: SagaRecord, now: datetime) -> dict[str, Any]:
    return {
        "id": saga.id,
        "name": saga.name,
        "status": saga.status,
        "created_at": saga.created_at,
        "age_seconds": round((now - saga.created_at).total_seconds()),
    }
