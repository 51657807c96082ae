"""Cloud Tasks in memory: at-least-once delivery, unique task names, backoff, virtual time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lib.saga.state.delivery import Delivery
from lib.saga.testing.memory.clock import VirtualClock
from lib.timing.backoff import Backoff

#: The queue's retries, as queues.yaml sets them.
BACKOFF = Backoff(first=timedelta(seconds=0.1), cap=timedelta(seconds=60))
MAX_DISPATCHES = 100


@dataclass(slots=True, eq=False)
class QueuedTask:
    """One task: `at` is the time of its next dispatch, or when a dispatch in flight is given up."""

    delivery: Delivery
    at: datetime
    dispatches: int = 0
    #: The number of dispatches that were answered with a failure other than 5xx.
    answered: int = 0

    @property
    def retries(self) -> int:
        """The number of earlier dispatches of this task."""
        return self.dispatches - 1

    @property
    def lost(self) -> int:
        """The number of earlier dispatches that ended without an answer, or with a 5xx."""
        return self.retries - self.answered


@dataclass(frozen=True, slots=True)
class SavedQueue:
    """The contents of a queue at some time."""

    names: frozenset[str] = frozenset()
    tasks: tuple[QueuedTask, ...] = ()


class MemoryQueue:
    """Tasks by due time; tasks due at the same time stay in the order in which they were added."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._names: set[str] = set()
        self.tasks: list[QueuedTask] = []

    def enqueue(self, delivery: Delivery) -> None:
        """Add a delivery, unless its task name was used before."""
        if delivery.task_name in self._names:
            return
        self._names.add(delivery.task_name)
        self.tasks.append(QueuedTask(delivery, max(delivery.at, self._clock.now)))

    @property
    def next(self) -> QueuedTask | None:
        """The first task that is due, if there is any."""
        return min(self.tasks, key=lambda task: task.at, default=None)

    def dispatch(self, task: QueuedTask) -> int:
        """Count a dispatch of a task and return its number; without an answer it is repeated."""
        task.dispatches += 1
        task.at = self._clock.now + task.delivery.dispatch_deadline
        return task.dispatches

    def acknowledge(self, task: QueuedTask, number: int) -> None:
        """Delete a task; ignore the answer to a dispatch that was given up."""
        if task.dispatches == number and task in self.tasks:
            self.tasks.remove(task)

    def retry(self, task: QueuedTask, number: int, *, answered: bool = False) -> None:
        """Dispatch a task again after its backoff, or give it up after the last dispatch."""
        if task.dispatches != number or task not in self.tasks:
            return
        task.answered += answered
        if task.dispatches == MAX_DISPATCHES:
            self.tasks.remove(task)
        task.at = self._clock.now + BACKOFF.ceiling(task.dispatches)

    def save(self) -> SavedQueue:
        """Return the tasks and all names that were ever used, for `restore`."""
        return SavedQueue(frozenset(self._names), tuple(replace(task) for task in self.tasks))

    def restore(self, saved: SavedQueue) -> None:
        """Restore the contents that were saved."""
        self._names = set(saved.names)
        self.tasks = [replace(task) for task in saved.tasks]

    def drop_all(self) -> None:
        """Lose every task; the names stay in use, as after a purge."""
        self.tasks.clear()
