"""Why a state changed: the stable words of the audit trail."""

from enum import StrEnum


class Cause(StrEnum):
    """The cause of one event."""

    STARTED = "started"
    FIRST_STEP_RAN = "first step ran"
    #: A step that did not fit into the commit before begins in one of its own.
    STEP_STARTED = "step started"
    #: A dispatch is about to run the pivot.
    BEGUN = "begun"
    DONE = "done"
    SKIPPED = "skipped by its condition"
    WAITS = "waits"
    SIGNALLED = "signalled"
    #: A signal that came before its step: it is kept until then.
    SIGNAL_KEPT = "signal kept"
    NO_SIGNAL = "no signal in time"
    TIME_IS_UP = "time is up"
    CHILD_STARTED = "child saga started"
    CHILD_COMPLETED = "child saga completed"
    CHILD_ROLLED_BACK = "child saga rolled back"
    ALL_DONE = "all steps done"
    FAILED_FOR_GOOD = "failed for good"
    OUT_OF_ATTEMPTS = "out of attempts"
    NEVER_HAPPENED = "its participant says that it never happened"
    TRY_AGAIN = "to be tried again"
    ASK = "its participant is to be asked"
    OVERDUE = "overdue, delivered again"
    #: Given up because the saga goes back.
    GIVEN_UP = "given up"
    STEP_FAILED = "step failed"
    DEADLINE_PASSED = "deadline passed"
    TOO_LATE_TO_CANCEL = "past the pivot, too late to cancel"
    MADE_GOOD = "made good"
    ALL_MADE_GOOD = "all made good"
    COMPENSATION_FAILED = "compensation failed"
    NO_WAY_BACK = "no way back past the pivot"
    CALLED_AGAIN = "its dead letter was gone"
    PARKED_BY_HAND = "parked by hand"
    NOT_HAPPENED_BY_HAND = "did not happen, somebody has found out"
    STRANDED = "stranded"
    #: It could not be recorded what became of a step, or why the next one cannot begin.
    UNRECORDED = "could not be recorded"
    CANCEL_REQUESTED = "cancel requested"
    CANCELLED = "cancelled"
    PARENT_ROLLS_BACK = "its parent saga is rolled back"
    PAUSED = "paused"
    RESUMED = "resumed"
    RETRIED = "retried by hand"
    SKIPPED_BY_HAND = "skipped by hand"
    RESOLVED = "resolved by hand"
