"""The connection that a request came by."""

import select
import socket

import flask


def is_gone(request: flask.Request) -> bool:
    """Return whether the caller has closed the connection; False where the server hides it."""
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    if connection is None:
        return False
    try:
        readable = select.poll()
        readable.register(connection, select.POLLIN)
        return bool(readable.poll(0)) and not connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):  # it was reset, or has no descriptor any more
        return True
