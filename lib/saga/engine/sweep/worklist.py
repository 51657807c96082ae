"""Sagas that are worked through one by one, or by a few threads, while there is time.

One that fails stops no other: it is logged and counted.
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

#: The services that we stand on do not answer: that is no fault of the saga at hand.
TRANSIENT = (Unavailable, Contention, DeadlineExceeded)


class HasId(Protocol):
    """A record that is named by its id in the log."""

    id: str


T = TypeVar("T", bound=HasId)


class WorkOutcome(StrEnum):
    """How the work on one saga ended."""

    DONE = "done"
    #: There was nothing to do any more.
    NOT_NEEDED = "not needed"
    #: A service that we stand on did not answer.
    FAILED = "failed"
    #: By a fault of this one saga, or of our code.
    BROKEN = "broken"
    UNREADABLE = "unreadable"


@dataclass(slots=True)
class WorkResult:
    """How many ended how, and whether that were all that there are."""

    counts: Counter[WorkOutcome] = field(default_factory=Counter)
    is_complete: bool = False


def process_all(
    items: Iterable[T],
    act: Callable[[T], bool],
    *,
    threads: int,
    may_go_on: Callable[[], bool],
) -> WorkResult:
    """Act on each item while `may_go_on`; `act` tells whether there was anything to do.

    With one thread it is this one, and the order is the items' own. Raises what `items` raises.
    """
    feed = _Feed(iter(items), may_go_on)
    worked = WorkResult()

    def work() -> None:
        for item in feed:
            worked.counts[_attempt(act, item)] += 1

    if threads == 1:
        work()
    else:
        with ThreadPoolExecutor(threads) as pool:
            started = [pool.submit(contextvars.copy_context().run, work) for _ in range(threads)]
        for each in started:
            each.result()
    worked.is_complete = feed.is_exhausted
    return worked


class _Feed(Iterator[T]):
    """Hands items out, to any number of threads, until there are none or time is up."""

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
        log("ERROR", "the sweep cannot help a saga", saga=item.id, error=problem.detail)
        return WorkOutcome.BROKEN
    except Exception as problem:  # its text may quote a payload
        log("ERROR", "the sweep cannot help a saga", saga=item.id,
            error=type(problem).__name__, stack=describe_stack(problem))  # fmt: skip
        return WorkOutcome.BROKEN
