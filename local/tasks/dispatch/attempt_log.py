"""The last dispatches and their results, for the web page."""

from collections import deque
from dataclasses import dataclass

from local.http.messages import Answer, Request

_KEPT = 200


@dataclass(slots=True)
class LoggedAttempt:
    """One dispatch of a task; times are epoch seconds, `ended` is 0 until the response."""

    task: str
    number: int
    request: str
    begun: float
    ended: float = 0.0
    answer: str = ""
    outcome: str = ""

    def end(self, now: float, answer: Answer, outcome: str) -> None:
        """Record the worker's response, and what happens to the task."""
        self.ended = now
        self.answer = answer.failure or f"HTTP {answer.status}"
        self.outcome = outcome


class AttemptLog:
    """The last attempts, in memory only."""

    def __init__(self) -> None:
        self._attempts: deque[LoggedAttempt] = deque(maxlen=_KEPT)

    def begin(self, task: str, number: int, request: Request, now: float) -> LoggedAttempt:
        """Record a dispatch; the caller must call its `end`."""
        attempt = LoggedAttempt(task, number, f"{request.method} {request.url}", now)
        self._attempts.append(attempt)
        return attempt

    def clear(self) -> None:
        """Forget all attempts."""
        self._attempts.clear()

    def list_latest(self) -> list[LoggedAttempt]:
        """Return the attempts: first those in progress, then the latest."""
        return sorted(self._attempts, key=lambda attempt: (attempt.ended > 0, -attempt.begun))
