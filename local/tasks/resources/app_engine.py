"""Validation and defaults of AppEngineHttpRequest (v2 reference)."""

from typing import Any

from local.rpc.errors import InvalidArgument, Unimplemented
from local.tasks.v2.headers import check_header, is_replaced
from local.tasks.v2.messages import METHODS

_USER_AGENT = "AppEngine-Google; (+http://code.google.com/appengine)"
_DEFAULT_TYPE = "application/octet-stream"
_METHODS_WITH_BODY = {"POST", "PUT"}
_MAX_URI_LENGTH = 2083


def complete_app_engine(request: Any, app: str, project: str) -> None:
    """Validate an AppEngineHttpRequest and set its defaults, in place; `app` is the app's URL.

    Raises InvalidArgument if the service would refuse it, and Unimplemented if there is no app.
    """
    if not app:
        raise Unimplemented("App Engine tasks need an app: start the server with --app-engine URL.")
    request.relative_uri = request.relative_uri or "/"
    if not request.relative_uri.startswith("/") or len(request.relative_uri) > _MAX_URI_LENGTH:
        raise InvalidArgument(
            'AppEngineHttpRequest.relative_uri must begin with "/" and have at most '
            f"{_MAX_URI_LENGTH} characters."
        )
    if any(not "!" <= c <= "~" for c in request.relative_uri):
        raise InvalidArgument("AppEngineHttpRequest.relative_uri must be a valid relative URI.")
    if not 0 <= request.http_method < len(METHODS):
        raise InvalidArgument("AppEngineHttpRequest.http_method is unknown.")
    request.http_method = request.http_method or 1
    if request.body and METHODS[request.http_method] not in _METHODS_WITH_BODY:
        raise InvalidArgument("AppEngineHttpRequest.body is only allowed with POST and PUT.")
    request.app_engine_routing.host = make_host(request.app_engine_routing, project)
    _complete_headers(request)


def make_host(routing: Any, project: str) -> str:
    """Return the host name that App Engine would route to."""
    parts = (routing.instance, routing.version, routing.service, project)
    return ".".join(part for part in parts if part) + ".appspot.com"


def _complete_headers(request: Any) -> None:
    own = {key.lower(): value for key, value in request.headers.items()}
    for key in list(request.headers):
        if is_replaced(key):
            del request.headers[key]
        else:
            check_header(key, request.headers[key])
    request.headers["User-Agent"] = f"{own.get('user-agent', '')} {_USER_AGENT}".strip()
    check_header("User-Agent", request.headers["User-Agent"])
    if request.body:
        request.headers["Content-Length"] = str(len(request.body))
        if "content-type" not in own:
            request.headers["Content-Type"] = _DEFAULT_TYPE
