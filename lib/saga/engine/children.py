"""Child sagas: how one begins, how its end reaches its parent, how it rolls back.

Begin. `machine.start.plan` makes the first records of a child (`new_child`) when it starts the
parent's step: one commit writes both, then both sagas' deliveries are enqueued. If the process dies
in between, the parent's delivery is redelivered; it is stale, and enqueues the children's too.

End. A finished child must notify its parent: its outstanding delivery, of phase CHILD, runs
`notify_parent`. One commit records the end in the parent and marks the child as notified. Until
then the queue and the sweep redeliver it. A parked parent accepts the end after its retry.

Rollback. The compensation of the parent's step is `roll_back`: it requests the child's rollback,
and the parent waits for the child's second end, which reaches it like the first.

Pause. A request on a parent is passed on to the children that it waits for. Each child stores the
number of the last pause of its parent that it has followed, so `follow_pause` finds children that a
killed process has missed. A repeated cancel, a rollback and the daily look at the parent call it.
Resolving a paused parent ends its pause, and its children follow as they follow a resume; a child
that missed it finds out at its own daily look (`follow_parent`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from lib.errors import AmendsError, Conflict, NotFound, Unreadable
from lib.observability.unexpected import log_unexpected
from lib.saga.engine import alerts
from lib.saga.engine.execution.execution import attempt_ended
from lib.saga.engine.recorder import Recorder
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.retention import Retention, keep_for_parent
from lib.saga.engine.transitions import MAX_CONFLICTS, Transitions, conflicts_in_a_row
from lib.saga.machine.causes import Cause, Reason
from lib.saga.machine.inputs import (
    AttemptEnded,
    ChildEnded,
    Input,
    Overdue,
    PauseRequested,
    Result,
    ResumeRequested,
    RevertRequested,
)
from lib.saga.state.cost import ONE_TASK
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import (
    ACTIVE,
    FINISHED,
    Loaded,
    SagaRecord,
    SagaStatus,
    StepStatus,
)

#: Applies a request to a saga, by its id.
Apply = Callable[[str, Input], object]


class Children:
    """The messages between a parent saga and its children."""

    def __init__(
        self,
        repository: SagaRepository,
        recorder: Recorder,
        transitions: Transitions,
        retention: Retention,
        apply: Apply,
    ) -> None:
        self._repository = repository
        self._recorder = recorder
        self._transitions = transitions
        self._retention = retention
        self._apply = apply

    def notify_parent(self, delivery: Delivery) -> str:
        """Record a child's end in its parent, and mark the child as notified in the same commit.

        Returns a one-word result: "parked" if the parent cannot accept it yet.
        """
        spent = ONE_TASK
        for attempt in range(MAX_CONFLICTS):
            try:
                parent, child = self._repository.load_both(delivery.saga_id, delivery.child)
                result = self._repository.result_of(child) if child else None
            except Unreadable as problem:
                return alerts.leave_unreadable(delivery.saga_id, problem)
            has_ended = child is not None and child.status in FINISHED and not child.parent_notified
            if parent is not None and not has_ended:
                self._transitions.ensure_enqueued(parent)
            if child is None or not has_ended:
                return "stale"
            notified = keep_for_parent(replace(child, parent_notified=True), self._retention)
            if parent is None:
                self._repository.acknowledge(notified)
                return "orphaned"
            parent.saga.unsaved_cost += spent
            if not self._can_accept(parent, delivery.step):
                return "parked"
            enqueue = self._transitions.enqueue
            outcome = child_outcome(child, result)
            if self._transitions.try_once(parent, outcome, enqueue, notified):
                return "notified"
            spent = parent.saga.unsaved_cost
            self._transitions.back_off(attempt)
        raise conflicts_in_a_row(delivery.saga_id)

    def _can_accept(self, parent: Loaded, step: int) -> bool:
        """Return whether a parent can record a child's end; if not, it is redelivered later."""
        if not self._recorder.reason_to_park(*parent) or parent.saga.status in FINISHED:
            return True
        self._transitions.make(parent, None)
        return parent.steps[step].status is not StepStatus.WAITING

    def roll_back(self, parent: Loaded, delivery: Delivery) -> AttemptEnded:
        """Request the rollback of the child that a parent's step has started.

        Idempotent. The result is IN_PROGRESS until the child has rolled back; its end then notifies
        the parent.
        """
        child = parent.steps[delivery.step].child
        reason = parent.saga.error or Cause.PARENT_ROLLED_BACK
        request = RevertRequested(actor=f"saga {parent.saga.id}", reason=reason)
        result, error = Result.IN_PROGRESS, ""
        try:
            reverted = self._transitions.make(self._repository.get(child), request)
            if reverted.status is SagaStatus.ROLLED_BACK:
                result = Result.DONE
            elif reverted.pause_number:
                self.follow_pause(self._repository.get(child))
        except AmendsError as problem:
            result = Result.PERMANENT if problem.status < 500 else Result.RETRYABLE
            error = problem.detail
        except Exception as problem:  # the request to the child can be repeated
            log_unexpected(problem)
            result, error = Result.RETRYABLE, Reason.UNEXPECTED_ERROR
        return attempt_ended(delivery, result, error=error)

    def pass_on(self, before: SagaRecord, after: SagaRecord, request: Input) -> None:
        """Pass a request that was applied to a saga to the children that it waits for."""
        onward = _find_onward(before, after, request)
        if onward is not None:
            self._apply_to_each(self._repository.get(after.id).children, onward)
        elif after.pause_number:
            self._follow_below(after.id)

    def _follow_below(self, saga_id: str) -> None:
        """Apply a saga's pause to its children, and to their children in turn."""
        loaded = self._repository.get(saga_id)
        self.follow_pause(loaded)
        for child in read_children(self._repository, loaded):
            if child.pause_number:
                self._follow_below(child.id)

    def follow_pause(self, parent: Loaded) -> bool:
        """Apply a saga's last pause or resume to children that missed it; return whether any did.

        Children miss it if the process was killed, or if a cancel lifted the pause.
        """
        out_of_step = find_out_of_step(self._repository, parent)
        self._apply_to_each(out_of_step, _follow_request(parent.saga))
        return bool(out_of_step)

    def follow_parent(self, child: Loaded) -> bool:
        """Apply the parent's last pause or resume if a paused child missed it; return whether so.

        The child checks for itself, because a resolved parent no longer looks at its children.
        """
        saga = child.saga
        parent = self._repository.find(saga.parent_id) if saga.paused and saga.parent_id else None
        if parent is None or not _is_out_of_step(parent, saga):
            return False
        self._apply_to_each([saga.id], _follow_request(parent))
        return True

    def _apply_to_each(self, children: Iterable[str], request: Input) -> None:
        """Apply a request to each child, even if others fail. A child's refusal is ignored.

        Any other error is raised after the last child, because the request must be repeated.
        """
        failed: Exception | None = None
        for child in children:
            try:
                self._apply(child, request)
            except (Conflict, NotFound):
                continue
            except Exception as problem:  # any error of one child
                failed = failed or problem
        if failed is not None:
            raise failed


def child_outcome(child: SagaRecord, result: str | None) -> ChildEnded:
    """Return the input that the end of a child saga, with its result, is for its parent."""
    return ChildEnded(
        step=child.parent_step,
        child=child.id,
        status=child.status,
        output=result,
        error=child.error,
    )


def find_out_of_step(repository: SagaRepository, parent: Loaded) -> list[str]:
    """Return the ids of the children that have not followed a saga's last pause or resume."""
    if not parent.saga.pause_number:
        return []
    children = read_children(repository, parent)
    return [child.id for child in children if _is_out_of_step(parent.saga, child)]


def read_children(repository: SagaRepository, parent: Loaded) -> Iterator[SagaRecord]:
    """Yield the children that a saga waits for; skip missing and unreadable ones.

    A finished saga waits for none: then it yields all children that the saga has started.
    """
    begun = [step.child for step in parent.steps if step.child]
    for child_id in begun if parent.saga.status in FINISHED else parent.children:
        try:
            child = repository.find(child_id)
        except Unreadable as problem:
            alerts.log_unreadable(child_id, problem)
        else:
            if child is not None:
                yield child


def _is_out_of_step(parent: SagaRecord, child: SagaRecord) -> bool:
    can_follow = child.status in ACTIVE or (child.paused and not parent.paused)
    return can_follow and child.parent_pause != parent.pause_number


def _find_onward(before: SagaRecord, after: SagaRecord, request: Input) -> Input | None:
    """Return the request that each child gets when its parent gets one; None if it gets none.

    It has no sequence, because the one in the request is the parent's. A child that ended while its
    parent was parked notifies it again once the parent is retried.
    """
    if isinstance(request, PauseRequested | ResumeRequested):
        number = after.pause_number
        return replace(request, id=f"{request.id}@{number}", sequence=None, parent_pause=number)
    if before.status is SagaStatus.FAILED and after.status in ACTIVE:
        return Overdue(at_once=True)
    return None


def _follow_request(parent: SagaRecord) -> Input:
    kind = PauseRequested if parent.paused else ResumeRequested
    reason = Reason.PARENT_PAUSED if parent.paused else Reason.PARENT_RESUMED
    return kind(actor=f"saga {parent.id}", reason=reason, parent_pause=parent.pause_number)
