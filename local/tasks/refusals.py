"""How a request is refused: one exception that carries the gRPC status the service would answer."""

import grpc


class Refused(Exception):
    """The request is refused with this status; nothing was changed."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class InvalidArgument(Refused):
    """The request could never be accepted as it stands."""

    def __init__(self, message: str) -> None:
        super().__init__(grpc.StatusCode.INVALID_ARGUMENT, message)


class NotFound(Refused):
    """The queue or task named does not exist, or no longer does."""

    def __init__(self, message: str) -> None:
        super().__init__(grpc.StatusCode.NOT_FOUND, message)


class AlreadyExists(Refused):
    """The name is taken, or was until recently."""

    def __init__(self, message: str) -> None:
        super().__init__(grpc.StatusCode.ALREADY_EXISTS, message)


class FailedPrecondition(Refused):
    """The queue is not in a state that allows the request."""

    def __init__(self, message: str) -> None:
        super().__init__(grpc.StatusCode.FAILED_PRECONDITION, message)


class Unserved(Refused):
    """Google's service does this; the local one does not, and says so."""

    def __init__(self, message: str) -> None:
        super().__init__(grpc.StatusCode.UNIMPLEMENTED, message)
