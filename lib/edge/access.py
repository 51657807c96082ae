"""Who may call a function: checked in code too, whatever IAM has let in before."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import flask

from lib.config import config
from lib.edge.credentials import ANONYMOUS, NAMELESS, REMOVED, find_credential
from lib.errors import Forbidden, Unauthenticated
from lib.observability.logs import log

if TYPE_CHECKING:
    from lib.edge.identity import Verifier

#: Makes what verifies tokens, when the first one is to be verified.
VerifierOf = Callable[[], "Verifier"]

#: Google's own services that call functions of ours: the setting with the account of each.
MACHINERY = {"tasks": "tasks_service_account", "scheduler": "scheduler_service_account"}

#: The kinds of callers that there are, as main.py's table names them.
INVOKERS = ("public", "caller", "operator", *MACHINERY)

#: In a request's environment: the function was reached by way of `api`.
BY_WAY_OF_API = "amends.api"

#: How a member of AMENDS_OPERATORS begins whose address stands in its tokens.
_PERSONS = ("user:", "serviceaccount:")

#: How IAM writes a member that is no more: it names nobody.
_DELETED = "deleted:"


def check_invoker(request: flask.Request, invoker: str, verifier: VerifierOf) -> None:
    """Return when this request may call a function for `invoker`.

    Raises Unauthenticated or Forbidden. Who else may call than Google's services and operators,
    IAM alone decides.
    """
    if invoker in MACHINERY:
        _check_machinery(request, getattr(config(), MACHINERY[invoker]), verifier)
    elif invoker == "operator":
        _check_operator(request, verifier)
    elif invoker == "public" and (find_credential(request) or "").endswith(REMOVED):
        raise Unauthenticated("a public function believes no token without a signature")


def check_host(request: flask.Request) -> None:
    """Raise Forbidden for a call on this machine under a name that is not ours.

    A page elsewhere can have its own name lead to this machine (DNS rebinding), and would read
    whatever is answered: to a browser that is its own origin.
    """
    known = {urlsplit(audience).netloc for audience in config().audiences}
    from_here = _is_loopback(request.remote_addr or "") and not config().behind_iam
    if from_here and not _is_local(request) and request.host not in known:
        raise Forbidden(
            "on this machine the functions answer to localhost: for another name, as of a tunnel, "
            "put its address into AMENDS_AUDIENCES"
        )


def check_origin(request: flask.Request) -> None:
    """Raise Forbidden for a page of another origin that would change something.

    A browser says whose page it is, in Sec-Fetch-Site, or in Origin if it is an old one; what is
    no browser says neither.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_foreign = site not in (None, "none", "same-origin")
    if origin is not None and not is_foreign:
        is_foreign = _host_of(origin) != request.host.lower()
    if is_foreign:
        raise Forbidden("a page of another origin may not call this function")


def identify_caller(request: flask.Request, verifier: VerifierOf) -> str:
    """Return whom the audit trail is to name; Unauthenticated if the token is not for us."""
    token = find_credential(request)
    return verifier().identify(token, audience=config().audiences)


def _check_machinery(request: flask.Request, account: str, verifier: VerifierOf) -> None:
    settings = config()
    try:
        if BY_WAY_OF_API in request.environ and settings.worker_url != settings.base_url:
            raise Forbidden("this function has a service of its own, and api does not lead there")
        verifier().verify(find_credential(request), audience=settings.audiences, email=account)
    except (Unauthenticated, Forbidden) as problem:
        # Only Google's own services call these functions: a no is a fault of the configuration.
        # Its text may quote the token.
        log("ERROR", "a caller was refused", alert="caller-refused", error=problem.code)
        raise


def _check_operator(request: flask.Request, verifier: VerifierOf) -> None:
    settings = config()
    if settings.operators is None and not settings.behind_iam:
        if not _is_local(request):
            raise Forbidden("without AMENDS_OPERATORS, operators call from this machine alone")
        return
    actor = identify_caller(request, verifier).lower()
    if actor == ANONYMOUS:
        raise Unauthenticated("this function is for operators: send a token")
    if actor.startswith(NAMELESS):
        raise Forbidden(
            "the audit trail names operators by their address, and this token has none: ask for "
            "one that has (gcloud auth print-identity-token --include-email)"
        )
    members = [member.strip().lower() for member in settings.operators or ()]
    if actor in [_address_of(member) for member in members]:
        return
    # IAM knows who is in a group. It was asked if this function is a service of its own.
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
    """Return the host and port of an address, in lower case; "" of what is none."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:  # a bracket that is not closed, say
        return ""


def _is_local(request: flask.Request) -> bool:
    """Tell whether a request comes from this machine, and is meant for it."""
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
