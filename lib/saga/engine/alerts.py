"""The log lines that monitoring reads. The values of `alert` are stable names."""

from collections.abc import Callable

from lib.errors import AmendsError, Unreadable
from lib.observability.logs import log
from lib.observability.unexpected import logged
from lib.saga.machine.causes import explain
from lib.saga.machine.decision.decision import Decision
from lib.saga.state.records import FINISHED, DeadLetter, SagaRecord


@logged()
def report(decision: Decision, announce: Callable[[DeadLetter], None]) -> None:
    """Log a finished saga; announce a parked one, so that an operator gets one alert for it.

    Also reports child sagas that begin with the decision: one may be parked in its first commit.
    Never raises: the decision is committed, and the sweep logs the alerts that are missing.
    """
    saga = decision.saga
    for child in decision.children:
        report(child, announce)
    if decision.dead_letter is not None:
        try:
            announce(decision.dead_letter)
        except AmendsError as problem:
            log("WARNING", "an alert may be sent twice", saga=saga.id, error=problem.detail)
    elif decision.events and saga.status in FINISHED:
        log_finished(saga)


def log_parked(letter: DeadLetter) -> bool:
    """Log the one alert of a parked saga; return whether the line was written.

    Cloud Logging keeps only one of the entries with the same insert id and time. So a crash after
    this line, but before we store that it was logged, causes no second alert.
    """
    return log(
        "ERROR",
        "a saga is parked and waits for an operator",
        alert="saga-parked",
        saga=letter.id,
        name=letter.name,
        step=letter.step,
        error=explain(letter.reason),
        time=letter.created_at.isoformat(),
        **{"logging.googleapis.com/insertId": f"{letter.id}-{letter.sequence}"},
    )


def log_not_enqueued(problem: Exception) -> None:
    """Log that a delivery could not be enqueued: the sweep will enqueue it."""
    error = f"{type(problem).__name__}: {problem}"
    log("WARNING", "a delivery is left to the sweep", error=error)


def log_finished(saga: SagaRecord) -> None:
    """Log the end of a saga."""
    log("INFO", "a saga is finished", saga=saga.id, name=saga.name, status=saga.status)


def log_unreadable(saga_id: str, problem: Unreadable) -> None:
    """Log that a record of a saga cannot be read: another revision may have written it."""
    log("WARNING", "a stored entity cannot be read", alert="unreadable-entity",
        saga=saga_id, entity=problem.key, error=problem.detail)  # fmt: skip


def leave_unreadable(saga_id: str, problem: Unreadable) -> str:
    """Leave a delivery to the sweep, because its saga cannot be read and nothing has run.

    The queue would retry the task until it drops it. The sweep finds the saga by its due time as
    soon as it can be read.
    """
    log_unreadable(saga_id, problem)
    return "unreadable"


def log_dead_letters(count: int) -> None:
    """Log once per sweep how many sagas are parked: the alert stays open until there are none."""
    log("INFO", f"{count} sagas are parked", metric="dead-letters", count=count)


def log_overdue(
    found: int, delivered: int, remaining: int | None, per_second: float, oldest: SagaRecord | None
) -> None:
    """Log overdue sagas.

    A queue loses a task now and then; more than that is a fault. `oldest` is the readable saga that
    has been overdue the longest.
    """
    log(
        "WARNING",
        f"{found} sagas were overdue",
        alert="sagas-overdue",
        found=found,
        delivered=delivered,
        remaining=remaining,
        per_second=per_second,
        oldest=oldest.id if oldest else "",
        due=oldest.due[3:] if oldest and oldest.due else "",
    )
