"""Functions of the tests behind the edge, called without a server."""

import json
from collections.abc import Callable
from typing import Any

import flask
import pytest

from functions.edge import endpoint
from lib.errors import NotFound
from lib.observability.logs import annotate, log

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@endpoint("POST")
def greet_person(name: str) -> dict[str, str]:
    """Answer, log a line, or fail, depending on the name."""
    annotate(saga="s1")
    log("INFO", "greeting")
    if name == "nobody":
        raise NotFound("nobody is here")
    if name.startswith("bad"):
        try:
            raise KeyError(name)
        except KeyError as problem:
            raise ValueError(f"cannot greet {name}") from problem
    return {"greeting": f"hello {name}"}


def call(
    function: Callable[[flask.Request], flask.Response], name: str, **headers: str
) -> flask.Response:
    context = flask.Flask("test").test_request_context(
        f"/?name={name}", method="POST", headers=headers
    )
    with context:
        return function(flask.request)


def read_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
