"""What can go wrong, one class a kind: each carries its HTTP status and a stable code.

The edge maps whatever is raised to ``application/problem+json`` by these two attributes alone,
so a new error needs no change anywhere else.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

#: Where something is, from the outside in: names of fields, and places in lists.
Path = tuple[str | int, ...]


class Fault(NamedTuple):
    """What is wrong at one place; `allowed` are the values that there are, if they are few."""

    path: Path
    detail: str
    allowed: list[Any] | None = None

    @property
    def field(self) -> str:
        """The place as a person writes it: `lines[0].quantity`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).removeprefix(".")

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer in a URI fragment (RFC 6901): `#/lines/0/quantity`."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in self.path)
        return "#" + "".join(f"/{step}" for step in steps)


class AmendsError(Exception):
    """The root of every error that Amends raises on purpose."""

    status = 500
    code = "internal"
    #: When the caller may try again, for errors that pass.
    retry_after: timedelta | None = None

    def __init__(self, detail: str, *, field: str | None = None, internal: str = "") -> None:
        """Say what is wrong: `detail` to the caller, `internal` beside it to the log alone."""
        super().__init__(f"{detail}: {internal}" if internal else detail)
        self.detail = detail
        self.field = field


class Malformed(AmendsError):
    """The request cannot be read at all: broken JSON, a broken page token."""

    status = 400
    code = "malformed"


class Unauthenticated(AmendsError):
    """No token, or one that does not verify."""

    status = 401
    code = "unauthenticated"


class Forbidden(AmendsError):
    """A token that verifies, of an identity that may not do this."""

    status = 403
    code = "forbidden"


class NotFound(AmendsError):
    """What was named does not exist."""

    status = 404
    code = "not-found"


class MethodNotAllowed(AmendsError):
    """The function answers another HTTP method."""

    status = 405
    code = "method-not-allowed"

    def __init__(self, detail: str, *, allow: str) -> None:
        super().__init__(detail)
        self.allow = allow


class AlreadyExists(AmendsError):
    """A create of what exists."""

    status = 409
    code = "already-exists"


class Conflict(AmendsError):
    """The request contradicts the present state; nothing was changed."""

    status = 409
    code = "conflict"


class VersionMismatch(AmendsError):
    """The write stated a version that is no longer the stored one; nothing was written."""

    status = 412
    code = "version-mismatch"


class TooLarge(AmendsError):
    """A body, payload or entity over its limit; the message states the limit."""

    status = 413
    code = "too-large"


class UnsupportedMediaType(AmendsError):
    """The body is not said to be JSON, or not in plain UTF-8."""

    status = 415
    code = "unsupported-media-type"


class Invalid(AmendsError):
    """Readable but not acceptable: a field is unknown, mistyped, missing or out of range.

    `faults` are all that were found, where there can be several.
    """

    status = 422
    code = "invalid"

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        internal: str = "",
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(detail, field=field, internal=internal)
        self.faults = faults


class Unreadable(AmendsError):
    """A stored entity does not fit its model; the message names kind, key and property.

    `key` is written as people read it: `TaskList('a')/Task(5)`; `field` is the property.
    """

    code = "unreadable-entity"

    def __init__(
        self, detail: str, *, kind: str = "", key: str = "", field: str | None = None
    ) -> None:
        super().__init__(detail, field=field)
        self.kind = kind
        self.key = key


class MissingIndex(AmendsError):
    """A query needs an index that is not there, or not built yet; the log has the entry to add."""

    code = "missing-index"


class Contention(AmendsError):
    """Too many writers at the same entities, even after every retry; try again later."""

    status = 503
    code = "contention"
    retry_after = timedelta(seconds=1)


class Unavailable(AmendsError):
    """A service that we stand on did not answer; try again later."""

    status = 503
    code = "unavailable"
    retry_after = timedelta(seconds=1)


class NotBegun(AmendsError):
    """A service that we stand on did not answer before anything was done; try again later.

    Its status is no 5xx, so that Cloud Tasks counts it as an answer: see `run_saga_step`.
    """

    status = 429
    code = "not-begun"
    retry_after = timedelta(seconds=1)


class DeadlineExceeded(AmendsError):
    """The request's time budget ran out."""

    status = 504
    code = "deadline-exceeded"
