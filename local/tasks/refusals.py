"""How a request is refused: exceptions that carry the gRPC status the service would answer."""

from local.rpc.errors import Code, ServiceError


class Refused(ServiceError):
    """The request is refused with this status; nothing was changed."""


class InvalidArgument(Refused):
    """The request could never be accepted as it stands."""

    code = Code.INVALID_ARGUMENT


class NotFound(Refused):
    """The queue or task named does not exist, or no longer does."""

    code = Code.NOT_FOUND


class AlreadyExists(Refused):
    """The name is taken, or was until recently."""

    code = Code.ALREADY_EXISTS


class FailedPrecondition(Refused):
    """The queue is not in a state that allows the request."""

    code = Code.FAILED_PRECONDITION


class Unserved(Refused):
    """Google's service does this; the local one does not, and says so."""

    code = Code.UNIMPLEMENTED
