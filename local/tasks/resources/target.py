"""A queue's HttpTarget: what it overrides in its tasks' requests (v2 reference)."""

from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from local.rpc.errors import InvalidArgument, Unimplemented
from local.tasks.resources.task_checks import encode_url
from local.tasks.v2.headers import check_header, check_header_size, is_replaced
from local.tasks.v2.messages import METHODS, HttpRequest

_IF_NOT_EXISTS = 1
_HTTPS = 2
_ANY_URL = "http://127.0.0.1/"


def check_target(target: Any) -> None:
    """Raise InvalidArgument or Unimplemented for an invalid target, or one on another machine."""
    if target.HasField("oauth_token"):
        raise Unimplemented("The local Cloud Tasks has no OAuth tokens; use oidc_token.")
    token = target.oidc_token
    if target.HasField("oidc_token") and not (token.service_account_email and token.audience):
        raise InvalidArgument("HttpTarget.oidc_token needs service_account_email and audience.")
    override = target.uri_override
    if override.HasField("host") and not override.host:
        raise InvalidArgument("UriOverride.host must not be empty.")
    if override.HasField("scheme") and override.scheme in (0, _HTTPS):
        raise InvalidArgument("UriOverride.scheme must be HTTP: the local Cloud Tasks has no TLS.")
    if not 0 <= override.port <= 65535:
        raise InvalidArgument("UriOverride.port must be in [0, 65535].")
    encode_url(_override_url(_ANY_URL, override))
    if not 0 <= target.http_method < len(METHODS):
        raise InvalidArgument("HttpTarget.http_method is unknown.")
    headers = [(one.header.key, one.header.value) for one in target.header_overrides]
    check_header_size(headers)
    for key, value in headers:
        check_header(key, value)


def apply_target(request: Any, target: Any) -> Any:
    """Return a task's HttpRequest with the overrides of its queue's target."""
    changed = HttpRequest()
    changed.CopyFrom(request)
    changed.url = encode_url(_override_url(request.url, target.uri_override))
    for override in target.header_overrides:
        if not is_replaced(override.header.key):
            _set_header(changed.headers, override.header.key, override.header.value)
    changed.http_method = target.http_method or request.http_method
    if METHODS[changed.http_method] == "GET":
        changed.ClearField("body")
    if target.HasField("oidc_token"):
        changed.oidc_token.CopyFrom(target.oidc_token)
    return changed


def _set_header(headers: Any, key: str, value: str) -> None:
    for known in [known for known in headers if known.lower() == key.lower()]:
        del headers[known]
    headers[key] = value


def _override_url(url: str, override: Any) -> str:
    """Override parts of a URL; a port of 0 and an empty path remove that part.

    The mode IF_NOT_EXISTS only adds parts that the task's URL does not have.
    """
    own = urlsplit(url)
    wanted = _read_parts(own, override)
    if override.uri_override_enforce_mode != _IF_NOT_EXISTS:
        return urlunsplit(wanted)
    path = own.path if own.path not in ("", "/") else wanted.path
    netloc = own.netloc if own.port else _join(own.hostname, urlsplit(f"//{wanted.netloc}").port)
    return urlunsplit((own.scheme, netloc, path, own.query or wanted.query, ""))


def _read_parts(own: SplitResult, override: Any) -> SplitResult:
    host = override.host if override.HasField("host") else own.hostname
    port = override.port if override.HasField("port") else own.port
    path = override.path_override.path if override.HasField("path_override") else own.path
    query = own.query
    if override.HasField("query_override"):
        query = override.query_override.query_params
    return SplitResult(own.scheme, _join(host, port), path, query, "")


def _join(host: str | None, port: int | None) -> str:
    name = f"[{host}]" if host and ":" in host else host or ""
    return f"{name}:{port}" if port else name
