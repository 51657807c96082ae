"""Retries transient errors for a limited time."""

import itertools
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

from deploy.cloud.client import Clock, Failed
from lib.timing.backoff import Backoff

T = TypeVar("T")

#: How long to retry a transient error.
PATIENCE = timedelta(minutes=2)
_PAUSES = Backoff(first=timedelta(seconds=2), cap=timedelta(seconds=15))

#: Only longer waits are printed.
QUIET = timedelta(seconds=20)

_BUSY = r"RESOURCE_EXHAUSTED|Quota exceeded|\b429\b|UNAVAILABLE|\b50[234]\b|DEADLINE_EXCEEDED"
_CONFLICT = r"database is locked|ABORTED|concurrent policy changes|Conflict for resource"

#: The service is busy: the same request can be retried.
BUSY = re.compile(_BUSY)

#: The service is busy, another writer was faster, or another gcloud has locked gcloud's database.
PASSING = re.compile(f"{_BUSY}|{_CONFLICT}")

#: A new or newly enabled resource has not propagated yet.
SETTLING = re.compile(
    r"SERVICE_DISABLED|has not been used in project|API .*(is not enabled|is disabled)"
    r"|[Ss]ervice account \S+ does not exist|NOT_FOUND: Unknown service account"
    r"|not enabled on project"
)

_EXISTS = re.compile(r"ALREADY_EXISTS|already exists")


def persist(
    clock: Clock,
    action: Callable[[], T],
    passes: re.Pattern[str] = PASSING,
    *,
    patience: timedelta = PATIENCE,
    reason: str = "",
) -> T | None:
    """Return what `action` returns; retry it while its error matches `passes`.

    Raises Failed with the last error after `patience`. Returns None if a retry finds that
    the resource exists: an earlier attempt with an unclear response has created it.
    """
    ends, pauses, tried = clock.now() + patience.total_seconds(), _pauses(), False
    while True:
        try:
            return action()
        except Failed as failure:
            said = str(failure)
            if tried and _EXISTS.search(said):
                return None
            if not passes.search(said) or clock.now() >= ends:
                raise
        if not tried:
            why = reason or said.splitlines()[-1][:200]
            print(
                f"... not yet ({why}); retrying for up to {patience.total_seconds():.0f} s",
                flush=True,
            )
        tried = True
        clock.sleep(next(pauses))


def wait_until(clock: Clock, ready: Callable[[], bool], what: str, *, patience: timedelta) -> None:
    """Return when `ready` returns true; raise Failed, naming `what`, after `patience`."""
    began, pauses, said = clock.now(), _pauses(), False
    while not ready():
        if clock.now() >= began + patience.total_seconds():
            raise Failed(f"{what}: not yet after {patience / timedelta(minutes=1):.0f} minutes")
        if not said and clock.now() > began + QUIET.total_seconds():
            print(
                f"... waiting: {what} (up to {patience / timedelta(minutes=1):.0f} minutes)",
                flush=True,
            )
            said = True
        clock.sleep(next(pauses))


def _pauses() -> Iterator[timedelta]:
    return (_PAUSES.ceiling(failures) for failures in itertools.count(1))
