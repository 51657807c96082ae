"""The Cloud Tasks v2 server: gRPC for clients, a web page with its certificates, one data folder.

Everything runs in one event loop. The scheduler runs here too, because it needs the same signer
and is too small for its own process.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from local.host.folder_lock import lock_folder
from local.http.retry import MAX_RETENTION
from local.scheduler.job import Job
from local.scheduler.ticker import Ticker
from local.tasks.api.rpc import RpcServer, act_by, list_methods
from local.tasks.console.overview import Overview
from local.tasks.console.page import CERTS_PATH, ConsolePage
from local.tasks.dispatch.attempt_log import AttemptLog
from local.tasks.dispatch.dispatcher import Dispatcher
from local.tasks.dispatch.faults import Faults
from local.tasks.dispatch.signer import Signer
from local.tasks.storage.store import TASK_TOMBSTONE, TaskStore

_STOP_GRACE = timedelta(seconds=1)

_log = logging.getLogger(__name__)
_EXPIRE_EVERY = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The server's settings: port 0 means any free one; `queues` are complete Queue messages.

    `app_engine` is the URL that receives App Engine tasks, if there is one.
    """

    data: Path
    port: int = 0
    page_port: int = 0
    queues: Iterable[Any] = ()
    jobs: Iterable[Job] = ()
    app_engine: str = ""
    faults: Faults = field(default_factory=Faults)
    tombstone: timedelta = TASK_TOMBSTONE


@dataclass(slots=True)
class Server:
    """A running server: clients use gRPC on `port`, workers fetch `certs_url`."""

    port: int
    page_port: int
    _rpc: RpcServer
    _ticker: Ticker
    _dispatcher: Dispatcher
    _rest: ExitStack

    @property
    def address(self) -> str:
        """The address for gRPC channels."""
        return f"127.0.0.1:{self.port}"

    @property
    def page_url(self) -> str:
        """The URL of the web page."""
        return f"http://127.0.0.1:{self.page_port}/"

    @property
    def certs_url(self) -> str:
        """The URL of the OIDC tokens' certificate, in Google's format."""
        return f"http://127.0.0.1:{self.page_port}{CERTS_PATH}"

    async def stop(self) -> None:
        """Stop within little more than a second; tasks in progress are dispatched again later."""
        await self._ticker.stop()
        await asyncio.gather(self._rpc.stop(_STOP_GRACE), self._dispatcher.stop(_STOP_GRACE))
        self._rest.close()


async def start_server(settings: ServerSettings) -> Server:
    """Start a server on loopback, with a data folder that no other server uses.

    Raises FolderInUse or PortTaken.
    """
    with ExitStack() as undo:
        undo.enter_context(lock_folder(settings.data, "tasks"))
        signer = Signer(settings.data)
        store = TaskStore(settings.data / "tasks.sqlite", tombstone=settings.tombstone)
        undo.callback(store.close)
        attempts = AttemptLog()
        dispatcher = Dispatcher(store, signer, settings.faults, attempts, settings.app_engine)
        ticker = Ticker(settings.jobs, signer.mint)
        overview = Overview(store, dispatcher, attempts, ticker.runs)

        methods = list_methods(store, dispatcher, settings.app_engine)
        reset, act = partial(_reset, store, dispatcher, attempts), partial(act_by, methods)
        with ExitStack() as unbind:
            rpc = RpcServer(settings.port, methods)
            unbind.callback(rpc.close)
            page = ConsolePage(settings.page_port, signer, overview, reset, act)
            undo.callback(page.close)
            await _start_queues(store, dispatcher, settings.queues)
            unbind.pop_all()
        expiry = asyncio.create_task(_expire_tasks(store, dispatcher))
        undo.callback(expiry.cancel)
        server = Server(rpc.port, page.port, rpc, ticker, dispatcher, undo.pop_all())
        page.start()
        rpc.start(f"Cloud Tasks is ready; see {server.page_url}\n")
        ticker.start()
        return server


async def _start_queues(store: TaskStore, dispatcher: Dispatcher, queues: Iterable[Any]) -> None:
    for queue in queues:
        kept = store.find_queue(queue.name)
        if kept is not None:
            queue.state = kept.state
        await store.put_queue(queue)
    dispatcher.start(store.list_queues(), store.list_schedules())


async def _reset(store: TaskStore, dispatcher: Dispatcher, attempts: AttemptLog) -> None:
    """Delete all tasks and all used names; keep the queues."""
    await store.clear_tasks()
    attempts.clear()
    for queue in store.list_queues():
        dispatcher.clear_queue(queue.name)


async def _expire_tasks(store: TaskStore, dispatcher: Dispatcher) -> None:
    """Delete expired tasks, now and every hour."""
    while True:
        try:
            for queue, name in await store.expire_tasks(MAX_RETENTION):
                dispatcher.drop_task(queue, name)
        except Exception:  # such as a full disk, which may have room again in an hour
            _log.exception("cannot delete expired tasks; retrying in an hour")
        await asyncio.sleep(_EXPIRE_EVERY)
