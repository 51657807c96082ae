"""The shell around the machine: load, run, commit, enqueue.

What a kill -9 does. Before the commit nothing has changed, and the queue redelivers: the step's
idempotency key makes that harmless. Between the commit and the enqueue, the redelivery is stale,
and enqueues the successors. After the enqueue it is stale too, and the queue drops the duplicate
successors by their names. If the queue loses a delivery, the sweep finds the saga by the due time
that every commit writes.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from lib.errors import AlreadyExists, Conflict, NotFound, Unreadable
from lib.observability.logs import log
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.definition.table import Definitions, check_table
from lib.saga.engine import alerts
from lib.saga.engine.children import Children
from lib.saga.engine.execution.execution import CallWithin, call_in_thread
from lib.saga.engine.fallback import not_begun
from lib.saga.engine.invocation import Invocation
from lib.saga.engine.recorder import Recorder, begin_in_time
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.requests import pin
from lib.saga.engine.retention import KEEP, Retention, retain
from lib.saga.engine.transitions import Queue, Transitions
from lib.saga.machine.causes import explain
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.inputs import Input, Looked, Overdue, SignalReceived
from lib.saga.machine.outstanding import is_awaited, outstanding
from lib.saga.machine.start.creations import new_saga
from lib.saga.state.cost import ONE_TASK
from lib.saga.state.delivery import INLINE_ROOM, OVERHEAD, Delivery
from lib.saga.state.limits import MAX_OUTPUT
from lib.saga.state.payload import canonical_payload, is_same_payload
from lib.saga.state.records import Loaded, SagaRecord
from lib.saga.state.values import is_equal
from lib.timing.deadline import remaining
from lib.timing.retry import back_off


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
        self.retention = retention
        self._call_within = call_within
        self._recorder = Recorder(definitions, repository, clock, retention)
        self.transitions = Transitions(self._recorder, repository, queue, back_off)
        self.children = Children(
            repository, self._recorder, self.transitions, retention, self.apply
        )

    def deliver(self, delivery: Delivery, *, lost: int = 0) -> str:
        """Run one delivery and return a one-word result.

        `lost` is the number of earlier dispatches of this task that ended without an answer. If
        there were any, and the delivery is still awaited, their outcome is unknown. Any failure
        raises NotBegun if no action has run, and otherwise Unavailable or Contention; in each case
        the queue must redeliver.
        """
        with not_begun():
            if delivery.phase is Phase.CHILD:
                return self.children.notify_parent(delivery)
            loaded = self._read(delivery, lost, lambda: self.repository.load(delivery.saga_id))
            if isinstance(loaded, str):
                return loaded
            loaded.saga.unsaved_cost += ONE_TASK
            if not is_awaited(delivery, outstanding(*loaded)):
                self.transitions.ensure_all_enqueued(loaded)
                return "stale"
            loaded = self._read(delivery, lost, partial(self.repository.fill, loaded))
            if isinstance(loaded, str):
                return loaded
            inline = loaded.steps[delivery.step].inline
        # A task comes for a delivery that was to run inline: that run was lost.
        until = self.clock() + delivery.dispatch_deadline - OVERHEAD
        return self._invocation(until).run(loaded, delivery, lost + inline)

    def _invocation(self, until: datetime) -> Invocation:
        return Invocation(
            self.repository,
            self._recorder,
            self.transitions,
            self.children,
            self.clock,
            self._call_within,
            until,
        )

    def _read(
        self, delivery: Delivery, lost: int, read: Callable[[], Loaded | None]
    ) -> Loaded | str:
        """Return a delivery's saga; if it is missing or unreadable, a one-word result."""
        try:
            loaded = read()
        except Unreadable as problem:
            left = alerts.leave_unreadable(delivery.saga_id, problem)
            if lost:
                raise  # only the queue knows that an earlier dispatch may have had its effect
            return left
        if loaded is None:
            log("WARNING", "a delivery names a saga that does not exist", saga=delivery.saga_id)
            return "unknown"
        return loaded

    def start(self, name: str, saga_id: str, payload: Any, *, traceparent: str = "") -> SagaRecord:
        """Start a saga; with the same id and payload, return the saga that exists.

        Raises NotFound for an undeclared name, Invalid or TooLarge for the payload, and Conflict
        if the id belongs to another saga or payload. Once it is committed, the saga will run even
        if the queue cannot be reached now: the sweep enqueues it.

        A saga that is chained inline runs here, as long as the time budget has room for its steps.
        """
        definition = self.definitions.latest(name)
        if definition is None:
            raise NotFound(f"no saga {name!r} is declared", field="name")
        encoded = canonical_payload(payload, definition.payload)
        saga = new_saga(definition, saga_id, encoded, self.clock(), traceparent=traceparent)
        invocation = self._invocation(self._end_of_request())
        decision = retain(begin_in_time(definition, saga), self.retention)
        decision = invocation.keep(definition, decision)
        try:
            created = self.repository.create(decision)
        except AlreadyExists:
            return self._started_before(saga, definition)
        alerts.report(decision, self.transitions.announce)
        self.transitions.enqueue_or_leave(decision.deliveries)
        if decision.onward is not None:
            self._run_or_leave(invocation, created, decision.onward)
        return invocation.saga or created

    def _end_of_request(self) -> datetime:
        """Return until when the steps of a saga may run in the request that starts it."""
        left = remaining()
        room = INLINE_ROOM if left is None else min(INLINE_ROOM, left - OVERHEAD)
        return self.clock() + room

    def _run_or_leave(self, invocation: Invocation, saga: SagaRecord, first: Delivery) -> None:
        """Run a new saga's steps inline; after an error leave it to the sweep."""
        try:
            invocation.run(Loaded(saga, saga.steps), first, 0)
        except Exception as problem:  # the saga is stored, so the sweep will run it
            alerts.log_not_enqueued(problem)

    def _started_before(self, new: SagaRecord, definition: Saga) -> SagaRecord:
        saga = self.repository.find(new.id)
        if saga is None or saga.name != new.name or not self._has_payload(saga, new, definition):
            raise Conflict(f"saga {new.id!r} exists with another name or payload", field="id")
        try:
            loaded = self.repository.load_steps(saga)
            self.transitions.ensure_enqueued(loaded, self.transitions.enqueue_or_leave)
        except Exception as problem:  # the saga is stored: the sweep delivers it
            alerts.log_not_enqueued(problem)
        return saga

    def _has_payload(self, saga: SagaRecord, new: SagaRecord, definition: Saga) -> bool:
        if is_equal(saga.payload, new.payload):
            return True
        payload = self.repository.fill_record(saga).payload
        return is_same_payload(new.payload, payload, definition.payload)

    def apply(self, saga_id: str, request: Input) -> SagaRecord:
        """Apply an operator's request, or a signal, to a saga; return the saga as stored then.

        A pause and a resume reach its children. Raises NotFound, Conflict if the request does not
        fit the saga's state, and VersionMismatch if the saga has changed since the operator saw it.
        """
        loaded = self.repository.get(saga_id)
        pinned = pin(request, loaded.saga)
        saga = self.transitions.make(loaded, pinned, self.transitions.enqueue_or_leave)
        self.children.pass_on(loaded.saga, saga, pinned)
        return saga

    def signal(self, saga_id: str, name: str, payload: Any, *, actor: str) -> SagaRecord:
        """Send a saga the signal that its step of that name waits for, or will wait for.

        Sending the same payload again changes nothing. Raises NotFound for the saga or the signal,
        Invalid or TooLarge for a payload that does not fit, and Conflict if the signal comes too
        late or came before with another payload.
        """
        saga = self.repository.get(saga_id).saga
        definition = self._recorder.definition_of(saga)
        if definition is None:
            raise Conflict(explain(self._recorder.reason_to_park(saga)))
        signals = (each for each in definition.elements if isinstance(each, Signal))
        signal = next((each for each in signals if each.name == name), None)
        if signal is None:
            raise NotFound(f"saga {saga.name} has no signal {name!r}", field="signal")
        encoded = canonical_payload(payload, signal.payload, limit=MAX_OUTPUT)
        return self.apply(saga_id, SignalReceived(step=name, payload=encoded, actor=actor))

    def preview(self, saga_id: str, request: Input) -> tuple[Loaded, Decision]:
        """Return a saga, and the decision that a request would lead to; raises as `apply` does."""
        loaded = self.repository.get(saga_id)
        return loaded, self._recorder.decide(loaded, request)

    def redeliver(self, saga: SagaRecord) -> bool:
        """Redeliver an overdue saga; return False if it has changed in the meantime.

        `saga` is its record from a query; it is read again only after a conflict.
        """
        loaded = self.repository.load_steps(saga)
        return self.transitions.make(loaded, Overdue()).sequence > saga.sequence

    def look(self, loaded: Loaded, looked: Looked) -> SagaRecord:
        """Apply the findings of a look at a saga; if all is well, nothing changes."""
        return self.transitions.make(loaded, looked, self.transitions.enqueue_or_leave)
