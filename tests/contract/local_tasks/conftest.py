import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format

from local.tasks.dispatch.signer import make_key
from local.tasks.embedded import EmbeddedServer, serve
from local.tasks.resources.queue_checks import complete_queue
from local.tasks.v2.messages import Queue
from tests.support.worker import QUEUE, Worker, connect

#: Starts a server over the test's folder; the keywords are those of `serve`.
StartServer = Callable[..., EmbeddedServer]


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key made once, because making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("key") / "oidc-key.pem"
    make_key(path)
    return path


@pytest.fixture
def start_server(tmp_path: Path, signing_key: Path) -> Iterator[StartServer]:
    servers: list[EmbeddedServer] = []
    (tmp_path / "tasks").mkdir()
    shutil.copy(signing_key, tmp_path / "tasks")

    def start(settings: dict[str, Any] | None = None, **rest: Any) -> EmbeddedServer:
        queue = json_format.ParseDict(settings or {}, Queue(name=QUEUE))
        servers.append(serve(tmp_path / "tasks", queues=[complete_queue(queue)], **rest))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def shared_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server shared by tests that leave nothing behind."""
    server = serve(tmp_path_factory.mktemp("shared"), queues=[complete_queue(Queue(name=QUEUE))])
    yield server.address
    server.stop()


@pytest.fixture(scope="session")
def shared_channel(shared_address: str) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(shared_address) as channel:
        yield channel


@pytest.fixture(scope="session")
def shared_client(shared_address: str) -> Any:
    return connect(shared_address)


@pytest.fixture
def client(start_server: StartServer) -> Any:
    return connect(start_server().address)
