"""The errors of the service, one class per gRPC status; handlers raise them."""

from enum import IntEnum


class Code(IntEnum):
    """The gRPC statuses that this server uses."""

    OK = 0
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    FAILED_PRECONDITION = 9
    ABORTED = 10
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


class ServiceError(Exception):
    """A request gets a status other than OK; the message is the status detail."""

    code = Code.INTERNAL


class InvalidArgument(ServiceError):
    """The request is invalid; a retry cannot succeed."""

    code = Code.INVALID_ARGUMENT


class NotFound(ServiceError):
    """An update of an entity that does not exist."""

    code = Code.NOT_FOUND


class AlreadyExists(ServiceError):
    """An insert of an entity that exists."""

    code = Code.ALREADY_EXISTS


class FailedPrecondition(ServiceError):
    """A stale base version, or a query without its index."""

    code = Code.FAILED_PRECONDITION


class Aborted(ServiceError):
    """Contention: the transaction was rolled back; the client must run it again."""

    code = Code.ABORTED


class Unimplemented(ServiceError):
    """A part of the API that this server does not have."""

    code = Code.UNIMPLEMENTED


class Unavailable(ServiceError):
    """The server is stopping; the client can retry later."""

    code = Code.UNAVAILABLE
