"""A step, compensation or status question that calls a service's URL.

    Step("charge", execute=HttpCall("https://payments.example/charge"),
         compensate=HttpCall("https://payments.example/refund"),
         status=HttpCall("https://payments.example/charge-status", method="GET"))

| what comes back | what it means | because |
|---|---|---|
| 2xx, JSON or empty | done; the body is the output, None if empty | a 202 promises it too |
| 2xx, neither JSON nor empty; too large | indeterminate (`Unstorable`) | done, but not storable |
| 2xx, cut off | unknown | repeated under its key, the answer may arrive whole |
| 301, 307, 308 | permanent | not done; the URL is a wrong setting |
| other 3xx | indeterminate (`Unstorable`) | a 303, for example, may come after the act |
| 401, 403 | retry, and an alert | access is checked first; a grant takes minutes to apply |
| 410 to a status question | `NotHappened` | the service refuses the call from now on |
| 404 to a status question | unknown | the call itself may still arrive |
| 408, 409, 499 | unknown, after Retry-After | a duplicate's work, or still running |
| 425, 429 | retry, after Retry-After | not done, by definition |
| other 4xx | permanent | refused; a `detail` of problem+json is the reason |
| 5xx, and any other number | unknown, after Retry-After | a proxy may answer 503 after the act |
| no connection, no such host, bad certificate | retry | nothing was sent |
| timeout, cut off, no HTTP | unknown | it was sent, and may have been done |
| no time left, or no token | retry | nothing was sent |

Permanent, retry and unknown are the exceptions of definition/context.py. For a status question,
permanent means that there was no answer, and unknown that it is asked again by the step's policy;
after that the step is compensated, because it may have happened. A service may answer 410 only if
it refuses the step's key from then on: otherwise a step that arrives later would never be undone.
`settle_once` of barrier.py does both in one transaction. A 409 that means "no" costs attempts: use
422 for that. For a compensation only 2xx means done, so a service must also answer 2xx if there was
nothing to undo. The body of that answer is ignored.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from lib.json.exact_numbers import encode_exact
from lib.observability.logs import read_traceparent
from lib.saga.author_code.deferred_work import NotRun, check_ran
from lib.saga.definition.checks import refuse
from lib.saga.definition.checks.error import Declaring, describe
from lib.saga.definition.checks.functions import ACTION, faults_of_function
from lib.saga.definition.context import Permanent, Retry, StepContext, Unknown
from lib.saga.definition.phase import Phase
from lib.saga.remote.answer import output_of
from lib.saga.remote.exchange import CallRequest, seconds_until
from lib.saga.remote.id_tokens import ID_TOKENS
from lib.saga.remote.network import NETWORK
from lib.saga.remote.secret_headers import faults_of_headers, fill_headers
from lib.timing.deadline import BUDGET_HEADER

#: A step's fencing token only grows, so a service may refuse a call with a lower one.
FENCING_HEADER = "X-Fencing-Token"

#: Many services, and the functions of Amends, accept no longer Idempotency-Key.
MAX_KEY = 255

METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
METHODS = METHODS_WITH_BODY | {"GET", "DELETE"}

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def step_key(call: StepContext) -> str:
    """Return the Idempotency-Key of the step itself, the same in every phase.

    It is the call's own key, percent-encoded, or a hash of that if it is too long for a header.
    """
    return _fit(quote(call.idempotency_key))


def describe_call(payload: Any, call: StepContext) -> dict[str, Any]:
    """Return the default body of a call: the same in every attempt.

    `step_key` is the Idempotency-Key of the step: a compensation undoes the effect of that key.
    `output` is, for a compensation, the step's own output, or null if it is unknown.
    """
    return {
        "saga_id": call.saga_id,
        "step": call.step,
        "phase": call.phase,
        "step_key": step_key(call),
        "payload": payload,
        "output": call.output,
    }


@dataclass(frozen=True, slots=True)
class HttpCall(metaclass=Declaring):
    """An action that calls a URL once in each attempt, within the step's timeout.

    `body` makes the request's body. It must be a pure function, because a service may compare the
    bodies with one Idempotency-Key, which must be equal in every attempt. With an `audience`,
    usually the service's root URL, the call carries an OIDC token of the service account that this
    process runs as. `headers` get values from the environment, such as a service's key: see
    secret_headers.py. Raises DeclarationError with everything that is wrong.
    """

    url: str
    _: KW_ONLY
    method: str = "POST"
    body: Callable[[Any, StepContext], Any] = describe_call
    audience: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    tokens: Callable[[str], str] = ID_TOKENS

    def __post_init__(self) -> None:
        refuse("HttpCall", _faults_of_url(self.url))
        refuse(f"HttpCall {self.place}", self._find_faults())

    def _find_faults(self) -> Iterator[str]:
        if not isinstance(self.audience, str) or not self.audience.isprintable():
            yield f"audience is {describe(self.audience)}: write the service's root URL"
        elif self.audience and not _may_carry_token(self.url):
            yield "a token is only sent over https"
        yield from faults_of_headers(self.headers)
        if self.headers and not _may_carry_token(self.url):
            yield "values from the environment are only sent over https"
        if self.audience and any(name.lower() == "authorization" for name in self.headers):
            yield "audience and headers both set Authorization: remove one of them"
        if not isinstance(self.method, str) or self.method not in METHODS:
            yield f"method is {describe(self.method)}: write one of {', '.join(sorted(METHODS))}"
        elif self.method not in METHODS_WITH_BODY and self.body is not describe_call:
            yield f"{self.method} has no body: remove body=, or write method='POST'"
        yield from faults_of_function("body", self.body, ACTION)
        yield from faults_of_function("tokens", self.tokens, ("audience",))

    @property
    def place(self) -> str:
        """The URL without its possible secrets, as messages name the service."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def __call__(self, payload: object, call: StepContext) -> Any:
        """Call the service; return its output or raise as the table says."""
        request = CallRequest(
            method=self.method,
            url=self.url,
            body=self._encode_body(payload, call),
            headers=self._headers(call),
        )
        try:
            answer = NETWORK.get().exchange(request, call.deadline)
        except (Retry, Unknown) as problem:
            raise type(problem)(f"{self.place}: {problem}", after=problem.after) from problem
        return output_of(answer, call, self.place)

    def _encode_body(self, payload: Any, call: StepContext) -> bytes | None:
        if self.method not in METHODS_WITH_BODY:
            return None
        try:
            body = check_ran(self.body(payload, call), f"{self.place}: body")
            return encode_exact(body)
        except NotRun as problem:
            raise Permanent(str(problem)) from problem
        except (TypeError, ValueError, OverflowError, RecursionError) as problem:
            raise Permanent(f"{self.place}: the request's body is not JSON: {problem}") from problem

    def _headers(self, call: StepContext) -> dict[str, str]:
        headers = {
            "User-Agent": "Amends",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Idempotency-Key": _own_key(call),
            FENCING_HEADER: str(call.fencing_token),
        }
        if self.method in METHODS_WITH_BODY:
            headers["Content-Type"] = "application/json"
        if read_traceparent(call.traceparent):
            headers["traceparent"] = call.traceparent
        headers |= self._secret_headers()
        if self.audience:
            headers["Authorization"] = f"Bearer {self._token()}"
        # Computed last, because a token may take some time; and never rounded to zero.
        headers[BUDGET_HEADER] = f"{max(seconds_until(call.deadline), 0.001):.3f}"
        return headers

    def _secret_headers(self) -> dict[str, str]:
        try:
            return fill_headers(self.headers)
        except Retry as problem:
            raise Retry(f"{self.place}: {problem}") from None

    def _token(self) -> str:
        try:
            return check_ran(NETWORK.get().fetch_token(self.tokens, self.audience), "tokens")
        except Exception as problem:  # for any error of a token source: nothing was sent
            raise Retry(f"{self.place}: no token for {self.audience}: {problem}") from problem


def _faults_of_url(url: object) -> Iterator[str]:
    write = "write an http or https URL, with a host and no user"
    if not isinstance(url, str):
        yield f"url is {describe(url)}: {write}"
        return
    if not url.isprintable() or " " in url:
        yield f"there is a space or a newline in the url: {write}"
        return
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError as problem:
        yield f"url is not a URL ({problem}): {write}"
        return
    if "{" in url or "}" in url:
        yield f"{url}: nothing fills in {{}}: send the value in the body, body=f, or write %7B"
    elif not known or "@" in parts.netloc:
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        yield f"{place}: {write}"


def _may_carry_token(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in LOOPBACK


def _own_key(call: StepContext) -> str:
    """Return the key of this action; a status question has the key of the step.

    A service that honors the header would answer a compensation that has its step's key with the
    step's answer. Quoting leaves no ";" in a key, so no step's name can make the two equal.
    """
    if call.phase is not Phase.COMPENSATE:
        return step_key(call)
    return _fit(f"{quote(call.idempotency_key)};{call.phase}")


def _fit(key: str) -> str:
    return key if len(key) <= MAX_KEY else hashlib.sha256(key.encode()).hexdigest()
