"""The errors of Amends, one class for each kind, with an HTTP status and a stable code.

The edge maps every error to ``application/problem+json`` by these two attributes alone, so a new
error needs no change anywhere else.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

#: The path to a value, from the outside in: field names and list indexes.
Path = tuple[str | int, ...]


class FieldError(NamedTuple):
    """An error in some data, and where; `allowed` lists the accepted values if there are few."""

    path: Path
    detail: str
    allowed: list[Any] | None = None

    @property
    def field(self) -> str:
        """The path in dotted form: `lines[0].quantity`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).removeprefix(".")

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer in a URI fragment (RFC 6901): `#/lines/0/quantity`."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in self.path)
        return "#" + "".join(f"/{step}" for step in steps)


class AmendsError(Exception):
    """The root of every error that Amends raises on purpose."""

    status = 500
    code = "internal"
    #: When the caller may try again, for transient errors.
    retry_after: timedelta | None = None

    def __init__(self, detail: str, *, field: str | None = None, internal: str = "") -> None:
        """Make the error; `detail` is shown to the caller, `internal` only written to the log."""
        super().__init__(f"{detail}: {internal}" if internal else detail)
        self.detail = detail
        self.field = field


class Malformed(AmendsError):
    """The request cannot be parsed: broken JSON, a broken page token."""

    status = 400
    code = "malformed"


class Unauthenticated(AmendsError):
    """The token is missing or not valid."""

    status = 401
    code = "unauthenticated"


class Forbidden(AmendsError):
    """The token is valid, but its identity may not do this."""

    status = 403
    code = "forbidden"


class NotFound(AmendsError):
    """The named resource does not exist."""

    status = 404
    code = "not-found"


class MethodNotAllowed(AmendsError):
    """The function does not accept this HTTP method."""

    status = 405
    code = "method-not-allowed"

    def __init__(self, detail: str, *, allow: str) -> None:
        super().__init__(detail)
        self.allow = allow


class AlreadyExists(AmendsError):
    """The resource to create already exists."""

    status = 409
    code = "already-exists"


class Conflict(AmendsError):
    """The request conflicts with the current state; nothing was changed."""

    status = 409
    code = "conflict"


class VersionMismatch(AmendsError):
    """The version given for a write is not the stored one; nothing was written."""

    status = 412
    code = "version-mismatch"


class TooLarge(AmendsError):
    """A body, payload or entity is over its limit, which the message states."""

    status = 413
    code = "too-large"


class UnsupportedMediaType(AmendsError):
    """The body's Content-Type is not JSON, or not UTF-8."""

    status = 415
    code = "unsupported-media-type"


class Invalid(AmendsError):
    """A field is unknown, missing, of the wrong type or out of range.

    `faults` lists every error that was found.
    """

    status = 422
    code = "invalid"

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        internal: str = "",
        faults: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(detail, field=field, internal=internal)
        self.faults = faults


class Unreadable(AmendsError):
    """A stored entity does not fit its model; the message names kind, key and property.

    `key` is in readable form: `TaskList('a')/Task(5)`; `field` is the property.
    """

    code = "unreadable-entity"

    def __init__(
        self, detail: str, *, kind: str = "", key: str = "", field: str | None = None
    ) -> None:
        super().__init__(detail, field=field)
        self.kind = kind
        self.key = key


class MissingIndex(AmendsError):
    """A query needs an index that is missing or not built yet; the log has the entry to add."""

    code = "missing-index"


class Contention(AmendsError):
    """Other writers kept changing the same entities through every retry; try again later."""

    status = 503
    code = "contention"
    retry_after = timedelta(seconds=1)


class Unavailable(AmendsError):
    """A service that Amends depends on did not answer; try again later."""

    status = 503
    code = "unavailable"
    retry_after = timedelta(seconds=1)


class NotBegun(AmendsError):
    """A service that Amends depends on did not answer, and nothing was done; try again later.

    Its status is not 5xx, so Cloud Tasks counts it as an answer: see `run_saga_step`.
    """

    status = 429
    code = "not-begun"
    retry_after = timedelta(seconds=1)


class DeadlineExceeded(AmendsError):
    """The request's time budget ran out."""

    status = 504
    code = "deadline-exceeded"
