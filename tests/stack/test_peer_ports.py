"""What `make bench` starts finds its ports free, or says which one is taken."""

import socket

import pytest

from benchmarks.peers.load.processes import check_free


def test_a_port_that_another_server_has_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(RuntimeError, match=f"port {port} is needed, but Address already"):
            check_free(port)
    check_free(port)
