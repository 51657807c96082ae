"""One invocation: it runs a delivery, and with inline chaining those that follow it.

To continue, the commit that records an outcome marks the next delivery as inline (see
`machine.inline`) and enqueues nothing. A kill -9 between two steps leaves the mark. The task that
the invocation has not answered is redelivered; it is stale, and enqueues the marked delivery. If a
caller's request has begun the saga, there is no such task, and the sweep finds the saga when it is
overdue. In both cases the new task counts the inline run as a lost dispatch. Until then nothing
else enqueues the marked delivery. When a commit is refused, the outcome is decided again and
recorded, and the invocation ends, because another commit has changed the saga.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from lib.saga.definition.child import Child
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.engine.children import Children
from lib.saga.engine.execution.attempt_log import log_attempt
from lib.saga.engine.execution.call import Call, make_context
from lib.saga.engine.execution.execution import CallWithin, execute
from lib.saga.engine.execution.known_inputs import known_input, outcome_label
from lib.saga.engine.execution.overruns import OVERRUNS
from lib.saga.engine.fallback import not_begun, unanswered
from lib.saga.engine.recorder import Recorder
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.transitions import Transitions
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.inline import keep_inline
from lib.saga.machine.inputs import AttemptEnded, Input, PivotBegun
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import Loaded, SagaRecord


class Invocation:
    """Runs deliveries of one saga, one after the other, in one request."""

    def __init__(
        self,
        repository: SagaRepository,
        recorder: Recorder,
        transitions: Transitions,
        children: Children,
        clock: Callable[[], datetime],
        call_within: CallWithin,
        until: datetime,
    ) -> None:
        self._repository = repository
        self._recorder = recorder
        self._transitions = transitions
        self._children = children
        self._clock = clock
        self._call_within = call_within
        self._until = until
        #: The saga as of this invocation's last commit.
        self.saga: SagaRecord | None = None

    def keep(self, definition: Saga, decision: Decision) -> Decision:
        """Return a decision, marked as inline if this invocation has time for the next delivery."""
        return decision if OVERRUNS.is_full else keep_inline(definition, decision, self._until)

    def run(self, loaded: Loaded, delivery: Delivery, lost: int) -> str:
        """Run an awaited delivery of a saga, and those that follow inline.

        Returns the one-word result of the first. Raises as `Engine.deliver` does.
        """
        result, decision = self._run_one(loaded, delivery, lost)
        while decision is not None and decision.onward is not None:
            saga = decision.saga
            _, decision = self._run_one(Loaded(saga, saga.steps), decision.onward, 0)
        return result

    def _run_one(
        self, loaded: Loaded, delivery: Delivery, lost: int
    ) -> tuple[str, Decision | None]:
        with not_begun():
            definition = self._recorder.definition_of(loaded.saga)
            if definition is None or self._recorder.reason_to_park(*loaded):
                self._transitions.make(loaded, None)
                return "parked", None
            given = self._known_input(definition, loaded, delivery, lost)
            if given is not None:
                return outcome_label(given), self._record(definition, loaded, given)
            call = self._begin(definition, loaded, delivery)
            if call is None:
                return "stale", None
        began_at = self._clock()
        outcome = replace(execute(call, self._call_within), began_at=began_at)
        with unanswered():
            return outcome_label(outcome), self._record(definition, call.loaded, outcome)

    def _record(self, definition: Saga, loaded: Loaded, given: Input) -> Decision:
        def keep(decision: Decision) -> Decision:
            return self.keep(definition, decision)

        decision = self._transitions.advance(loaded, given, keep)
        self.saga = decision.saga
        if not decision.events:
            # Perhaps an earlier commit was made, and only its answer was lost.
            self._transitions.ensure_all_enqueued(self._repository.load_steps(decision.saga))
        return decision

    def _known_input(
        self, definition: Saga, loaded: Loaded, delivery: Delivery, lost: int
    ) -> Input | None:
        """Return the input that follows from a delivery without running its action, or None."""
        given = known_input(definition, loaded, delivery, lost, self._clock())
        if given is None and isinstance(definition.elements[delivery.step], Child):
            given = self._children.roll_back(loaded, delivery)
        if isinstance(given, AttemptEnded):
            log_attempt(definition, loaded, given)
        return given

    def _begin(self, definition: Saga, loaded: Loaded, delivery: Delivery) -> Call | None:
        """Return the call to make; None if its delivery is no longer awaited.

        Before a pivot runs, this commits that it is about to run.
        """
        OVERRUNS.check()
        deadline = self._clock() + definition.elements[delivery.step].time_limit
        context = make_context(definition, loaded, delivery, deadline, self._repository.store)
        begun: Loaded | None = loaded
        if delivery.phase is Phase.EXECUTE and definition.records_begin_of(delivery.step):
            pivot = PivotBegun(step=delivery.step, attempt=delivery.attempt)
            begun = self._transitions.record_begin(loaded, pivot)
        return None if begun is None else Call(delivery, definition, begun, context)
