"""How the in-memory Datastore says no: as the real one does, by a gRPC status."""

import grpc


class Refusal(grpc.RpcError):  # type: ignore[misc]
    """A call that failed with a gRPC status, such as `NOT_FOUND`."""

    def __init__(self, status: str, details: str) -> None:
        super().__init__(f"{status}: {details}")
        self._status = grpc.StatusCode[status]
        self._details = details

    def code(self) -> grpc.StatusCode:
        """Return the status."""
        return self._status

    def details(self) -> str:
        """Return what went wrong."""
        return self._details
