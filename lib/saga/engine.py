"""The thin shell round the machine: look up, run, commit, enqueue.

What a kill -9 does, line by line: before the commit nothing has changed, and the queue delivers
again (the step's idempotency key makes that harmless). Between the commit and the enqueue the
delivery is stale when it comes again, and makes sure of its successors. After the enqueue it is
stale too, and the queue drops the second successor by its name. What the queue loses, the sweep
finds by the due time that every commit writes.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

import msgspec

from lib.errors import AlreadyExists, Conflict, Contention, NotFound, Unavailable, VersionMismatch
from lib.logs import log
from lib.saga.attempt import CallWithin, call_in_thread, run_action
from lib.saga.call import Call
from lib.saga.definition import Definitions, Saga
from lib.saga.delivery import Delivery, Phase
from lib.saga.draft import Decision
from lib.saga.happened import CancelReached, CancelRequested, Happened, Outcome, Overdue, Result
from lib.saga.journal import Journal, Loaded
from lib.saga.machine import begin, decide, heeds_cancel, is_awaited, strand
from lib.saga.outstanding import outstanding
from lib.saga.payload import canonical_payload, stored_payload
from lib.saga.records import SagaRecord, SagaStatus, StepRecord

#: How often a decision is made anew because another delivery committed first.
CONFLICTS = 10


class Queue(Protocol):
    """Where deliveries are handed over: Cloud Tasks, or a test's own."""

    def enqueue(self, delivery: Delivery) -> None:
        """Hand a delivery over; one whose task name was used before is dropped without error.

        Raises Unavailable when it is not known to be handed over.
        """


class Engine:
    """Everything that can be done to a saga."""

    def __init__(
        self,
        definitions: Definitions,
        journal: Journal,
        queue: Queue,
        clock: Callable[[], datetime],
        call_within: CallWithin = call_in_thread,
    ) -> None:
        self.journal = journal
        self._definitions = definitions
        self._queue = queue
        self._clock = clock
        self._call_within = call_within

    def start(self, name: str, saga_id: str, payload: Any, *, traceparent: str = "") -> SagaRecord:
        """Start a saga; the same id with the same payload returns the saga that there is.

        Raises NotFound for an undeclared name, Invalid or TooLarge for the payload, and Conflict
        when the id belongs to another saga or payload. Once the commit is made the saga will run,
        even if the queue cannot be reached now: the sweep sees to it.
        """
        definition = self._definitions.latest(name)
        if definition is None:
            raise NotFound(f"no saga {name!r} is declared", field="name")
        now = self._clock()
        saga = SagaRecord(
            id=saga_id,
            name=name,
            definition_version=definition.version,
            fingerprint=definition.fingerprint,
            status=SagaStatus.PENDING,
            total_steps=len(definition.steps),
            payload=canonical_payload(payload, definition.payload),
            traceparent=traceparent,
            created_at=now,
            updated_at=now,
        )
        decision = begin(definition, saga, now)
        try:
            self.journal.create(decision)
        except AlreadyExists:
            return self._started_before(saga)
        self._enqueue_or_leave(decision.deliveries)
        return decision.saga

    def deliver(self, delivery: Delivery, *, retries: int = 0) -> str:
        """Run one delivery and say in a word what it did.

        `retries` is how often the queue delivered this very task before: more than never, with
        the delivery still awaited, means that nobody knows what became of that.
        Raises Unavailable or Contention when the delivery has to come again.
        """
        loaded = self.journal.load(delivery.saga_id, delivery.steps)
        if loaded is None:
            log("WARNING", "a delivery names a saga that does not exist", saga=delivery.saga_id)
            return "unknown"
        awaited = outstanding(*loaded)
        if not is_awaited(delivery, awaited):
            self._enqueue(awaited)
            return "stale"
        definition = self._definition_of(loaded[0])
        if definition is None:
            self._settle(loaded, None)
            return "stranded"
        happened = _happened_before(definition, loaded, delivery, retries)
        if happened is None:
            happened = self._run(definition, loaded, delivery)
        self._settle(loaded, happened)
        return happened.result if isinstance(happened, Outcome) else "cancelled"

    def cancel(self, saga_id: str, *, actor: str, reason: str) -> SagaRecord:
        """Have a saga undone, after the step in flight if there is one.

        Raises NotFound, or Conflict when it is finished, rolling back or past its pivot.
        """
        saga = self.journal.find(saga_id)
        loaded = self.journal.load(saga_id, saga.total_steps) if saga else None
        if loaded is None:
            raise NotFound(f"no saga {saga_id!r}", field="id")
        return self._settle(loaded, CancelRequested(actor=actor, reason=reason))

    def redeliver(self, saga: SagaRecord) -> bool:
        """Deliver an overdue saga again; False when it has moved on in the meantime."""
        loaded = self.journal.load(saga.id, saga.total_steps)
        if loaded is None:
            return False
        known = self._definition_of(loaded[0]) is not None
        return self._settle(loaded, Overdue() if known else None).epoch > saga.epoch

    def _settle(self, loaded: Loaded, happened: Happened | None) -> SagaRecord:
        """Decide, commit and enqueue; on a conflict read and decide again, but run nothing again.

        A commit without an answer is treated alike: what is read next tells whether it was made.
        """
        for _ in range(CONFLICTS):
            decision = self._decide(loaded, happened)
            try:
                if decision.events:
                    self.journal.save(decision)
                    _report(decision)
            except (VersionMismatch, Contention, AlreadyExists, Unavailable):
                again = self.journal.load(loaded[0].id, loaded[0].total_steps)
                if again is None:
                    raise NotFound(f"saga {loaded[0].id!r} is gone") from None
                loaded = again
            else:
                self._enqueue(decision.deliveries)
                return decision.saga
        raise Contention(f"saga {loaded[0].id}: {CONFLICTS} conflicts in a row")

    def _decide(self, loaded: Loaded, happened: Happened | None) -> Decision:
        definition = self._definition_of(loaded[0])
        if definition is None or happened is None:
            saga = loaded[0]
            reason = f"its definition, version {saga.definition_version}, is no longer declared"
            return strand(*loaded, reason, self._clock())
        return decide(definition, *loaded, happened, self._clock())

    def _definition_of(self, saga: SagaRecord) -> Saga | None:
        definition = self._definitions.get((saga.name, saga.definition_version))
        same = definition is not None and definition.fingerprint == saga.fingerprint
        return definition if same else None

    def _run(self, definition: Saga, loaded: Loaded, delivery: Delivery) -> Outcome:
        saga, steps = loaded
        step = definition.steps[delivery.step]
        action = step.execute if delivery.phase is Phase.EXECUTE else step.compensate
        if action is None:
            raise AssertionError(f"step {step.name} was scheduled to be compensated, but cannot be")
        call = _make_call(saga, steps, delivery, self._clock() + step.timeout, self.journal.store)
        return run_action(
            delivery,
            lambda: action(stored_payload(saga.payload, definition.payload), call),
            self._call_within,
        )

    def _started_before(self, new: SagaRecord) -> SagaRecord:
        saga = self.journal.find(new.id)
        if saga is None or (saga.name, saga.payload) != (new.name, new.payload):
            raise Conflict(f"saga {new.id!r} exists with another name or payload", field="id")
        loaded = self.journal.load(saga.id, saga.total_steps)
        self._enqueue_or_leave(outstanding(*loaded) if loaded else ())
        return saga

    def _enqueue(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            self._queue.enqueue(delivery)

    def _enqueue_or_leave(self, deliveries: Iterable[Delivery]) -> None:
        try:
            self._enqueue(deliveries)
        except Unavailable as problem:
            log("WARNING", "a delivery is left to the sweep", error=problem.detail)


def _happened_before(
    definition: Saga, loaded: Loaded, delivery: Delivery, retries: int
) -> Happened | None:
    """Return what is known without running the action: a cancel, or an earlier dispatch's loss."""
    if not retries and heeds_cancel(definition, loaded[0]):
        return CancelReached()
    if retries:
        return Outcome(
            phase=delivery.phase,
            step=delivery.step,
            attempt=delivery.attempt,
            result=Result.UNKNOWN,
            error="an earlier dispatch of this attempt ended without an answer",
        )
    return None


def _make_call(
    saga: SagaRecord, steps: list[StepRecord], delivery: Delivery, deadline: datetime, store: Any
) -> Call:
    outputs = {
        step.name: msgspec.json.decode(step.output) for step in steps if step.output is not None
    }
    name = steps[delivery.step].name
    return Call(
        saga_id=saga.id,
        step=name,
        attempt=delivery.attempt,
        idempotency_key=f"{saga.id}/{name}",
        fencing_token=saga.sequence,
        deadline=deadline,
        store=store,
        outputs=outputs,
        output=outputs.get(name),
    )


def _report(decision: Decision) -> None:
    """Log a finished saga; a parked one is the alert that an operator gets, once."""
    saga = decision.saga
    fields = {"saga": saga.id, "name": saga.name, "status": saga.status}
    if decision.dead_letter is not None:
        log("ERROR", "a saga is parked", alert="saga-parked", step=decision.dead_letter.step,
            error=saga.error, **fields)  # fmt: skip
    elif saga.due is None:
        log("INFO", "a saga is finished", **fields)
