"""The refusals of the service, one class a gRPC status; a handler raises, the edge answers."""

from enum import IntEnum


class Code(IntEnum):
    """The statuses of gRPC that this server answers with."""

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
    """A request answered with a status other than OK; the message is the answer's detail."""

    code = Code.INTERNAL


class InvalidArgument(ServiceError):
    """The request can never succeed as it is."""

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
    """Contention: the transaction has lost and was rolled back; run it again."""

    code = Code.ABORTED


class Unimplemented(ServiceError):
    """A part of the API that this server does not have."""

    code = Code.UNIMPLEMENTED


class Unavailable(ServiceError):
    """The server is about to stop; another one may take over."""

    code = Code.UNAVAILABLE
