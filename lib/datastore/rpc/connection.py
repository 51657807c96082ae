"""The connection to Datastore: v1 calls by method name, addressed to one database."""

from typing import Any, Protocol

from lib.datastore.v1.messages import API
from lib.rpc import connection


class Rpc(Protocol):
    """Calls the service for a Store. Wrap one to count calls, delay them or lose their answers."""

    project: str
    database: str

    def call(self, method: str, request: Any, timeout: float) -> Any:
        """Call a method such as `Lookup` with a time limit in seconds. Raises grpc.RpcError."""
        ...

    def close(self) -> None:
        """Close the channel; the next call opens a new one."""
        ...


class DatastoreConnection(connection.Connection):
    """A connection to Datastore itself, or to a server that speaks its v1 API without TLS."""

    def __init__(self, project: str, database: str, emulator_host: str | None) -> None:
        super().__init__(API, emulator_host)
        self.project = project
        self.database = database
        of_database = {"database_id": database} if database else {}
        self._metadata = connection.route(project_id=project, **of_database)

    def call(self, method: str, request: Any, timeout: float) -> Any:
        """Send one request and return the answer; `timeout` is in seconds.

        Raises grpc.RpcError, and Unavailable if there are no credentials for the channel.
        """
        return self.invoke(method, request, timeout, self._metadata)


def connect(
    project: str, database: str = "", emulator_host: str | None = None
) -> DatastoreConnection:
    """Return a connection, which opens nothing before its first call.

    `emulator_host` (`host:port`) is a server without TLS or credentials: the local one or one of
    Google's emulators. Without it, the credentials are the application default ones.
    """
    return DatastoreConnection(project, database, emulator_host)
