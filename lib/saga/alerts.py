"""The log lines that monitoring stands on. `alert` and `event` are stable names."""

from lib.logs import log
from lib.saga.records import DeadLetter, SagaRecord


def log_parked(letter: DeadLetter) -> None:
    """Log the one alert of a parked saga.

    Cloud Logging keeps one of several entries with the same insert id and time: a crash between
    this line and the note of it costs no second alert.
    """
    log(
        "ERROR",
        "a saga is parked and waits for an operator",
        alert="saga-parked",
        saga=letter.id,
        name=letter.name,
        step=letter.step,
        error=letter.reason,
        time=letter.created_at.isoformat(),
        **{"logging.googleapis.com/insertId": f"{letter.id}-{letter.sequence}"},
    )


def log_finished(saga: SagaRecord) -> None:
    """Log a saga's end."""
    log("INFO", "a saga is finished", saga=saga.id, name=saga.name, status=saga.status)


def log_overdue(found: int, delivered: int, left: int, oldest: SagaRecord) -> None:
    """Log that the sweep had to help: once in a while a queue loses a task, more is a fault."""
    log(
        "WARNING",
        f"{found} sagas were overdue",
        alert="sagas-overdue",
        found=found,
        delivered=delivered,
        left=left,
        oldest=oldest.id,
        due=(oldest.due or "")[3:],
    )
