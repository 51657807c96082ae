"""All configurations: first those that must pass, then the broken twins that must not."""

from model.configuration import Configuration, Expectation


def _twin(
    name: str, claim: str, defines: str, *, source: str = "saga.pml", liveness: bool = False
) -> Configuration:
    """Return a configuration in which one rule is broken: `BREAK_` and its name."""
    rule = f"BREAK_{name.upper().replace('-', '_')}"
    return Configuration(
        name=name,
        claim=claim,
        defines=f"{rule} {defines}".strip(),
        source=source,
        expectation=Expectation.FAILS,
        liveness=liveness,
    )


#: No barrier, and no fault delivers a task that another worker still runs.
BARE = "PIVOT=1 BARE=1 DUPLICATES=0 FAULTS=2 WORKERS=1"

SAGA = (
    Configuration(name="smallest", claim="2 steps, no fault", defines="FAULTS=0"),
    Configuration(name="fault", claim="2 steps, a fault", defines="FAULTS=1"),
    Configuration(name="pivot", claim="the second step is the pivot, a fault", defines="PIVOT=1"),
    Configuration(
        name="cancel-fault",
        claim="a cancel, a thread that outlives its timeout, a fault, one attempt",
        defines="CANCELS=1 THREADS=1 MAX_EXECUTIONS=1",
    ),
    Configuration(
        name="cancel",
        claim="a cancel, a thread that outlives its timeout, two attempts",
        defines="CANCELS=1 THREADS=1 FAULTS=0",
    ),
    Configuration(
        name="cancel-skew",
        claim="the same, and clocks that differ",
        defines="CANCELS=1 THREADS=1 FAULTS=0 SKEW",
    ),
    Configuration(name="early", claim="a sweep that comes too early", defines="EARLY=1 FAULTS=0"),
    Configuration(
        name="early-pivot",
        claim="the same with a pivot and a fault",
        defines="PIVOT=1 EARLY=1",
        is_long=True,
    ),
    Configuration(
        name="pivot-between",
        claim="3 steps, the second is the pivot, a cancel, a late thread",
        defines="N=3 PIVOT=1 CANCELS=1 THREADS=1 FAULTS=0",
    ),
    Configuration(
        name="pivot-2-faults",
        claim="3 steps, the second is the pivot, a cancel, two faults, one worker",
        defines="N=3 PIVOT=1 CANCELS=1 FAULTS=2 WORKERS=1",
        is_long=True,
    ),
    Configuration(
        name="group",
        claim="a group of 2 and a step, one attempt, a fault",
        defines="N=3 GROUP=2 MAX_EXECUTIONS=1",
        is_long=True,
    ),
    Configuration(
        name="group-cancel",
        claim="a group of 2 and a step, a cancel",
        defines="N=3 GROUP=2 CANCELS=1 FAULTS=0",
        is_long=True,
    ),
    Configuration(
        name="group-past-pivot",
        claim="a group behind the pivot: the alert while a member still runs, a retry",
        defines="N=3 PIVOT=0 GROUP=2 GROUP_AT=1 RETRIES=1 FAULTS=0 MAX_EXECUTIONS=1",
    ),
    Configuration(name="2-faults", claim="2 steps, two faults", defines="FAULTS=2", is_long=True),
    Configuration(
        name="no-sweep", claim="no sweep: redelivery alone must do, a fault", defines="NO_SWEEP"
    ),
    Configuration(
        name="no-sweep-2-faults",
        claim="the same, two faults",
        defines="NO_SWEEP FAULTS=2",
        is_long=True,
    ),
    Configuration(
        name="retry",
        claim="an operator's retry of what is parked, one attempt, a fault",
        defines="RETRIES=1 MAX_EXECUTIONS=1",
    ),
    Configuration(
        name="retry-2-attempts",
        claim="the same, two attempts",
        defines="RETRIES=1",
        is_long=True,
    ),
    Configuration(
        name="park",
        claim="an operator parks it in any state, and retries it",
        defines="PARKS=1 RETRIES=1 FAULTS=0 MAX_EXECUTIONS=1",
    ),
    Configuration(
        name="pause", claim="a pause and a resume at any point", defines="PAUSES=1 FAULTS=0"
    ),
    Configuration(name="pause-fault", claim="the same, a fault", defines="PAUSES=1", is_long=True),
    Configuration(
        name="continue",
        claim="a rollback that goes on after a failed compensation, and a retry",
        defines="HALT=0 RETRIES=1 FAULTS=0",
    ),
    Configuration(
        name="bare", claim="participants without a barrier, kills and lost tasks", defines=BARE
    ),
    Configuration(
        name="bare-once",
        claim="they are called once, if nothing is lost or retried",
        defines=f"{BARE} NO_SWEEP CALLED_ONCE=1 MAX_EXECUTIONS=1",
    ),
    Configuration(
        name="ends", claim="every run ends: a fault", defines="MAX_EXECUTIONS=1", liveness=True
    ),
    Configuration(
        name="ends-operator",
        claim="every run ends: a pivot, a cancel, a retry, a pause",
        defines="PIVOT=1 CANCELS=1 RETRIES=1 PAUSES=1 FAULTS=0 MAX_EXECUTIONS=1",
        liveness=True,
    ),
)

INLINE = (
    Configuration(
        name="inline",
        claim="inline chaining, one attempt, a fault",
        defines="INLINE=1 MAX_EXECUTIONS=1",
    ),
    Configuration(
        name="inline-2-attempts", claim="the same, two attempts", defines="INLINE=1", is_long=True
    ),
    Configuration(
        name="inline-pivot",
        claim="the second step is the pivot, a fault",
        defines="INLINE=1 PIVOT=1",
    ),
    Configuration(
        name="inline-caller",
        claim="it begins in the caller's own request, one attempt, a fault",
        defines="INLINE=1 CALLER=1 MAX_EXECUTIONS=1",
    ),
    Configuration(
        name="inline-caller-2-attempts",
        claim="the same, two attempts",
        defines="INLINE=1 CALLER=1",
        is_long=True,
    ),
    Configuration(
        name="inline-no-sweep",
        claim="no sweep: redelivery alone must do, one attempt, a fault",
        defines="INLINE=1 NO_SWEEP MAX_EXECUTIONS=1",
    ),
    Configuration(
        name="inline-3-steps",
        claim="3 steps, one attempt, a cancel, a fault, one worker",
        defines="INLINE=1 N=3 CANCELS=1 WORKERS=1 MAX_EXECUTIONS=1",
    ),
    Configuration(
        name="inline-cancel",
        claim="a cancel, a thread that outlives its timeout, two attempts",
        defines="INLINE=1 CANCELS=1 THREADS=1 FAULTS=0",
    ),
    Configuration(
        name="inline-early",
        claim="a sweep that comes too early, one attempt",
        defines="INLINE=1 EARLY=1 FAULTS=0 MAX_EXECUTIONS=1",
    ),
    Configuration(
        name="inline-early-2-attempts",
        claim="the same, two attempts",
        defines="INLINE=1 EARLY=1 FAULTS=0",
        is_long=True,
    ),
    Configuration(
        name="inline-pause",
        claim="a pause and a resume at any point, one attempt",
        defines="INLINE=1 PAUSES=1 FAULTS=0 MAX_EXECUTIONS=1",
    ),
    Configuration(
        name="inline-bare",
        claim="participants without a barrier, kills and lost tasks",
        defines=f"INLINE=1 {BARE}",
    ),
    Configuration(
        name="inline-ends",
        claim="every run ends: a fault",
        defines="INLINE=1 MAX_EXECUTIONS=1",
        liveness=True,
    ),
)


def _family(
    name: str, claim: str, defines: str = "", *, liveness: bool = False, is_long: bool = False
) -> Configuration:
    """Return a configuration of a parent and its child."""
    return Configuration(
        name=name,
        claim=claim,
        defines=defines,
        source="family.pml",
        liveness=liveness,
        is_long=is_long,
    )


FAMILY = (
    _family("child", "a parent and its child, a fault"),
    _family("child-signal", "the child waits for a signal, a fault", "SIGNAL=1"),
    _family("child-cancel", "a cancel of either, a fault", "CANCELS=1"),
    _family("child-cancel-signal", "two cancels of either, a signal, a fault",
            "CANCELS=2 SIGNAL=1", is_long=True),
    _family("child-undo", "a compensation fails; a retry, or a resolve by hand, a fault",
            "UNDO_FAILS=1 RETRIES=1 RESOLVES=1"),
    _family("child-undo-cancel", "a compensation fails, a cancel, a retry, a fault",
            "UNDO_FAILS=1 RETRIES=1 CANCELS=1", is_long=True),
    _family("child-operator", "either is parked; a retry, or a resolve of the child",
            "PARKS=1 RETRIES=1 RESOLVES=1 FAULTS=0"),
    _family("child-pause", "the parent is paused and resumed, a signal",
            "PAUSES=1 SIGNAL=1 FAULTS=0"),
    _family("child-pause-cancel", "the same, a cancel of either",
            "PAUSES=1 SIGNAL=1 CANCELS=1 FAULTS=0", is_long=True),
    _family("child-pause-fault", "the parent is paused and resumed, a fault", "PAUSES=1",
            is_long=True),
    _family("child-look", "a daily look at any time, a signal, a fault", "LOOKS=1 SIGNAL=1"),
    _family("child-look-operator", "a daily look at any time, either is parked, a retry",
            "LOOKS=1 PARKS=1 RETRIES=1 FAULTS=0", is_long=True),
    _family("child-ends", "every run ends: a signal, a fault", "SIGNAL=1", liveness=True),
)  # fmt: skip

TWINS = (
    _twin("no-version", "a commit does not check the version", "EARLY=1 FAULTS=0"),
    _twin("enqueue-before-commit", "a task is made before its commit", "NO_SWEEP"),
    _twin("stale-enqueues-nothing", "a stale delivery makes nothing sure", "NO_SWEEP"),
    _twin("sweep-same-name", "the sweep uses the lost task's name again", ""),
    _twin("sweep-certain", "the sweep does not note that the step may have run", BARE),
    _twin("unknown-certain", "an unknown outcome counts as none", "FAULTS=0"),
    _twin("cancelled-certain", "a cancelled step counts as not run",
          "CANCELS=1 THREADS=1 SKEW FAULTS=0"),
    _twin("lost-is-run-again", "a lost dispatch is run again", BARE),
    _twin("redelivered-pivot", "a redelivered pivot is run again",
          f"{BARE} NO_SWEEP CALLED_ONCE=1 MAX_EXECUTIONS=1"),
    _twin("pivot-rolled-back", "a pivot of unknown outcome is rolled back", "PIVOT=1 FAULTS=0"),
    _twin("no-tombstone", "a compensation without effect leaves no mark",
          "CANCELS=1 THREADS=1 MAX_EXECUTIONS=1"),
    _twin("refusal-forgotten", "a refusal does not bind its own attempt", ""),
    _twin("refusal-not-kept", "a refusal is not recorded", ""),
    _twin("note-on-any-letter", "an alert is noted on whatever letter there is: issue 10, 13",
          "RETRIES=1 MAX_EXECUTIONS=1"),
    _twin("never-noted", "a logged alert is not noted: the sweep logs it for ever",
          "FAULTS=0 MAX_EXECUTIONS=1", liveness=True),
    _twin("inline-certain", "a task of a step that ran inline counts as its first dispatch",
          "INLINE=1 BARE=1 DUPLICATES=0 NO_SWEEP WORKERS=1"),
    _twin("stale-leaves-inline", "a stale delivery does not enqueue what ran inline",
          "INLINE=1 NO_SWEEP MAX_EXECUTIONS=1"),
    _twin("inline-after-refusal", "a refused commit does not end the inline run",
          "INLINE=1 CANCELS=1 FAULTS=0"),
    _twin("lost-answer-leaves-inline",
          "a lost answer to a commit leaves the next step to the sweep",
          "INLINE=1 NO_SWEEP MAX_EXECUTIONS=1"),
    _twin("child-told-first", "a child is notified before its parent records the child's end", "",
          source="family.pml"),
    _twin("waits-ignored", "a daily look does not count signals and children as waits",
          "LOOKS=1 SIGNAL=1 FAULTS=0", source="family.pml"),
    _twin("look-without-version", "a daily look acts on a saga that has changed since",
          "LOOKS=1 PARKS=1 RETRIES=1 FAULTS=0", source="family.pml"),
)  # fmt: skip

CONFIGURATIONS = (*SAGA, *INLINE, *FAMILY, *TWINS)
