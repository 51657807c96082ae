"""A server with two methods: one echoes, the other waits until the test releases it."""

import threading
from collections.abc import Iterator

import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from local.rpc.grpc import Method, RpcDispatcher
from local.rpc.handover import about_to_block
from local.rpc.listener import Listener, serve_pages


class Server:
    """The port, and how to release the waiting method."""

    def __init__(self) -> None:
        self.may_go = threading.Event()
        table = {
            b"/test/Echo": Method(BytesValue, lambda message: message),
            b"/test/Wait": Method(BytesValue, self._wait),
        }
        self.listener = Listener("127.0.0.1", 0)
        self.port = self.listener.port
        self.listener.start(
            RpcDispatcher(table, 32 * 1024 * 1024).handle, serve_pages({("GET", "/"): lambda: "Ok"})
        )

    def _wait(self, message: BytesValue) -> BytesValue:
        about_to_block()
        assert self.may_go.wait(10)
        return message


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Server]:
    server = Server()
    yield server
    server.listener.stop()


@pytest.fixture
def server(shared_server: Server) -> Server:
    shared_server.may_go.clear()
    return shared_server


@pytest.fixture
def port(server: Server) -> int:
    return server.port
