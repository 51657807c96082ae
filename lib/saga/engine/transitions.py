"""One transition of a saga: decide, commit, enqueue; repeated if another commit came first."""

from collections.abc import Callable, Iterable
from typing import Protocol

from lib.errors import Contention, NotFound, Unreadable, VersionMismatch
from lib.observability.logs import log
from lib.saga.engine import alerts
from lib.saga.engine.recorder import Keep, Recorder, keep_nothing
from lib.saga.engine.repository import SagaRepository
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.inputs import Input, PivotBegun
from lib.saga.machine.outstanding import outstanding, to_enqueue
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import DeadLetter, Loaded, SagaRecord

#: A transition is decided this many times before it raises Contention: all members of the largest
#: group may end at the same time.
MAX_CONFLICTS = 40

#: Enqueues deliveries, or leaves them to the sweep.
Enqueue = Callable[[Iterable[Delivery]], None]


class Queue(Protocol):
    """Where deliveries are enqueued: Cloud Tasks, or a queue of a test."""

    def enqueue(self, delivery: Delivery) -> None:
        """Enqueue a delivery; if its task name was used before, drop it without error.

        Raises Unavailable if it is not certain that the delivery is in the queue.
        """


class Transitions:
    """Takes sagas from one state to the next."""

    def __init__(
        self,
        recorder: Recorder,
        repository: SagaRepository,
        queue: Queue,
        back_off: Callable[[int], None],
    ) -> None:
        self.back_off = back_off
        self._recorder = recorder
        self._repository = repository
        self.queue = queue

    def make(
        self, loaded: Loaded, given: Input | None, enqueue: Enqueue | None = None
    ) -> SagaRecord:
        """Decide, commit and enqueue; after a conflict load and decide again. Runs no action.

        Without `given` it parks the saga: the definition is missing. Callers that no queue retries
        pass `enqueue_or_leave`. A commit without an answer counts as a conflict: the next load
        shows whether it was made. Raises Contention after MAX_CONFLICTS, and NotFound.
        """
        return self.advance(loaded, given, keep_nothing, enqueue).saga

    def advance(
        self, loaded: Loaded, given: Input | None, keep: Keep, enqueue: Enqueue | None = None
    ) -> Decision:
        """Do as `make` does and return the decision; `keep` may leave a delivery to the caller.

        After a conflict it may not: then someone else takes care of the saga too.
        """
        for attempt in range(MAX_CONFLICTS):
            decision = self.try_once(loaded, given, enqueue or self.enqueue, keep=keep)
            if decision is not None:
                return decision
            keep = keep_nothing
            self.back_off(attempt)
            reloaded = self._repository.load(loaded.saga.id)
            if reloaded is None:
                raise NotFound(f"saga {loaded.saga.id!r} is gone")
            reloaded.saga.unsaved_cost += loaded.saga.unsaved_cost
            loaded = reloaded
        raise conflicts_in_a_row(loaded.saga.id)

    def try_once(
        self,
        loaded: Loaded,
        given: Input | None,
        enqueue: Enqueue,
        ended_child: SagaRecord | None = None,
        keep: Keep = keep_nothing,
    ) -> Decision | None:
        """Decide, commit and enqueue; None if another commit came first or the answer was lost."""
        decision = self._recorder.record(loaded, given, ended_child, keep)
        if decision is None:
            return None
        if decision.events:
            alerts.report(decision, self.announce)
            enqueue(decision.deliveries)
        else:
            # The input was recorded earlier, by a process that may have died before its enqueue.
            self.ensure_enqueued(loaded, enqueue)
        return decision

    def record_begin(self, loaded: Loaded, begun: PivotBegun) -> Loaded | None:
        """Commit that a pivot is about to run; None if its delivery is no longer awaited."""
        for attempt in range(MAX_CONFLICTS):
            decision = self._recorder.decide(loaded, begun)
            if not decision.events:
                self.ensure_enqueued(loaded)
                return None
            try:
                saga = self._repository.save(decision)
                return Loaded(saga, saga.steps)
            except (VersionMismatch, Contention):
                self.back_off(attempt)
                reloaded = self._repository.get(loaded.saga.id)
                reloaded.saga.unsaved_cost += loaded.saga.unsaved_cost
                loaded = self._repository.fill(reloaded)
        raise conflicts_in_a_row(loaded.saga.id)

    def ensure_all_enqueued(self, loaded: Loaded) -> None:
        """Do as `ensure_enqueued` does, also for a delivery that has been running inline.

        Only for a task that comes again: the invocation that ran the delivery has not answered.
        """
        self._enqueue_with_children(loaded, outstanding(*loaded), self.enqueue)

    def ensure_enqueued(self, loaded: Loaded, enqueue: Enqueue | None = None) -> None:
        """Enqueue the deliveries that a saga and its children wait for. Idempotent.

        It leaves out a delivery that may be running inline.
        """
        self._enqueue_with_children(loaded, to_enqueue(*loaded), enqueue or self.enqueue)

    def _enqueue_with_children(
        self, loaded: Loaded, deliveries: Iterable[Delivery], enqueue: Enqueue
    ) -> None:
        enqueue(deliveries)
        for child_id in loaded.children:
            try:
                child = self._repository.get(child_id)
            except Unreadable as problem:
                alerts.log_unreadable(child_id, problem)
            except NotFound:
                log("ERROR", "a child saga is gone", saga=child_id)  # the daily look parks
            else:
                self.ensure_enqueued(child, enqueue)

    def enqueue(self, deliveries: Iterable[Delivery]) -> None:
        """Enqueue deliveries; raises Unavailable."""
        for delivery in deliveries:
            self.queue.enqueue(delivery)

    def enqueue_or_leave(self, deliveries: Iterable[Delivery]) -> None:
        """Enqueue deliveries; leave those that cannot be enqueued to the sweep."""
        try:
            self.enqueue(deliveries)
        except Exception as problem:  # the decision is committed, so the sweep will enqueue it
            alerts.log_not_enqueued(problem)

    def announce(self, letter: DeadLetter) -> None:
        """Log the alert of a dead letter and mark the letter as alerted. Idempotent.

        If the alert cannot be logged, for example because a disk is full, the letter stays unmarked
        and the sweep logs it. Raises Unavailable if the letter cannot be marked: the sweep logs it
        again.
        """
        if alerts.log_parked(letter):
            self._repository.note_alert(letter)


def conflicts_in_a_row(saga_id: str) -> Contention:
    """Return the error for a saga that other commits keep changing."""
    return Contention(f"saga {saga_id}: {MAX_CONFLICTS} conflicts in a row")
