"""Callers that wait for the end of a saga: few at a time, with few lookups."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from lib.errors import AmendsError
from lib.saga.engine.repository import SagaRepository
from lib.saga.state.records import ACTIVE, SagaRecord
from lib.timing.backoff import Backoff

#: The maximum number of callers that wait in one process. Each occupies one of its 16 threads; the
#: other threads serve callers that do not wait.
MAX_WAITERS = 8

#: Each pause between lookups is half as long again as the last, up to a second: about ten lookups
#: in the first second, and then one a second.
LOOKUPS = Backoff(first=timedelta(milliseconds=10), factor=1.5, cap=timedelta(seconds=1))


class Waiters:
    """The callers that wait in one process; its threads may share it."""

    def __init__(
        self,
        repository: SagaRepository,
        *,
        limit: int = MAX_WAITERS,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._repository = repository
        self._places = threading.BoundedSemaphore(limit)
        self._sleep = sleep
        self._clock = clock

    def follow(
        self, saga: SagaRecord, within: timedelta, is_gone: Callable[[], bool]
    ) -> SagaRecord | None:
        """Return a saga once it is COMPLETED, ROLLED_BACK or FAILED, or as it is after `within`.

        Returns None immediately if MAX_WAITERS callers wait already. The wait ends early if the
        caller or the saga is gone, or if the saga cannot be read.
        """
        if saga.status not in ACTIVE:
            return saga
        if not self._places.acquire(blocking=False):
            return None
        try:
            return self._wait(saga, self._clock() + within.total_seconds(), is_gone)
        finally:
            self._places.release()

    def _wait(self, saga: SagaRecord, until: float, is_gone: Callable[[], bool]) -> SagaRecord:
        lookups = 0
        while saga.status in ACTIVE and (left := until - self._clock()) > 0 and not is_gone():
            lookups += 1
            self._sleep(min(LOOKUPS.ceiling(lookups).total_seconds(), left))
            found = self._find(saga.id)
            if found is None:
                break
            saga = found
        return saga

    def _find(self, saga_id: str) -> SagaRecord | None:
        """Return the saga, or None if it cannot be read: the caller still gets an answer."""
        try:
            return self._repository.find(saga_id)
        except AmendsError:
            return None
