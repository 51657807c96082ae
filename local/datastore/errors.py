"""The refusals of the service, one class a gRPC status; a handler raises, the edge answers."""

import grpc


class ServiceError(Exception):
    """A request answered with a status other than OK; the message is the answer's detail."""

    code = grpc.StatusCode.INTERNAL


class InvalidArgument(ServiceError):
    """The request can never succeed as it is."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFound(ServiceError):
    """An update of an entity that does not exist."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExists(ServiceError):
    """An insert of an entity that exists."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPrecondition(ServiceError):
    """A stale base version, or a query without its index."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class Aborted(ServiceError):
    """Contention: the transaction has lost and was rolled back; run it again."""

    code = grpc.StatusCode.ABORTED


class Unimplemented(ServiceError):
    """A part of the API that this server does not have."""

    code = grpc.StatusCode.UNIMPLEMENTED
