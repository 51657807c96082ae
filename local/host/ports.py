"""Loopback ports: choosing free ones, and telling whether something answers."""

import errno
import http.client
import random
import socket
import time
from collections.abc import Container

# Below the ports that systems hand out to outgoing connections, so that a part which is started
# again finds its own port as free as it left it.
_CHOICE = range(15000, 32000)
_RETRY_EVERY = 0.05
_MAX_PORT = 65535


class PortTaken(RuntimeError):
    """The port cannot be listened on; the message says which and why."""


def choose_port() -> int:
    """Return a port that is free now."""
    while True:
        port = random.choice(_CHOICE)  # noqa: S311
        if _try_port(port) is None:
            return port


def prefer_port(port: int) -> int:
    """Return a port if it is one and free now, else another one that is."""
    return port if 0 < port <= _MAX_PORT and _try_port(port) is None else choose_port()


def claim_port(port: int, patience: float = 1.0) -> None:
    """Make sure that a port is free, or gets so within `patience` seconds; PortTaken if not."""
    ends = time.monotonic() + patience
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
    patience: float = 5.0,
) -> bool:
    """Tell whether an HTTP server answers on the port with one of these statuses: any, as a rule.

    It has `patience` seconds to do so.

    That it accepts a connection says nothing: it may still be getting ready.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
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
    """Return what keeps this process from listening on the port, if anything does."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error
    return None
