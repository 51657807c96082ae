"""Routes one function to several, for local runs and for a deployment as a single service."""

from collections.abc import Iterable, Mapping
from importlib import import_module

import flask

from functions.load_check import load_all
from lib.config import config
from lib.edge.caller.access import BY_WAY_OF_API
from lib.edge.endpoint import View
from lib.edge.request.body import drain
from lib.edge.response.problems import render_problem
from lib.errors import NotFound
from lib.observability.request_log import log_request


def route_to(functions: Iterable[str], module_of: Mapping[str, str]) -> View:
    """Return a function that routes `/deployed-name` to the function with that name.

    With AMENDS_LOAD_ALL=1 it first imports the whole table `module_of`; an error ends the process
    (see `load_all`).
    """
    if config().load_all:
        load_all(module_of)
    names = {name.replace("_", "-"): name for name in functions}

    def api(request: flask.Request) -> flask.Response:
        """Call the function that the request's path names."""
        name = names.get(request.path.strip("/"))
        if name is None:
            with log_request("api", request) as end:
                end.status = NotFound.status
                drain(request)
                return render_problem(NotFound(f"no function at {request.path[:200]!r}"))
        request.environ[BY_WAY_OF_API] = True
        view: View = getattr(import_module(module_of[name]), name)
        return view(request)

    return api
