"""The one place where the service's errors become ours."""

from typing import Any

from lib import errors
from lib.errors import AmendsError
from lib.rpc.status import code_of, details_of

#: By gRPC status; what is not here is a defect of ours or of the deployment: AmendsError, 500.
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
    """Return our error for a failed call; `subject` says what the call was about, if one thing."""
    name = code_of(error)
    about = f" of {subject}" if subject else ""
    made = BY_CODE.get(name, AmendsError)
    details = details_of(error)
    if name == "FAILED_PRECONDITION" and method != "Commit":
        if "index" in details.lower():
            lacks = "this query needs an index that is not there or not built yet; it was logged"
            return errors.MissingIndex(lacks, internal=details)
        made = AmendsError  # it is no fault of the caller's
    if made.status >= 500:
        return made(f"Datastore {method}{about}: {name}", internal=details)
    return made(f"Datastore {method}{about}: {name}: {details}")
