"""Turns the service's errors into those of lib.errors; no other module does that."""

from typing import Any

from lib import errors
from lib.errors import AmendsError
from lib.rpc.status import code_of, details_of

#: The error for each gRPC status. Any other status means a bug or a wrong deployment: AmendsError.
BY_CODE: dict[str, type[AmendsError]] = {
    "INVALID_ARGUMENT": errors.Invalid,
    "OUT_OF_RANGE": errors.Invalid,
    "NOT_FOUND": errors.NotFound,
    "ALREADY_EXISTS": errors.AlreadyExists,
    "FAILED_PRECONDITION": errors.Conflict,
    "ABORTED": errors.Contention,
    "RESOURCE_EXHAUSTED": errors.Unavailable,
    "UNAVAILABLE": errors.Unavailable,
    "CANCELLED": errors.Unavailable,
    "DEADLINE_EXCEEDED": errors.DeadlineExceeded,
}


def to_error(error: Any, method: str, subject: str = "") -> AmendsError:
    """Return the error for a failed call; `subject` names the entity if the call was about one."""
    name = code_of(error)
    about = f" of {subject}" if subject else ""
    made = BY_CODE.get(name, AmendsError)
    details = details_of(error)
    if name == "FAILED_PRECONDITION" and method != "Commit":
        if "index" in details.lower():
            lacks = "this query needs an index that is missing or not built yet: see the log"
            return errors.MissingIndex(lacks, internal=details)
        made = AmendsError  # the caller is not at fault
    if made.status >= 500:
        return made(f"Datastore {method}{about}: {name}", internal=details)
    return made(f"Datastore {method}{about}: {name}: {details}")
