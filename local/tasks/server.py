"""The Cloud Tasks v2 server: gRPC for clients, a page for its certificate, one folder of data."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc

from local.folder_lock import lock_folder
from local.scheduler.ticker import Job, Ticker
from local.tasks.dispatcher import Dispatcher
from local.tasks.faults import Faults
from local.tasks.messages import load_message
from local.tasks.page import CERTS_PATH, Page
from local.tasks.queue_service import QueueService
from local.tasks.refusals import Refused
from local.tasks.signer import Signer
from local.tasks.store import TASK_TOMBSTONE, Store
from local.tasks.task_service import TaskService

_SERVICE = "google.cloud.tasks.v2.CloudTasks"
_RPC_THREADS = 16
_STOP_GRACE = 1.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class TasksServer:
    """A server that runs: clients talk gRPC to `port`, workers fetch `certs_url`."""

    port: int
    page_port: int
    _parts: list[Callable[[], object]]

    @property
    def address(self) -> str:
        """What a gRPC channel is opened to."""
        return f"127.0.0.1:{self.port}"

    @property
    def certs_url(self) -> str:
        """Where the certificate of the OIDC tokens is served, in Google's shape."""
        return f"http://127.0.0.1:{self.page_port}{CERTS_PATH}"

    def stop(self) -> None:
        """End within about two seconds; what was not answered is dispatched at the next start."""
        for end in self._parts:
            end()


def serve(
    data: Path,
    *,
    port: int = 0,
    page_port: int = 0,
    queues: Iterable[Any] = (),
    jobs: Iterable[Job] = (),
    faults: Faults = Faults(),  # noqa: B008
    tombstone: timedelta = TASK_TOMBSTONE,
) -> TasksServer:
    """Start a server on loopback over a folder that no other server uses.

    `queues` are complete Queue messages, created or brought up to date. Port 0 means any free one.
    Raises FolderInUse, or OSError if a port is taken.
    """
    data.mkdir(parents=True, exist_ok=True)
    lock = lock_folder(data, "tasks")
    signer = Signer(data)
    store = Store(data / "tasks.sqlite", tombstone=tombstone)
    dispatcher = Dispatcher(store, signer.mint, faults)
    rpc = _make_rpc_server(store, dispatcher)
    parts = [lambda: rpc.stop(_STOP_GRACE).wait(), dispatcher.stop, store.close, lock.close]
    try:
        bound = _bind(rpc, port)
        page = Page(page_port, signer.certificates, lambda: _reset(store, dispatcher))
    except OSError:
        store.close()
        lock.close()
        raise
    _start_queues(store, dispatcher, queues)
    ticker = Ticker(jobs, signer.mint)
    rpc.start()
    ticker.start()
    return TasksServer(bound, page.port, [ticker.stop, page.close, *parts])


def _make_rpc_server(store: Store, dispatcher: Dispatcher) -> Any:
    server = grpc.server(
        ThreadPoolExecutor(_RPC_THREADS, thread_name_prefix="rpc"),
        options=[("grpc.so_reuseport", 0)],
    )
    methods = _list_methods(QueueService(store, dispatcher), TaskService(store, dispatcher))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, methods),))
    return server


def _list_methods(queues: QueueService, tasks: TaskService) -> dict[str, Any]:
    served: dict[str, Callable[[Any], Any]] = {
        "ListQueues": queues.list_queues,
        "GetQueue": queues.get_queue,
        "CreateQueue": queues.create_queue,
        "UpdateQueue": queues.update_queue,
        "DeleteQueue": queues.delete_queue,
        "PurgeQueue": queues.purge_queue,
        "PauseQueue": queues.pause_queue,
        "ResumeQueue": queues.resume_queue,
        "ListTasks": tasks.list_tasks,
        "GetTask": tasks.get_task,
        "CreateTask": tasks.create_task,
        "DeleteTask": tasks.delete_task,
        "RunTask": tasks.run_task,
    }
    return {name: _make_handler(name, method) for name, method in served.items()}


def _make_handler(name: str, method: Callable[[Any], Any]) -> Any:
    def answer(request: Any, context: Any) -> Any:
        try:
            return method(request)
        except Refused as refusal:
            context.abort(refusal.code, refusal.message)
        except Exception:
            _log.exception("%s failed", name)
            context.abort(grpc.StatusCode.INTERNAL, "Internal error; see the server's log.")

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=load_message(f"{name}Request").FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )


def _bind(server: Any, port: int) -> int:
    try:
        bound: int = server.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError as error:
        raise OSError(f"port {port} is taken") from error
    return bound


def _start_queues(store: Store, dispatcher: Dispatcher, queues: Iterable[Any]) -> None:
    for queue in queues:
        kept = store.find_queue(queue.name)
        if kept is not None:
            queue.state = kept.state
        store.put_queue(queue)
    dispatcher.start(store.list_queues(), store.list_schedules())


def _reset(store: Store, dispatcher: Dispatcher) -> None:
    """Delete every task and every used name; the queues stay."""
    store.clear_tasks()
    for queue in store.list_queues():
        dispatcher.clear_queue(queue.name)
