"""One queue's waiting tasks ordered by due time, and whether one may be dispatched now."""

import heapq
import itertools
from typing import Any

from local.http.retry import RetryConfig, read_policy
from local.tasks.dispatch.bucket import TokenBucket
from local.tasks.v2.messages import RUNNING


class PendingTasks:
    """The waiting tasks of one queue; times are epoch seconds. Not thread-safe."""

    def __init__(self, queue: Any, now: float) -> None:
        self.running = 0
        self._waiting: dict[str, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._numbers = itertools.count()
        self._rate = 0.0
        self.configure(queue, now)

    def configure(self, queue: Any, now: float) -> None:
        """Apply a queue's settings and state."""
        limits = queue.rate_limits
        self.open = queue.state == RUNNING
        self.policy: RetryConfig = read_policy(queue.retry_config)
        self.target: Any | None = queue.http_target if queue.HasField("http_target") else None
        self._max_running: int = limits.max_concurrent_dispatches
        if limits.max_dispatches_per_second != self._rate:
            self._rate = limits.max_dispatches_per_second
            self.bucket = TokenBucket(self._rate, limits.max_burst_size, now)

    @property
    def waiting(self) -> int:
        """The number of waiting tasks, due or not."""
        return len(self._waiting)

    def list_next(self, count: int) -> list[tuple[str, float]]:
        """Return the next `count` tasks with their due times."""
        entries = ((due, number, task) for task, (due, number) in self._waiting.items())
        return [(task, due) for due, _, task in heapq.nsmallest(count, entries)]

    def add(self, task: str, due: float) -> None:
        """Add a task, or change its due time."""
        entry = (due, next(self._numbers))
        self._waiting[task] = entry
        heapq.heappush(self._heap, (*entry, task))

    def remove(self, task: str) -> None:
        """Remove a task, if it waits."""
        self._waiting.pop(task, None)

    def clear(self) -> None:
        """Remove all tasks."""
        self._waiting.clear()
        self._heap.clear()

    def shift(self, seconds: float) -> None:
        """Adjust to a clock that was set by `seconds`, so that the waits stay the same."""
        self._waiting = {
            task: (due + seconds, number) for task, (due, number) in self._waiting.items()
        }
        self._heap = [(due, number, task) for task, (due, number) in self._waiting.items()]
        heapq.heapify(self._heap)
        self.bucket.shift(seconds)

    def take(self, now: float) -> str | None:
        """Remove and return the next task that may be dispatched now; None if there is none."""
        if not self._is_free() or self._first_due() > now or not self.bucket.take(now):
            return None
        _, _, task = heapq.heappop(self._heap)
        del self._waiting[task]
        self.running += 1
        return task

    def wakes_at(self, now: float) -> float:
        """Return when `take` can next return a task if nothing changes; infinity for never."""
        due = self._first_due() if self._is_free() else float("inf")
        return max(due, self.bucket.next_token_at(now)) if due < float("inf") else due

    def _is_free(self) -> bool:
        return self.open and self.running < self._max_running

    def _first_due(self) -> float:
        while self._heap:
            due, number, task = self._heap[0]
            if self._waiting.get(task) == (due, number):
                return due
            heapq.heappop(self._heap)
        return float("inf")
