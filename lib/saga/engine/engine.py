"""The thin shell round the machine: look up, run, commit, enqueue.

What a kill -9 does, line by line: before the commit nothing has changed, and the queue delivers
again (the step's idempotency key makes that harmless). Between the commit and the enqueue the
delivery is stale when it comes again, and makes sure of its successors. After the enqueue it is
stale too, and the queue drops the second successor by its name. What the queue loses, the sweep
finds by the due time that every commit writes.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from lib.errors import (
    AlreadyExists,
    AmendsError,
    Conflict,
    Contention,
    NotFound,
    Unreadable,
    VersionMismatch,
)
from lib.observability.logs import log
from lib.observability.stack_traces import forget_stack
from lib.observability.unexpected import log_unexpected
from lib.saga.definition.context import StepContext
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Definitions, Saga, check_table
from lib.saga.definition.steps import Child, Signal
from lib.saga.engine import alerts
from lib.saga.engine.children import child_outcome, find_strays
from lib.saga.engine.execution.attempt import (
    Attempt,
    CallWithin,
    call_in_thread,
    outcome_of,
    run_action,
)
from lib.saga.engine.execution.attempt_log import log_attempt
from lib.saga.engine.execution.calling import (
    action_of,
    find_happened,
    in_a_word,
    make_call,
    records_begin,
)
from lib.saga.engine.execution.overruns import OVERRUNS
from lib.saga.engine.fallback import not_begun, unanswered
from lib.saga.engine.recorder import Recorder, begin_in_time
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.requests import follow_pause, for_children, pin, tell_each
from lib.saga.engine.retention import KEEP, Retention, mark_notified, retain
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.inputs import (
    AttemptEnded,
    CancelRequested,
    Input,
    Looked,
    Overdue,
    PivotBegun,
    Result,
    RevertRequested,
    SignalReceived,
)
from lib.saga.machine.outstanding import is_awaited, outstanding
from lib.saga.machine.starting.creations import new_saga
from lib.saga.machine.starting.functions import clean_error
from lib.saga.state.delivery import Delivery
from lib.saga.state.limits import MAX_OUTPUT
from lib.saga.state.payload import canonical_payload, is_same_payload, stored_payload
from lib.saga.state.records import FINISHED, DeadLetter, Loaded, SagaRecord, SagaStatus, StepStatus
from lib.timing.retry import back_off

#: How often a decision is made anew because another delivery committed first: the members of the
#: largest group may all end at once.
MAX_CONFLICTS = 40


#: Hands deliveries over, or leaves them to the sweep.
Enqueue = Callable[[Iterable[Delivery]], None]


class Queue(Protocol):
    """Where deliveries are handed over: Cloud Tasks, or a test's own."""

    def enqueue(self, delivery: Delivery) -> None:
        """Hand a delivery over; one whose task name was used before is dropped without error.

        Raises Unavailable when it is not known to be handed over.
        """


class Due(NamedTuple):
    """A delivery whose action is about to run: by which definition, of which saga, with what."""

    definition: Saga
    loaded: Loaded
    call: StepContext


class Engine:
    """Everything that can be done to a saga."""

    def __init__(
        self,
        definitions: Definitions,
        repository: SagaRepository,
        queue: Queue,
        clock: Callable[[], datetime],
        call_within: CallWithin = call_in_thread,
        back_off: Callable[[int], None] = back_off,
        retention: Retention = KEEP,
    ) -> None:
        self.repository = repository
        self.definitions = check_table(definitions)
        self.clock = clock
        self._queue = queue
        self._call_within = call_within
        self._back_off = back_off
        self.retention = retention
        self._recorder = Recorder(definitions, repository, clock, retention)

    def start(self, name: str, saga_id: str, payload: Any, *, traceparent: str = "") -> SagaRecord:
        """Start a saga; the same id with the same payload returns the saga that there is.

        Raises NotFound for an undeclared name, Invalid or TooLarge for the payload, and Conflict
        when the id belongs to another saga or payload. Once the commit is made the saga will run,
        even if the queue cannot be reached now: the sweep sees to it.
        """
        definition = self.definitions.latest(name)
        if definition is None:
            raise NotFound(f"no saga {name!r} is declared", field="name")
        encoded = canonical_payload(payload, definition.payload)
        saga = new_saga(definition, saga_id, encoded, self.clock(), traceparent=traceparent)
        decision = retain(begin_in_time(definition, saga), self.retention)
        try:
            self.repository.create(decision)
        except AlreadyExists:
            return self._started_before(saga, definition)
        alerts.report(decision, self.announce)
        self._enqueue_or_leave(decision.deliveries)
        return decision.saga

    def deliver(self, delivery: Delivery, *, lost: int = 0) -> str:
        """Run one delivery and return a one-word result.

        `lost` is how often the queue dispatched this very task before without an answer: more
        than never, with the delivery still awaited, means that nobody knows what became of that.
        Raises NotBegun where no action has run, whatever went wrong, and else Unavailable or
        Contention: the delivery has to come again.
        """
        with not_begun():
            due = self._prepare(delivery, lost)
        if isinstance(due, str):
            return due
        outcome = self._run(due, delivery)
        with unanswered():
            self._settle(due.loaded, outcome)
        return str(outcome.result)

    def _prepare(self, delivery: Delivery, lost: int) -> "str | Due":
        """Return what a delivery is to run, or the result of one that runs no action."""
        if delivery.phase is Phase.CHILD:
            return self._deliver_news(delivery)
        try:
            loaded = self.repository.load(delivery.saga_id, delivery.steps)
        except Unreadable as problem:
            left = alerts.leave_unreadable(delivery.saga_id, problem)
            if lost:
                raise  # only the queue knows that an earlier dispatch may have had its effect
            return left
        if loaded is None:
            log("WARNING", "a delivery names a saga that does not exist", saga=delivery.saga_id)
            return "unknown"
        awaited = outstanding(loaded.saga, loaded.steps)
        if not is_awaited(delivery, awaited):
            self._make_sure(loaded, self._enqueue)
            return "stale"
        definition = self._recorder.definition_of(loaded.saga)
        if definition is None or self._recorder.why_stranded(*loaded):
            self._settle(loaded, None)
            return "stranded"
        happened = find_happened(definition, loaded, delivery, lost, self.clock())
        if happened is None and isinstance(definition.parts[delivery.step], Child):
            happened = self._revert(loaded, delivery)
        if happened is not None:
            if isinstance(happened, AttemptEnded):
                log_attempt(definition, loaded, Attempt(happened))
            self._settle(loaded, happened)
            return in_a_word(happened)
        OVERRUNS.check()
        deadline = self.clock() + definition.parts[delivery.step].time_limit
        call = make_call(loaded, delivery, deadline, self.repository.store)
        begun: Loaded | None = loaded
        if records_begin(definition, delivery):
            begun = self._begin(loaded, delivery)
        return "stale" if begun is None else Due(definition, begun, call)

    def tell(self, saga_id: str, happened: Input) -> SagaRecord:
        """Let an operator's request, or a signal, happen to a saga; return what became of it.

        A pause reaches its children, and a resume. Raises NotFound, Conflict where it makes no
        sense in the saga's state, and VersionMismatch where that is not the one that was seen.
        """
        loaded = self.repository.get(saga_id)
        what = pin(happened, loaded.saga)
        saga = self._settle(loaded, what, self._enqueue_or_leave)
        onward = for_children(loaded.saga, saga, what)
        if onward is not None:
            tell_each(self.tell, self.repository.get(saga_id).children, onward)
        elif isinstance(what, CancelRequested) and saga.pause_number:
            self.lead(self.repository.get(saga_id))
        return saga

    def lead(self, loaded: Loaded) -> bool:
        """Have the children of a saga follow its last pause or resume; tell whether any had not.

        A process that was killed, or a cancel that has lifted a pause, leaves them behind.
        """
        strays = find_strays(self.repository, loaded)
        tell_each(self.tell, strays, follow_pause(loaded.saga))
        return bool(strays)

    def signal(self, saga_id: str, name: str, payload: Any, *, actor: str) -> SagaRecord:
        """Send a saga the signal that its step of that name waits for, or will wait for.

        The same payload again changes nothing. Raises NotFound for the saga or the signal, Invalid
        or TooLarge for a payload that does not fit, and Conflict when it comes too late or with
        another payload than before.
        """
        saga = self.repository.get(saga_id).saga
        definition = self._recorder.definition_of(saga)
        if definition is None:
            raise Conflict(self._recorder.why_stranded(saga))
        parts = definition.parts
        part = next((p for p in parts if p.name == name and isinstance(p, Signal)), None)
        if part is None:
            raise NotFound(f"saga {saga.name} has no signal {name!r}", field="signal")
        encoded = canonical_payload(payload, part.payload, limit=MAX_OUTPUT)
        return self.tell(saga_id, SignalReceived(step=name, payload=encoded, actor=actor))

    def preview(self, saga_id: str, happened: Input) -> tuple[Loaded, Decision]:
        """Return a saga, and what would become of it, changing nothing; raises as `tell` does."""
        loaded = self.repository.get(saga_id)
        return loaded, self._recorder.decide(loaded, happened)

    def redeliver(self, saga: SagaRecord) -> bool:
        """Deliver an overdue saga again; False when it has moved on in the meantime."""
        loaded = self.repository.load(saga.id, saga.total_steps)
        if loaded is None:
            return False
        return self._settle(loaded, Overdue()).sequence > saga.sequence

    def look(self, loaded: Loaded, looked: Looked) -> SagaRecord:
        """Have a saga take what a look at it has found; what is well changes nothing."""
        return self._settle(loaded, looked, self._enqueue_or_leave)

    def announce(self, letter: DeadLetter) -> None:
        """Log the alert of a dead letter, and note that this was done; a second time is harmless.

        What could not be logged, to a full disk say, is not noted: the sweep will log it. Raises
        Unavailable when it could not be noted: the sweep will log it again.
        """
        if alerts.log_parked(letter):
            self.repository.note_alert(letter)

    def _deliver_news(self, delivery: Delivery) -> str:
        """Tell a saga that its child has ended, and note in one commit that it knows."""
        for attempt in range(MAX_CONFLICTS):
            try:
                loaded, child = self.repository.load_both(
                    delivery.saga_id, delivery.steps, delivery.child
                )
            except Unreadable as problem:
                return alerts.leave_unreadable(delivery.saga_id, problem)
            news = child is not None and child.status in FINISHED and not child.parent_notified
            if loaded is not None and not news:
                self._make_sure(loaded, self._enqueue)
            if child is None or not news:
                return "stale"
            if loaded is None:
                self.repository.acknowledge(mark_notified(child, self.retention))
                return "orphaned"
            if not self._can_hear(loaded, delivery.step):
                return "parked"
            informed = mark_notified(child, self.retention)
            if self._commit(loaded, child_outcome(child), self._enqueue, informed):
                return "notified"
            self._back_off(attempt)
        raise Contention(f"saga {delivery.saga_id}: {MAX_CONFLICTS} conflicts in a row")

    def _can_hear(self, loaded: Loaded, step: int) -> bool:
        """Tell whether news of a child can be taken; if not, the sweep or a retry repeats it."""
        if not self._recorder.why_stranded(*loaded) or loaded.saga.status in FINISHED:
            return True
        self._settle(loaded, None)
        return loaded.steps[step].status is not StepStatus.WAITING

    def _settle(
        self, loaded: Loaded, happened: Input | None, enqueue: Enqueue | None = None
    ) -> SagaRecord:
        """Decide, commit and enqueue; on a conflict read and decide again, but run nothing again.

        Whoever is not asked again, as a delivery is, has what cannot be enqueued left to the sweep.
        A commit without an answer is treated alike: what is read next tells whether it was made.
        """
        for attempt in range(MAX_CONFLICTS):
            saga = self._commit(loaded, happened, enqueue or self._enqueue)
            if saga is not None:
                return saga
            self._back_off(attempt)
            again = self.repository.load(loaded.saga.id, loaded.saga.total_steps)
            if again is None:
                raise NotFound(f"saga {loaded.saga.id!r} is gone")
            loaded = again
        raise Contention(f"saga {loaded.saga.id}: {MAX_CONFLICTS} conflicts in a row")

    def _commit(
        self,
        loaded: Loaded,
        happened: Input | None,
        enqueue: Enqueue,
        ended_child: SagaRecord | None = None,
    ) -> SagaRecord | None:
        """Decide, commit and enqueue; None when another commit, or a lost answer, came between."""
        decision = self._recorder.record(loaded, happened, ended_child)
        if decision is None:
            return None
        if decision.events:
            alerts.report(decision, self.announce)
            enqueue(decision.deliveries)
        else:
            # What happened was known; whoever committed it may have died before its enqueue.
            self._make_sure(loaded, enqueue)
        return decision.saga

    def _begin(self, loaded: Loaded, delivery: Delivery) -> Loaded | None:
        """Record that a pivot is about to run; None when its delivery is awaited no longer."""
        begun = PivotBegun(step=delivery.step, attempt=delivery.attempt)
        for attempt in range(MAX_CONFLICTS):
            decision = self._recorder.decide(loaded, begun)
            if not decision.events:
                self._make_sure(loaded, self._enqueue)
                return None
            try:
                return self.repository.save_on(loaded, decision)
            except (VersionMismatch, Contention):
                self._back_off(attempt)
                loaded = self.repository.get(delivery.saga_id)
        raise Contention(f"saga {delivery.saga_id}: {MAX_CONFLICTS} conflicts in a row")

    def _run(self, due: Due, delivery: Delivery) -> AttemptEnded:
        """Run a delivery's action."""
        definition, loaded, call = due
        part = definition.parts[delivery.step]

        def act() -> Any:
            payload = stored_payload(loaded.saga.payload, definition.payload)
            return action_of(part, delivery.phase)(payload, call)

        attempt = run_action(
            delivery,
            act,
            self._call_within,
            lambda error: clean_error(error, definition, *loaded),
        )
        log_attempt(definition, loaded, attempt)
        if attempt.problem is not None:
            forget_stack(attempt.problem)
        return attempt.outcome

    def _revert(self, loaded: Loaded, delivery: Delivery) -> AttemptEnded:
        """Have a child saga go back; asked a second time, it changes nothing."""
        child = loaded.steps[delivery.step].child
        reason = loaded.saga.error or "rolled back"
        request = RevertRequested(actor=f"saga {loaded.saga.id}", reason=reason)
        result, error = Result.IN_PROGRESS, ""
        try:
            reverted = self._settle(self.repository.get(child), request)
            if reverted.status is SagaStatus.ROLLED_BACK:
                result = Result.DONE
            elif reverted.pause_number:
                self.lead(self.repository.get(child))
        except AmendsError as problem:
            result = Result.PERMANENT if problem.status < 500 else Result.RETRYABLE
            error = problem.detail
        except Exception as problem:  # what is asked of the child can be asked again
            log_unexpected(problem)
            result, error = Result.RETRYABLE, "something went wrong here; it was logged"
        return outcome_of(delivery, result, error=error)

    def _started_before(self, new: SagaRecord, definition: Saga) -> SagaRecord:
        saga = self.repository.find(new.id)
        if (
            saga is None
            or saga.name != new.name
            or not is_same_payload(new.payload, saga.payload, definition.payload)
        ):
            raise Conflict(f"saga {new.id!r} exists with another name or payload", field="id")
        try:
            loaded = self.repository.load(saga.id, saga.total_steps)
            if loaded is not None:
                self._make_sure(loaded, self._enqueue_or_leave)
        except Exception as problem:  # the saga is stored: the sweep sees to it
            alerts.log_left(problem)
        return saga

    def _make_sure(self, loaded: Loaded, enqueue: Enqueue) -> None:
        """Enqueue what a saga waits for, in itself and in its children, once more."""
        enqueue(outstanding(loaded.saga, loaded.steps))
        for child_id in loaded.children:
            try:
                child = self.repository.get(child_id)
            except Unreadable as problem:
                alerts.log_unreadable(child_id, problem)
            except NotFound:
                log("ERROR", "a child saga is gone", saga=child_id)  # the daily look parks
            else:
                self._make_sure(child, enqueue)

    def _enqueue(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            self._queue.enqueue(delivery)

    def _enqueue_or_leave(self, deliveries: Iterable[Delivery]) -> None:
        try:
            self._enqueue(deliveries)
        except Exception as problem:  # what is committed runs, whatever the queue has against it
            alerts.log_left(problem)
