"""The sweep: redelivers sagas whose delivery the queue has lost.

It also logs alerts that a killed process did not log, counts parked sagas, and purges expired ones.
A saga that cannot be read, or that fails, does not stop the others.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from lib.datastore import UnreadableEntity, shard_of
from lib.errors import AmendsError, NotFound, Unreadable, VersionMismatch
from lib.saga.engine import alerts
from lib.saga.engine.engine import Engine
from lib.saga.engine.sweep.daily_look import look
from lib.saga.engine.sweep.purge import make_purge
from lib.saga.engine.sweep.worklist import TRANSIENT, WorkOutcome, WorkResult, process_all
from lib.saga.state.records import DeadLetter, SagaRecord, due_mark

#: The number of records of a shard that are read at a time: each may be close to 1 MiB.
BATCH = 50

#: A saga whose redelivery fails is postponed by this much, so that it does not hold up others.
RETRY_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What a sweep did, in numbers of sagas.

    `found` sagas were overdue: `delivered` of them were redelivered, `remaining` were not, and the
    others had changed in the meantime. If time ran out, Datastore counts `remaining`; None if it
    could not. `unreadable` is the number of records that the sweep could not read.

    `alerted` is the number of dead letters whose alert was logged only now, and `parked` the number
    of all dead letters (None if they could not be counted). `helped` is the number of waiting sagas
    that had missed an input or waited for nothing. `purged` is the number of expired sagas that
    were deleted. `per_second` is the rate at which sagas were redelivered.
    """

    found: int
    delivered: int
    remaining: int | None
    unreadable: int = 0
    alerted: int = 0
    parked: int | None = None
    helped: int = 0
    purged: int = 0
    per_second: float = 0.0


def sweep(
    engine: Engine,
    clock: Callable[[], datetime],
    *,
    limit: int = 10_000,
    budget: timedelta = timedelta(seconds=45),
    threads: int = 1,
) -> SweepResult:
    """Redeliver overdue sagas, up to `limit`, the longest overdue first, within `budget`.

    Alerts come first, in at most half of the budget; looks at waiting sagas, and purging, come
    last. Each of these runs in `threads` threads; with one thread everything happens in order. Two
    sweeps at the same time are harmless: each saga's version lets only one of them commit.
    """
    return _Sweep(engine, clock, limit, threads).run(budget)


class _Sweep:
    """One sweep, and what it has found."""

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], limit: int, threads: int
    ) -> None:
        self._engine = engine
        self._repository = engine.repository
        self._clock = clock
        self._limit = limit
        self._threads = threads
        self._started = clock()
        self._oldest: SagaRecord | None = None
        #: The overdue sagas that cannot be read, and all other unreadable records.
        self._unreadable_overdue: list[UnreadableEntity] = []
        self._unreadable: list[UnreadableEntity] = []

    def run(self, budget: timedelta) -> SweepResult:
        """Run the sweep and return what it did."""
        alerted = self._announce(budget / 2)
        began = self._clock()
        redelivered = self._redeliver(budget)
        spent = (self._clock() - began).total_seconds()
        looked = self._look(budget)
        purged = self._purge(budget)
        counts = redelivered.counts
        remaining = self._count_remaining(redelivered)
        unreadable = len(self._unreadable) + len(self._unreadable_overdue)
        swept = SweepResult(
            found=counts[WorkOutcome.DONE] + counts[WorkOutcome.NOT_NEEDED] + (remaining or 0),
            delivered=counts[WorkOutcome.DONE],
            remaining=remaining,
            unreadable=unreadable
            + sum(each.counts[WorkOutcome.UNREADABLE] for each in (redelivered, looked, purged)),
            alerted=alerted.counts[WorkOutcome.DONE],
            parked=_count(self._repository.count_parked),
            helped=looked.counts[WorkOutcome.DONE],
            purged=purged.counts[WorkOutcome.DONE],
            per_second=round(counts[WorkOutcome.DONE] / spent, 1) if spent else 0.0,
        )
        self._report(swept)
        return swept

    def _announce(self, budget: timedelta) -> WorkResult:
        letters = self._repository.unalerted(BATCH, self._unreadable)

        def announce(letter: DeadLetter) -> bool:
            try:
                self._engine.transitions.announce(letter)
            except (NotFound, VersionMismatch):
                return False  # an operator, or another sweep, was faster
            return True

        return process_all(letters, announce, threads=self._threads, may_go_on=self._within(budget))

    def _redeliver(self, budget: timedelta) -> WorkResult:
        overdue = self._repository.overdue(self._started, BATCH, self._unreadable_overdue)
        worked = process_all(
            self._note_oldest(islice(overdue, self._limit)),
            self._deliver_or_put_back,
            threads=self._threads,
            may_go_on=self._within(budget),
        )
        worked.is_complete &= worked.counts.total() < self._limit
        return worked

    def _look(self, budget: timedelta) -> WorkResult:
        waiting = self._repository.waiting(self._started, BATCH, self._unreadable)
        return process_all(
            waiting,
            lambda saga: look(self._engine, saga, self._clock()),
            threads=self._threads,
            may_go_on=self._within(budget),
        )

    def _purge(self, budget: timedelta) -> WorkResult:
        expired = self._repository.purgeable(self._started, BATCH, self._unreadable)
        purge = make_purge(self._engine, self._started)
        return process_all(expired, purge, threads=self._threads, may_go_on=self._within(budget))

    def _within(self, budget: timedelta) -> Callable[[], bool]:
        return lambda: self._clock() - self._started <= budget

    def _note_oldest(self, overdue: Iterator[SagaRecord]) -> Iterator[SagaRecord]:
        for saga in overdue:
            self._oldest = self._oldest or saga
            yield saga

    def _deliver_or_put_back(self, saga: SagaRecord) -> bool:
        try:
            return self._engine.redeliver(saga)
        except (*TRANSIENT, Unreadable):
            raise
        except Exception:  # raised again: this saga must not block the others
            with suppress(AmendsError):
                later = due_mark(shard_of(saga.id), self._clock() + RETRY_AFTER)
                self._repository.postpone(saga, later)
            raise

    def _count_remaining(self, redelivered: WorkResult) -> int | None:
        """Return how many overdue sagas this sweep did not redeliver, including postponed ones."""
        counts = redelivered.counts
        if redelivered.is_complete:
            failed = counts[WorkOutcome.FAILED] + counts[WorkOutcome.UNREADABLE]
            return failed + counts[WorkOutcome.BROKEN] + len(self._unreadable_overdue)
        overdue = _count(lambda: self._repository.count_overdue(self._started))
        return None if overdue is None else overdue + counts[WorkOutcome.BROKEN]

    def _report(self, swept: SweepResult) -> None:
        if swept.parked is not None:
            alerts.log_dead_letters(swept.parked)
        if swept.found:
            alerts.log_overdue(
                swept.found, swept.delivered, swept.remaining, swept.per_second, self._oldest
            )


def _count(count: Callable[[], int]) -> int | None:
    """Return a count, or None if counting fails: a sweep does not fail because of it."""
    try:
        return count()
    except AmendsError:
        return None
