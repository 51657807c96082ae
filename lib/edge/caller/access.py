"""Checks who may call a function, in addition to IAM."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import flask

from lib.config import config
from lib.edge.caller.credentials import ANONYMOUS, NAMELESS, REMOVED, find_credential
from lib.errors import Forbidden, Unauthenticated
from lib.observability.logs import log

if TYPE_CHECKING:
    from lib.edge.caller.identity import Verifier

#: Makes the verifier when the first token needs verifying.
VerifierOf = Callable[[], "Verifier"]

#: Google services that call functions, and the setting that names their service account.
MACHINERY = {"tasks": "tasks_service_account", "scheduler": "scheduler_service_account"}

#: The kinds of callers in main.py's table.
INVOKERS = ("public", "caller", "operator", *MACHINERY)

#: The key in a request's environment that says that the function was called through `api`.
BY_WAY_OF_API = "amends.api"

#: Prefixes of members of AMENDS_OPERATORS whose tokens have an e-mail address.
_PERSONS = ("user:", "serviceaccount:")

#: How IAM writes a deleted member. It matches no caller.
_DELETED = "deleted:"


def check_invoker(request: flask.Request, invoker: str, verifier: VerifierOf) -> None:
    """Raise Unauthenticated or Forbidden if this request may not call a function for `invoker`.

    Only Google's services and operators are checked here; IAM checks other callers.
    """
    if invoker in MACHINERY:
        _check_machinery(request, getattr(config(), MACHINERY[invoker]), verifier)
    elif invoker == "operator":
        _check_operator(request, verifier)
    elif invoker == "public" and (find_credential(request) or "").endswith(REMOVED):
        raise Unauthenticated("a public function accepts no token without a signature")


def check_host(request: flask.Request) -> None:
    """Raise Forbidden for a call from this machine with an unknown host name.

    A web page can point its own host name at this machine (DNS rebinding) and read the answers,
    because the browser takes them for answers of the page's own origin.
    """
    if config().behind_iam or not _is_loopback(request.remote_addr or "") or _is_local(request):
        return
    if request.host not in {urlsplit(audience).netloc for audience in config().audiences}:
        raise Forbidden(
            "on this machine the functions only answer to localhost: to use another name, such as "
            "a tunnel's, add its address to AMENDS_AUDIENCES"
        )


def check_origin(request: flask.Request) -> None:
    """Raise Forbidden if a page of another origin sends a request that may change something.

    Browsers send Sec-Fetch-Site, old ones only Origin; other clients send neither.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_foreign = site not in (None, "none", "same-origin")
    if origin is not None and not is_foreign:
        is_foreign = _host_of(origin) != request.host.lower()
    if is_foreign:
        raise Forbidden("a page of another origin may not call this function")


def identify_caller(request: flask.Request, verifier: VerifierOf) -> str:
    """Return the caller's name for the audit trail. Raises Unauthenticated for an invalid token."""
    token = find_credential(request)
    return verifier().identify(token, audience=config().audiences)


def _check_machinery(request: flask.Request, account: str, verifier: VerifierOf) -> None:
    settings = config()
    try:
        if BY_WAY_OF_API in request.environ and settings.worker_url != settings.base_url:
            raise Forbidden(
                "this function has a service of its own: call it there, not through api"
            )
        verifier().verify(find_credential(request), audience=settings.audiences, email=account)
    except (Unauthenticated, Forbidden) as problem:
        # Only Google's own services call these functions, so a refusal means a wrong setting. The
        # error's text may quote the token, so it is not logged.
        log("ERROR", "a caller was refused", alert="caller-refused", error=problem.code)
        raise


def _check_operator(request: flask.Request, verifier: VerifierOf) -> None:
    settings = config()
    if settings.operators is None and not settings.behind_iam:
        if not _is_local(request):
            raise Forbidden("without AMENDS_OPERATORS, operators can only call from this machine")
        return
    actor = identify_caller(request, verifier).lower()
    if actor == ANONYMOUS:
        raise Unauthenticated("this function is for operators: send a token")
    if actor.startswith(NAMELESS):
        raise Forbidden(
            "the audit trail records operators by e-mail address, and this token has none: get "
            "one that has (gcloud auth print-identity-token --include-email)"
        )
    members = [member.strip().lower() for member in settings.operators or ()]
    if actor in [_address_of(member) for member in members]:
        return
    # Only IAM knows the members of a group. It has checked them if the function is its own service.
    is_own_service = settings.behind_iam and BY_WAY_OF_API not in request.environ
    if is_own_service and any(_is_group(member) for member in members):
        return
    raise Forbidden("this function is for operators: AMENDS_OPERATORS does not name you")


def _address_of(member: str) -> str:
    prefix = next((prefix for prefix in _PERSONS if member.startswith(prefix)), "")
    return member.removeprefix(prefix).strip()


def _is_group(member: str) -> bool:
    return ":" in member and not member.startswith((*_PERSONS, _DELETED))


def _host_of(url: str) -> str:
    """Return the host and port of a URL in lower case, "" if it is not a URL."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:  # for example a bracket that is not closed
        return ""


def _is_local(request: flask.Request) -> bool:
    """Return whether a request comes from this machine and is addressed to it."""
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return False
    return _is_loopback(request.remote_addr or "") and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
