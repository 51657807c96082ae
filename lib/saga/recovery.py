"""The sweep: sagas whose delivery the queue has lost are delivered again."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from lib.errors import AmendsError
from lib.logs import log
from lib.saga.engine import Engine
from lib.saga.records import SHARDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep did: sagas found overdue, delivered again, and left to the next sweep."""

    found: int
    delivered: int
    left: int


def sweep(
    engine: Engine,
    clock: Callable[[], datetime],
    *,
    limit: int = 200,
    budget: timedelta = timedelta(seconds=45),
) -> Swept:
    """Deliver overdue sagas again, the longest overdue first, within `limit` and `budget`.

    Two sweeps at once are harmless: each saga's version lets one of them through.
    """
    started = clock()
    shards = [engine.journal.overdue(shard, started, limit) for shard in range(SHARDS)]
    # A mark begins with its shard; what follows orders marks of all shards by time.
    merged = heapq.merge(*shards, key=lambda saga: (saga.due or "").partition("|")[2])
    sagas = list(islice(merged, limit))
    delivered = tried = 0
    for saga in sagas:
        if clock() - started > budget:
            break
        tried += 1
        try:
            delivered += engine.redeliver(saga)
        except AmendsError as problem:
            log("WARNING", "an overdue saga is left to the next sweep", saga=saga.id,
                error=problem.detail)  # fmt: skip
    return Swept(found=len(sagas), delivered=delivered, left=len(sagas) - tried)
