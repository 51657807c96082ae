"""The Cloud Tasks v2 server: gRPC for clients, a page for its certificate, one folder of data.

One event loop does it all. The scheduler tick lives here too: it needs the same signer, and has
so little to do that a process of its own would cost more than it does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from local.folder_lock import lock_folder
from local.scheduler.ticker import Job, Ticker
from local.tasks.batch_service import BatchService
from local.tasks.dispatcher import Dispatcher
from local.tasks.faults import Faults
from local.tasks.messages import load_message
from local.tasks.page import CERTS_PATH, open_page
from local.tasks.queue_service import QueueService
from local.tasks.refusals import InvalidArgument, Refused
from local.tasks.signer import Signer
from local.tasks.store import TASK_TOMBSTONE, Store
from local.tasks.task_service import TaskService

_SERVICE = "google.cloud.tasks.v2.CloudTasks"
_STOP_GRACE = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to serve: port 0 means any free one; `queues` are complete Queue messages."""

    data: Path
    port: int = 0
    page_port: int = 0
    queues: Iterable[Any] = ()
    jobs: Iterable[Job] = ()
    faults: Faults = field(default_factory=Faults)
    tombstone: timedelta = TASK_TOMBSTONE


@dataclass(slots=True)
class Server:
    """A server that runs: clients talk gRPC to `port`, workers fetch `certs_url`."""

    port: int
    page_port: int
    _rpc: Any
    _ticker: Ticker
    _dispatcher: Dispatcher
    _rest: ExitStack

    @property
    def address(self) -> str:
        """What a gRPC channel is opened to."""
        return f"127.0.0.1:{self.port}"

    @property
    def certs_url(self) -> str:
        """Where the certificate of the OIDC tokens is served, in Google's shape."""
        return f"http://127.0.0.1:{self.page_port}{CERTS_PATH}"

    async def stop(self) -> None:
        """End in little more than a second; what is not answered then is dispatched again later."""
        await self._ticker.stop()
        await asyncio.gather(self._rpc.stop(_STOP_GRACE), self._dispatcher.stop(_STOP_GRACE))
        self._rest.close()


async def start_server(settings: Settings) -> Server:
    """Serve on loopback from a folder that no other server uses.

    Raises FolderInUse, or OSError if a port is taken.
    """
    with ExitStack() as undo:
        undo.enter_context(lock_folder(settings.data, "tasks"))
        signer = Signer(settings.data)
        store = Store(settings.data / "tasks.sqlite", tombstone=settings.tombstone)
        undo.callback(store.close)
        dispatcher = Dispatcher(store, signer, settings.faults)
        rpc = _make_rpc_server(store, dispatcher)
        port = _bind(rpc, settings.port)
        page = await open_page(settings.page_port, signer, lambda: _reset(store, dispatcher))
        undo.callback(page.close)
        await _start_queues(store, dispatcher, settings.queues)
        await rpc.start()
        ticker = Ticker(settings.jobs, signer.mint)
        page_port: int = page.sockets[0].getsockname()[1]
        return Server(port, page_port, rpc, ticker, dispatcher, undo.pop_all())


def _make_rpc_server(store: Store, dispatcher: Dispatcher) -> Any:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    methods = _list_methods(QueueService(store, dispatcher), TaskService(store, dispatcher))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, methods),))
    return server


def _list_methods(queues: QueueService, tasks: TaskService) -> dict[str, Any]:
    batches = BatchService(tasks)
    served: dict[str, Callable[[Any], Awaitable[Any]]] = {
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
        "BatchCreateTasks": batches.batch_create_tasks,
        "BatchDeleteTasks": batches.batch_delete_tasks,
    }
    return {name: _make_handler(name, method) for name, method in served.items()}


def _make_handler(name: str, method: Callable[[Any], Awaitable[Any]]) -> Any:
    message = load_message(f"{name}Request")

    async def call(data: bytes) -> Any:
        try:
            request = message.FromString(data)
        except DecodeError as error:
            raise InvalidArgument(f"The request is not a {name}Request.") from error
        return await method(request)

    async def answer(data: bytes, context: Any) -> Any:
        # A caller that dies in the middle of its call cancels this coroutine. What it asked for
        # goes on: a task that was stored but not handed to the dispatcher would be lost.
        work = asyncio.ensure_future(call(data))
        try:
            return await asyncio.shield(work)
        except Refused as refusal:
            await context.abort(refusal.code, refusal.message)
        except Exception:
            _log.exception("%s failed", name)
            await context.abort(grpc.StatusCode.INTERNAL, "Internal error; see the server's log.")

    return grpc.unary_unary_rpc_method_handler(
        answer, response_serializer=lambda response: response.SerializeToString()
    )


def _bind(server: Any, port: int) -> int:
    try:
        bound: int = server.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError as error:
        raise OSError(f"port {port} is taken") from error
    return bound


async def _start_queues(store: Store, dispatcher: Dispatcher, queues: Iterable[Any]) -> None:
    for queue in queues:
        kept = store.find_queue(queue.name)
        if kept is not None:
            queue.state = kept.state
        await store.put_queue(queue)
    dispatcher.start(store.list_queues(), store.list_schedules())


async def _reset(store: Store, dispatcher: Dispatcher) -> None:
    """Delete every task and every used name; the queues stay."""
    await store.clear_tasks()
    for queue in store.list_queues():
        dispatcher.clear_queue(queue.name)
