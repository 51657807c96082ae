"""From an input to stored records: decide, commit, and record less if the commit is refused.

Nothing here runs an action or enqueues a delivery.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from lib.errors import (
    AlreadyExists,
    AmendsError,
    Conflict,
    Contention,
    DeadlineExceeded,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
    VersionMismatch,
)
from lib.observability.logs import log
from lib.saga.author_code.containment import describe_exception
from lib.saga.definition.saga import Saga
from lib.saga.definition.table import Definitions
from lib.saga.engine.execution.execution import NotStarted, call_in_thread
from lib.saga.engine.fallback import Form, Refused, next_form
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.retention import Retention, retain
from lib.saga.machine.causes import Reason, explain
from lib.saga.machine.decide import (
    apply_request,
    decide,
    park_missing_definition,
    park_unrecorded,
    redeliver_overdue,
)
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.inputs import (
    Input,
    Looked,
    Overdue,
    PivotBegun,
    RecordRequest,
    Requested,
    SignalReceived,
)
from lib.saga.machine.start.begin import begin
from lib.saga.state.mismatch import find_mismatch
from lib.saga.state.records import FINISHED, Loaded, SagaRecord, StepRecord

#: After these errors the saga is loaded and decided again: another commit came first, or the answer
#: was lost.
CONFLICTS = (
    VersionMismatch,
    Contention,
    AlreadyExists,
    NotFound,
    Unavailable,
    DeadlineExceeded,
)


#: The time limit of an author's pure functions in one decision: the rest of the delivery's time is
#: needed to record it.
MAX_DECISION = timedelta(seconds=5)

#: Marks the delivery, if any, that the invocation which commits a decision runs itself.
Keep = Callable[[Decision], Decision]


def keep_nothing(decision: Decision) -> Decision:
    """Return a decision as it is: each of its deliveries gets a task."""
    return decision


def begin_in_time(definition: Saga, saga: SagaRecord) -> Decision:
    """Return a new saga's first decision. Raises DeadlineExceeded as `decide_in_time` does."""
    return decide_in_time(definition, partial(begin, definition, saga))


def decide_in_time(definition: Saga, act: Callable[[], Decision]) -> Decision:
    """Return what `act` decides; raise DeadlineExceeded if it takes longer than MAX_DECISION.

    An author's pure function then continues in its thread, like an action after its timeout.
    """
    if not definition.has_pure_functions:
        return act()
    try:
        return cast(Decision, call_in_thread(MAX_DECISION, act))
    except NotStarted:
        return act()
    except TimeoutError as problem:
        raise DeadlineExceeded(
            f"a when= or payload= function of saga {definition.name} has not ended within "
            f"{MAX_DECISION.total_seconds():g} s"
        ) from problem


def needs_values(definition: Saga | None, given: Input | None) -> bool:
    """Return whether a decision may need a saga's values: to begin a step, or to find secrets."""
    if given is None:
        return definition is not None
    if isinstance(given, Overdue | PivotBegun):
        return False
    if isinstance(given, Looked) and not given.ended:
        return False
    return definition is None or definition.has_pure_functions or definition.has_secrets


class Recorder:
    """Decides by the declared definitions; writes each decision in one commit."""

    def __init__(
        self,
        definitions: Definitions,
        repository: SagaRepository,
        clock: Callable[[], datetime],
        retention: Retention,
    ) -> None:
        self._definitions = definitions
        self._repository = repository
        self._clock = clock
        self._retention = retention

    def record(
        self,
        loaded: Loaded,
        given: Input | None,
        ended_child: SagaRecord | None = None,
        keep: Keep = keep_nothing,
    ) -> Decision | None:
        """Decide and commit; return None if another commit came first or the answer was lost.

        If Datastore refuses a commit for its content, less is recorded: in the last resort, only
        that the saga is parked. `ended_child` is the child saga whose end this records; `keep` may
        mark a delivery that the caller then runs itself. Raises what `decide` raises, and Invalid
        or TooLarge for a request that cannot be recorded.
        """
        form = Form(given)
        while True:
            try:
                return self._save(loaded, form, ended_child, keep)
            except Refused as refused:
                log("ERROR", "a commit was refused", saga=loaded.saga.id, error=str(refused))
                smaller = next_form(form, str(refused))
                if smaller is None:
                    raise refused.__cause__ or refused from None
                form = smaller

    def decide(self, loaded: Loaded, given: Input | None) -> Decision:
        """Return the decision without committing it; without `given` it parks the saga.

        Loads large values if the decision may need them. Raises Conflict or NotFound for a request
        that does not fit the saga's state.
        """
        return self._decide(loaded, Form(given))

    def definition_of(self, saga: SagaRecord) -> Saga | None:
        """Return the definition that a saga began with; None if it is no longer declared."""
        definition = self._definitions.get((saga.name, saga.definition_version))
        same = definition is not None and definition.fingerprint == saga.fingerprint
        return definition if same else None

    def reason_to_park(self, saga: SagaRecord, steps: Sequence[StepRecord] = ()) -> str:
        """Return the code of the reason why a saga may not run here; "" if it may.

        The definition is missing or has changed, or stored values do not fit the declared types.
        """
        declared = f"{saga.name} version {saga.definition_version}"
        definition = self.definition_of(saga)
        if definition is None:
            known = (saga.name, saga.definition_version) in self._definitions
            what = Reason.DEFINITION_CHANGED if known else Reason.DEFINITION_UNDECLARED
            return f"{what}: {declared}"
        mismatch = find_mismatch(definition, saga, steps)
        return f"{Reason.TYPES_CHANGED}: {declared}: {mismatch}" if mismatch else ""

    def _save(
        self, loaded: Loaded, form: Form, ended_child: SagaRecord | None, keep: Keep
    ) -> Decision | None:
        decision = keep(self._decide_or_refuse(loaded, form))
        if form.parks:
            # A parked parent has not recorded the child's end: after a retry it is notified again.
            ended_child = None
        try:
            if decision.events or ended_child is not None:
                saga = self._repository.save(replace(decision, ended_child=ended_child))
                return replace(decision, saga=saga)
        except CONFLICTS:
            return None
        except (Invalid, TooLarge) as problem:
            raise Refused(problem.detail) from problem
        except AmendsError:
            raise
        except Exception as problem:  # for example, it cannot be encoded: a retry would fail too
            raise Refused(describe_exception(problem)) from problem
        return decision

    def _decide_or_refuse(self, loaded: Loaded, form: Form) -> Decision:
        try:
            return retain(self._decide(loaded, form), self._retention)
        except DeadlineExceeded as problem:
            raise Refused(problem.detail) from problem
        except AmendsError:
            raise
        except Exception as problem:  # a bug here, or in a definition that the checks accepted
            raise Refused(describe_exception(problem)) from problem

    def _decide(self, loaded: Loaded, form: Form) -> Decision:
        given, now, definition = form.given, self._clock(), self.definition_of(loaded.saga)
        if needs_values(definition, given):
            loaded = self._repository.fill(loaded)
        saga, steps = loaded
        if form.parks and given is not None:
            return park_unrecorded(saga, steps, given, form.parks, now, definition)
        if isinstance(given, RecordRequest):
            return apply_request(saga, steps, given, now, definition)
        if isinstance(given, Overdue) and (definition or saga.status in FINISHED):
            return redeliver_overdue(saga, steps, given, now)
        # What has happened is recorded even if no more steps may run.
        requested = isinstance(given, Requested | SignalReceived)
        has_happened = definition is not None and given is not None and not requested
        reason = "" if has_happened else self.reason_to_park(saga, steps)
        if definition is not None and given is not None and not reason:
            decision = partial(decide, definition, *loaded, given, now, blocked=form.blocked)
            return decide_in_time(definition, decision)
        if requested:
            raise Conflict(explain(reason))
        return park_missing_definition(saga, steps, reason, now)
