"""Serve the API over gRPC on the loopback interface."""

import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from local.datastore.engine import Engine
from local.datastore.errors import ServiceError
from local.datastore.index_file import load_index_file
from local.datastore.messages import get_message_class
from local.datastore.service import Service
from local.datastore.validation import MAX_REQUEST_BYTES

_LOG = logging.getLogger(__name__)
_NAME = "google.datastore.v1.Datastore"
#: Requests at a time; one that waits for a lock occupies one of them.
_WORKERS = 64
_HOST = "127.0.0.1"


class PortTaken(Exception):
    """The port cannot be listened on; the message names it."""


class Handle:
    """A running server: ``port`` is where it listens."""

    def __init__(self, server: grpc.Server, engine: Engine, port: int) -> None:
        self.port = port
        self._server = server
        self._engine = engine
        self._stopped = threading.Event()
        self._clearing = threading.Thread(target=self._clear_up, daemon=True)
        self._clearing.start()

    @property
    def host(self) -> str:
        """The value for DATASTORE_EMULATOR_HOST."""
        return f"{_HOST}:{self.port}"

    def stop(self) -> None:
        """End the requests under way and close the store; what was answered is kept."""
        self._stopped.set()
        self._server.stop(grace=0.5).wait()
        self._clearing.join()
        self._engine.close()

    def _clear_up(self) -> None:
        while not self._stopped.wait(1):
            self._engine.transactions.expire()
            self._engine.prune_history()


def serve(
    data_dir: Path | str,
    port: int = 0,
    index_file: Path | str | None = None,
    *,
    require_indexes: bool = True,
) -> Handle:
    """Start a server on a data folder; port 0 takes any free one.

    Raises PortTaken, or IndexFileError when the index file cannot be read. A missing index file
    means that there are no composite indexes.
    """
    _check_port(port)
    composites = []
    if index_file is not None and Path(index_file).exists():
        composites = load_index_file(Path(index_file))
    server = grpc.server(
        ThreadPoolExecutor(_WORKERS, thread_name_prefix="datastore"),
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", MAX_REQUEST_BYTES + 1024 * 1024),
            ("grpc.max_send_message_length", -1),
        ],
    )
    try:
        bound = server.add_insecure_port(f"{_HOST}:{port}")
    except RuntimeError as error:
        raise PortTaken(f"port {port} of {_HOST} cannot be listened on: is it taken?") from error
    engine = Engine(Path(data_dir), composites, require_indexes=require_indexes)
    server.add_generic_rpc_handlers((_build_handler(Service(engine)),))
    server.start()
    return Handle(server, engine, bound)


def _check_port(port: int) -> None:
    """Find out first, and without gRPC's own lines on stderr, whether a port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise PortTaken(f"port {port} of {_HOST}: {error.strerror}") from error


def _build_handler(service: Service) -> Any:
    return grpc.method_handlers_generic_handler(
        _NAME,
        {
            name: grpc.unary_unary_rpc_method_handler(
                _guard(method),
                request_deserializer=get_message_class(f"{name}Request").FromString,
                response_serializer=get_message_class(f"{name}Response").SerializeToString,
            )
            for name, method in service.list_methods().items()
        },
    )


def _guard(method: Callable[[Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
    """Turn refusals into statuses, and whatever else goes wrong into INTERNAL and a log entry."""

    def handle(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(request)
        except ServiceError as error:
            return context.abort(error.code, str(error))
        except Exception:
            _LOG.exception("%s failed", method.__name__)
            return context.abort(grpc.StatusCode.INTERNAL, "internal error; see the server's log")

    return handle
