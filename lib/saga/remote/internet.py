"""One HTTP exchange, limited in time and size, that sends its request at most once."""

import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, HTTPError

from lib.saga.definition.context import Retry, Unknown
from lib.saga.remote.exchange import MAX_ANSWER, CallAnswer, CallRequest, Ending, seconds_until
from lib.timing.clock import now

#: The time limit for opening a connection: a running service needs less.
MAX_CONNECT = timedelta(seconds=10)

#: The maximum number of open connections to one service, about the steps of one instance at a time.
MAX_CONNECTIONS = 64

CHUNK = 16 * 1024

#: If one of these errors is the cause, the request was not sent. The first is the base of urllib3's
#: errors for a refused connection and an unknown host.
_BEFORE_SENDING = (ConnectTimeoutError, ssl.SSLCertVerificationError)


def exchange(request: CallRequest, deadline: datetime) -> CallAnswer:
    """Send a request and return its answer. Raises as `Network.exchange` does."""
    left = seconds_until(deadline)
    try:
        with _session().request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body,
            timeout=(min(left, MAX_CONNECT.total_seconds()), left),
            allow_redirects=False,
            stream=True,
        ) as response:
            body, ending = _read(response, deadline)
            return CallAnswer(
                status=response.status_code, headers=response.headers, body=body, ending=ending
            )
    except (requests.RequestException, HTTPError) as problem:
        cause = list(_causes(problem))
        if any(isinstance(each, _BEFORE_SENDING) for each in cause):
            raise Retry(f"no connection: {_name(cause[-1])}") from problem
        raise Unknown(f"no answer: {_name(cause[-1])}") from problem


def _read(response: requests.Response, deadline: datetime) -> tuple[bytes, Ending]:
    """Read a body in chunks, so that a slow one ends at the deadline."""
    body = bytearray()
    try:
        while chunk := response.raw.read1(CHUNK, decode_content=False):
            body += chunk
            if len(body) > MAX_ANSWER:
                return b"", Ending.OVERSIZED
            if now() >= deadline:
                return b"", Ending.BROKEN
    except HTTPError:
        return b"", Ending.BROKEN
    return bytes(body), Ending.WHOLE


@cache
def _session() -> requests.Session:
    """Return this process's connections, made on first use, after gunicorn has forked.

    Threads share it, so it keeps nothing but connections between calls: no cookies, and nothing
    from the environment, where a .netrc would replace the call's Authorization header.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=MAX_CONNECTIONS, max_retries=0))
    return session


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it wraps, down to the first cause.

    Ignores `__context__`, which may be the failure of another call.
    """
    each: BaseException | None = problem
    while each is not None:
        yield each
        inner = (each.__cause__, *each.args)
        each = next((cause for cause in inner if isinstance(cause, BaseException)), None)


def _name(problem: BaseException) -> str:
    """Return the name of an exception, without its text, which may quote the URL's query."""
    return type(problem).__name__
