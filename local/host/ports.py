"""Loopback ports: chooses free ones, and probes whether a server answers."""

import errno
import http.client
import random
import socket
import time
from collections.abc import Container
from datetime import timedelta

# Below the ephemeral ports of outgoing connections, so that a part that restarts finds its port
# still free.
_CHOICE = range(15000, 32000)
_RETRY_EVERY = 0.05
_MAX_PORT = 65535


class PortTaken(RuntimeError):
    """A server cannot listen on the port; the message says which port and why."""


def choose_port() -> int:
    """Return a random port that is free now."""
    while True:
        port = random.choice(_CHOICE)  # noqa: S311
        if _try_port(port) is None:
            return port


def prefer_port(port: int) -> int:
    """Return the port if it is valid and free now, otherwise another free one."""
    return port if 0 < port <= _MAX_PORT and _try_port(port) is None else choose_port()


def claim_port(port: int, patience: timedelta = timedelta(seconds=1)) -> None:
    """Return when a port is free; raise PortTaken if it is not within `patience`."""
    ends = time.monotonic() + patience.total_seconds()
    while (trouble := _try_port(port)) is not None:
        if time.monotonic() > ends or trouble.errno != errno.EADDRINUSE:
            in_use = trouble.errno == errno.EADDRINUSE
            raise PortTaken(f"port {port} is taken" if in_use else f"port {port}: {trouble}")
        time.sleep(_RETRY_EVERY)


def answers(
    port: int,
    path: str,
    statuses: Container[int] = range(100, 600),
    *,
    patience: timedelta = timedelta(seconds=5),
) -> bool:
    """Return whether an HTTP server answers on the port with one of `statuses`, by default any.

    It must answer within `patience`. An accepted connection alone does not count, because
    the server may still be starting.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience.total_seconds())
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return answer.status in statuses


def _try_port(port: int) -> OSError | None:
    """Return the error that prevents listening on the port; None if it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error
    return None
