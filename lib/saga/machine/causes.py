"""Why a state changed: the stored codes, and the sentences shown for them.

A stored code never changes its meaning, so rewording a sentence needs no data migration. Sentences
that an older version stored are shown unchanged.
"""

import re
from enum import StrEnum


class Cause(StrEnum):
    """The cause of one event of the audit trail."""

    SAGA_STARTED = "saga_started"
    FIRST_STEP_RAN = "first_step_ran"
    STEP_STARTED = "step_started"
    PIVOT_BEGUN = "pivot_begun"
    STEP_COMPLETED = "step_completed"
    CONDITION_NOT_MET = "condition_not_met"
    STEP_WAITING = "step_waiting"
    SIGNAL_RECEIVED = "signal_received"
    SIGNAL_KEPT = "signal_kept"
    SIGNAL_TIMED_OUT = "signal_timed_out"
    TIMER_FIRED = "timer_fired"
    CHILD_STARTED = "child_started"
    CHILD_COMPLETED = "child_completed"
    CHILD_ROLLED_BACK = "child_rolled_back"
    ALL_STEPS_COMPLETED = "all_steps_completed"
    FAILED_PERMANENTLY = "failed_permanently"
    OUT_OF_ATTEMPTS = "out_of_attempts"
    STEP_NOT_EXECUTED = "step_not_executed"
    RETRY_SCHEDULED = "retry_scheduled"
    STATUS_QUERIED = "status_queried"
    DELIVERY_OVERDUE = "delivery_overdue"
    STEP_CANCELLED = "step_cancelled"
    STEP_FAILED = "step_failed"
    DEADLINE_PASSED = "deadline_passed"
    TOO_LATE_TO_CANCEL = "too_late_to_cancel"
    STEP_COMPENSATED = "step_compensated"
    ALL_STEPS_COMPENSATED = "all_steps_compensated"
    COMPENSATION_FAILED = "compensation_failed"
    FAILED_PAST_PIVOT = "failed_past_pivot"
    DEAD_LETTER_REWRITTEN = "dead_letter_rewritten"
    DEFINITION_MISSING = "definition_missing"
    CHILD_MISSING = "child_missing"
    NOTHING_AWAITED = "nothing_awaited"
    INPUT_UNRECORDED = "input_unrecorded"
    CANCEL_REQUESTED = "cancel_requested"
    CANCELLED = "cancelled"
    PARENT_ROLLED_BACK = "parent_rolled_back"
    PAUSED = "paused"
    RESUMED = "resumed"
    RETRIED_BY_OPERATOR = "retried_by_operator"
    SKIPPED_BY_OPERATOR = "skipped_by_operator"
    VOIDED_BY_OPERATOR = "voided_by_operator"
    PARKED_BY_OPERATOR = "parked_by_operator"
    RESOLVED_BY_OPERATOR = "resolved_by_operator"


class Reason(StrEnum):
    """The codes that are stored as an error or a reason, where authors and operators write text.

    A detail may follow a code: `definition_undeclared: order version 2`.
    """

    PARENT_PAUSED = "parent_paused"
    PARENT_RESUMED = "parent_resumed"
    DISPATCH_LOST = "dispatch_lost"
    STEP_CANNOT_BEGIN = "step_cannot_begin"
    OUTCOME_UNRECORDED = "outcome_unrecorded"
    DEFINITION_UNDECLARED = "definition_undeclared"
    DEFINITION_CHANGED = "definition_changed"
    TYPES_CHANGED = "types_changed"
    STATUS_QUERY = "status_query"
    TEXT_UNSTORABLE = "text_unstorable"
    EXCEPTION_UNREADABLE = "exception_unreadable"
    UNEXPECTED_ERROR = "unexpected_error"


SENTENCES: dict[str, str] = {
    Cause.SAGA_STARTED: "the saga was started",
    Cause.FIRST_STEP_RAN: "its first step has run",
    Cause.STEP_STARTED: "the step begins in a separate commit",
    Cause.PIVOT_BEGUN: "a dispatch is about to run the pivot",
    Cause.STEP_COMPLETED: "the step completed",
    Cause.CONDITION_NOT_MET: "the step was skipped by its condition",
    Cause.STEP_WAITING: "the step waits",
    Cause.SIGNAL_RECEIVED: "the signal was received",
    Cause.SIGNAL_KEPT: "the signal was received early and is kept for its step",
    Cause.SIGNAL_TIMED_OUT: "the signal was not received in time",
    Cause.TIMER_FIRED: "the wait is over",
    Cause.CHILD_STARTED: "the child saga was started",
    Cause.CHILD_COMPLETED: "the child saga completed",
    Cause.CHILD_ROLLED_BACK: "the child saga was rolled back",
    Cause.ALL_STEPS_COMPLETED: "all steps have completed",
    Cause.FAILED_PERMANENTLY: "the step failed permanently",
    Cause.OUT_OF_ATTEMPTS: "the step is out of attempts",
    Cause.STEP_NOT_EXECUTED: "the participant says that the step was not executed",
    Cause.RETRY_SCHEDULED: "another attempt is scheduled",
    Cause.STATUS_QUERIED: "the participant is asked whether the step was executed",
    Cause.DELIVERY_OVERDUE: "a delivery was overdue and is delivered again",
    Cause.STEP_CANCELLED: "the step was cancelled because the saga rolls back",
    Cause.STEP_FAILED: "a step has failed",
    Cause.DEADLINE_PASSED: "the deadline has passed",
    Cause.TOO_LATE_TO_CANCEL: "the pivot has completed: it is too late to cancel",
    Cause.STEP_COMPENSATED: "the step was compensated",
    Cause.ALL_STEPS_COMPENSATED: "all steps have been compensated",
    Cause.COMPENSATION_FAILED: "a compensation has failed",
    Cause.FAILED_PAST_PIVOT: "a step has failed where the saga can no longer roll back",
    Cause.DEAD_LETTER_REWRITTEN: "the dead letter was gone and is written again",
    Cause.DEFINITION_MISSING: "the definition is missing or no longer fits",
    Cause.CHILD_MISSING: "a child saga is gone",
    Cause.NOTHING_AWAITED: "the saga waits for nothing, so nothing would move it",
    Cause.INPUT_UNRECORDED: "what happened could not be recorded",
    Cause.CANCEL_REQUESTED: "a cancel was requested",
    Cause.CANCELLED: "the saga was cancelled",
    Cause.PARENT_ROLLED_BACK: "the parent saga is rolled back",
    Cause.PAUSED: "the saga was paused",
    Cause.RESUMED: "the saga was resumed",
    Cause.RETRIED_BY_OPERATOR: "an operator retried it",
    Cause.SKIPPED_BY_OPERATOR: "an operator skipped the step",
    Cause.VOIDED_BY_OPERATOR: "an operator confirmed that the step was not executed",
    Cause.PARKED_BY_OPERATOR: "an operator parked the saga",
    Cause.RESOLVED_BY_OPERATOR: "an operator closed the saga",
    Reason.PARENT_PAUSED: "the parent saga was paused",
    Reason.PARENT_RESUMED: "the parent saga was resumed",
    Reason.DISPATCH_LOST: "an earlier dispatch of this attempt ended without an answer",
    Reason.STEP_CANNOT_BEGIN: "the step cannot begin",
    Reason.OUTCOME_UNRECORDED: "the attempt ended, but its outcome could not be recorded",
    Reason.DEFINITION_UNDECLARED: "the definition is no longer declared",
    Reason.DEFINITION_CHANGED: "the definition has changed under the same version",
    Reason.TYPES_CHANGED: "what is stored does not fit the declared types",
    Reason.STATUS_QUERY: "asked then whether it was executed, the participant answered",
    Reason.TEXT_UNSTORABLE: "its text could not be stored",
    Reason.EXCEPTION_UNREADABLE: "the action raised an exception that cannot be read",
    Reason.UNEXPECTED_ERROR: "an unexpected error occurred; the log has it",
}

#: Sentences that an earlier version stored as the reason to stop, and the codes that replace them.
_STOPPING_BEFORE = {
    "step failed": Cause.STEP_FAILED,
    "deadline passed": Cause.DEADLINE_PASSED,
    "its parent saga is rolled back": Cause.PARENT_ROLLED_BACK,
}

#: A code of several words at the start of an error or of one of its parts: "step a:
#: deadline_passed".
_CODE = re.compile(r"(?:^|(?<=: )|(?<=; ))[a-z]+(?:_[a-z]+)+(?=\Z|: |; )")


def cause_of(stopping: str) -> str:
    """Return the cause in a saga's `stopping`; sagas older than the codes have a sentence there."""
    return _STOPPING_BEFORE.get(stopping, stopping)


def sentence_of(cause: str) -> str:
    """Return the sentence for an event's cause; an unknown cause is returned unchanged."""
    return SENTENCES.get(cause, cause)


def explain(text: str) -> str:
    """Return a stored error or reason with each code in it replaced by its sentence.

    The text of authors and operators is not changed.
    """
    return _CODE.sub(lambda found: sentence_of(found[0]), text)
