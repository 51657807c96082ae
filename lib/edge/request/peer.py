"""The connection of a request."""

import select
import socket

import flask


def is_gone(request: flask.Request) -> bool:
    """Return whether the caller has closed the connection; False if the server does not tell."""
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    if connection is None:
        return False
    try:
        readable = select.poll()
        readable.register(connection, select.POLLIN)
        return bool(readable.poll(0)) and not connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):  # it was reset, or its descriptor is closed
        return True
