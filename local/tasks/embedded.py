"""A Cloud Tasks server inside another program: in a thread, with its own event loop."""

import asyncio
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from local.tasks.server import Server, ServerSettings, start_server


class EmbeddedServer:
    """A server that runs until `stop`; `address` is for gRPC channels."""

    def __init__(self, settings: ServerSettings) -> None:
        started: Future[Server] = Future()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(settings, started), daemon=True)
        self._thread.start()
        self._server = started.result()
        self.port = self._server.port
        self.address = self._server.address
        self.page_url = self._server.page_url
        self.certs_url = self._server.certs_url

    def stop(self) -> None:
        """Stop the server; its data stays in its folder. Idempotent."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, settings: ServerSettings, started: Future[Server]) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            started.set_result(self._loop.run_until_complete(start_server(settings)))
        except BaseException as error:
            started.set_exception(error)
        else:
            self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


def serve(data: Path, **settings: Any) -> EmbeddedServer:
    """Start a server on a data folder; `settings` are the other fields of ServerSettings.

    Raises FolderInUse or PortTaken.
    """
    return EmbeddedServer(ServerSettings(data=data, **settings))
