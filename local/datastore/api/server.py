"""The server of the API, over gRPC and REST on loopback."""

import logging
import threading
from datetime import timedelta
from pathlib import Path

from local.datastore.api.service import DatastoreService
from local.datastore.encoding.messages import get_message_class
from local.datastore.encoding.validation import MAX_REQUEST_BYTES
from local.datastore.storage.engine import StorageEngine
from local.datastore.storage.index_file import load_index_file
from local.host.folder_lock import FolderInUse
from local.rpc.grpc import Method, RpcDispatcher
from local.rpc.http1 import Respond
from local.rpc.listener import Listener, serve_pages
from local.rpc.rest import Rest, Route, serve_rest

_NAME = "google.datastore.v1.Datastore"
_HOST = "127.0.0.1"
#: Seconds that requests in progress have to end when the server stops.
_GRACE = timedelta(seconds=0.5)
#: Seconds between two rounds of maintenance.
_CLEAR_EVERY = 1.0

_LOG = logging.getLogger(__name__)

#: The REST API of Datastore v1 (google.datastore.v1, google.api.http).
_ROUTES = [
    Route("POST", f"/v1/projects/{{project_id}}:{verb}{name[1:]}", f"/{_NAME}/{name}", "*")
    for name in (
        "Lookup", "RunQuery", "RunAggregationQuery", "BeginTransaction", "Commit", "Rollback",
        "AllocateIds", "ReserveIds",
    )
    for verb in [name[0].lower()]
]  # fmt: skip


class Handle:
    """A running server, which listens on ``port``."""

    def __init__(
        self, listener: Listener, dispatcher: RpcDispatcher, engine: StorageEngine
    ) -> None:
        self.port = listener.port
        self._listener = listener
        self._dispatcher = dispatcher
        self._engine = engine
        self._stopped = threading.Event()
        self._clearing = threading.Thread(target=self._clear_up, daemon=True)
        self._clearing.start()

    @property
    def host(self) -> str:
        """The value for DATASTORE_EMULATOR_HOST."""
        return f"{_HOST}:{self.port}"

    def stop(self) -> None:
        """End the requests in progress and close the store; acknowledged commits are kept."""
        self._stopped.set()
        self._dispatcher.stop(_GRACE)
        self._listener.stop()
        self._clearing.join()
        self._engine.close()

    def _clear_up(self) -> None:
        duties = (self._engine.transactions.expire, self._engine.prune_history)
        while not self._stopped.wait(_CLEAR_EVERY):
            for duty in duties:
                try:
                    duty()
                except Exception:  # such as a full disk, which may have room again later
                    _LOG.exception("%s failed; retrying in the next round", duty.__name__)


def serve(
    data_dir: Path | str,
    port: int = 0,
    index_file: Path | str | None = None,
    *,
    require_indexes: bool = True,
) -> Handle:
    """Start a server on a data folder; port 0 takes any free one.

    On the same port, ``GET /`` is a health check and ``POST /reset`` deletes all data. Without an
    index file there are no composite indexes. Raises PortTaken, FolderInUse, or BrokenFile if the
    index file is invalid.
    """
    composites = []
    if index_file is not None and Path(index_file).exists():
        composites = load_index_file(Path(index_file))
    listener = Listener(_HOST, port)
    try:
        engine = StorageEngine(Path(data_dir), composites, require_indexes=require_indexes)
    except FolderInUse:
        listener.stop()
        raise
    dispatcher = RpcDispatcher(_list_methods(DatastoreService(engine)), MAX_REQUEST_BYTES)
    listener.start(dispatcher.handle, serve_rest(Rest(dispatcher, _ROUTES), _list_pages(engine)))
    return Handle(listener, dispatcher, engine)


def _list_pages(engine: StorageEngine) -> Respond:
    def reset() -> str:
        engine.reset()
        return "Resetting...\n"

    def check() -> str:
        engine.check()
        return "Ok\n"

    return serve_pages({("GET", "/"): check, ("POST", "/reset"): reset})


def _list_methods(service: DatastoreService) -> dict[bytes, Method]:
    return {
        f"/{_NAME}/{name}".encode(): Method(get_message_class(f"{name}Request"), method)
        for name, method in service.list_methods().items()
    }
