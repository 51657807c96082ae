"""Processes many sagas, one by one or in a few threads, while there is time.

A saga that fails does not stop the others: it is logged and counted.
"""

import contextvars
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Protocol, TypeVar

from lib.errors import AmendsError, Contention, DeadlineExceeded, Unavailable, Unreadable
from lib.observability.logs import log
from lib.observability.stack_traces import describe_stack
from lib.saga.engine import alerts

#: Errors of the services that sagas depend on: the saga is not at fault.
TRANSIENT = (Unavailable, Contention, DeadlineExceeded)


class HasId(Protocol):
    """A record with an id, which the log names."""

    id: str


T = TypeVar("T", bound=HasId)


class WorkOutcome(StrEnum):
    """How the work on one saga ended."""

    DONE = "done"
    #: There was nothing left to do.
    NOT_NEEDED = "not needed"
    #: A service that sagas depend on did not answer.
    FAILED = "failed"
    #: This saga, or the code of the sweep, is at fault.
    BROKEN = "broken"
    UNREADABLE = "unreadable"


@dataclass(slots=True)
class WorkResult:
    """How many items had each outcome, and whether all items were processed."""

    counts: Counter[WorkOutcome] = field(default_factory=Counter)
    is_complete: bool = False


def process_all(
    items: Iterable[T],
    act: Callable[[T], bool],
    *,
    threads: int,
    may_go_on: Callable[[], bool],
) -> WorkResult:
    """Call `act` for each item as long as `may_go_on` returns True.

    `act` returns whether there was anything to do. With one thread, it runs in the caller's thread,
    in order. Raises what `items` raises.
    """
    feed = _Feed(iter(items), may_go_on)
    worked = WorkResult()

    def work() -> Counter[WorkOutcome]:
        return Counter(_attempt(act, item) for item in feed)

    if threads == 1:
        worked.counts = work()
    else:
        with ThreadPoolExecutor(threads) as pool:
            started = [pool.submit(contextvars.copy_context().run, work) for _ in range(threads)]
        for each in started:
            worked.counts += each.result()
    worked.is_complete = feed.is_exhausted
    return worked


class _Feed(Iterator[T]):
    """Gives items to any number of threads, until there are no more or time is up."""

    def __init__(self, items: Iterator[T], may_go_on: Callable[[], bool]) -> None:
        self._items = items
        self._may_go_on = may_go_on
        self._lock = Lock()
        self.is_exhausted = False

    def __next__(self) -> T:
        with self._lock:
            if self.is_exhausted or not self._may_go_on():
                raise StopIteration
            try:
                return next(self._items)
            except StopIteration:
                self.is_exhausted = True
                raise


def _attempt(act: Callable[[T], bool], item: T) -> WorkOutcome:
    try:
        return WorkOutcome.DONE if act(item) else WorkOutcome.NOT_NEEDED
    except TRANSIENT as problem:
        log("WARNING", "left to the next sweep", saga=item.id, error=problem.detail)
        return WorkOutcome.FAILED
    except Unreadable as problem:
        alerts.log_unreadable(item.id, problem)
        return WorkOutcome.UNREADABLE
    except AmendsError as problem:
        log("ERROR", "the sweep could not process a saga", saga=item.id, error=problem.detail)
        return WorkOutcome.BROKEN
    except Exception as problem:  # its text may quote a payload
        log("ERROR", "the sweep could not process a saga", saga=item.id,
            error=type(problem).__name__, stack=describe_stack(problem))  # fmt: skip
        return WorkOutcome.BROKEN
