"""Turns the service's errors into ours: only this module does."""

from typing import Any

from lib import errors
from lib.errors import AmendsError
from lib.rpc.status import code_of, details_of

#: By gRPC status. Any other status is a defect of ours or of the deployment: AmendsError, 500.
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
    """Return our error for a failed call; `subject` names the entity if the call was about one."""
    name = code_of(error)
    about = f" of {subject}" if subject else ""
    made = BY_CODE.get(name, AmendsError)
    details = details_of(error)
    if name == "FAILED_PRECONDITION" and method != "Commit":
        if "index" in details.lower():
            lacks = "this query needs an index that is missing or not built yet; it was logged"
            return errors.MissingIndex(lacks, internal=details)
        made = AmendsError  # the caller is not at fault
    if made.status >= 500:
        return made(f"Datastore {method}{about}: {name}", internal=details)
    return made(f"Datastore {method}{about}: {name}: {details}")
