"""Headers whose values come from the environment, and not from code, such as a service's key.

    HttpCall("https://pay.example/charge", headers={"Authorization": "Bearer {PAY_KEY}"})

uses the variable PAY_KEY of the process that runs the step. When deployed, `main.py`'s table sets
it from Secret Manager: `Function(..., secrets={"PAY_KEY": "pay-key:3"})` of `run_saga_step`.
"""

import os
import re
from collections.abc import Iterator, Mapping

from lib.saga.definition.checks.error import describe
from lib.saga.definition.context import Retry

_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)

#: Headers that every call, or the HTTP client, sets.
OURS = frozenset(
    {
        "accept", "accept-encoding", "connection", "content-length", "content-type", "host",
        "idempotency-key", "traceparent", "transfer-encoding", "user-agent", "x-fencing-token",
        "x-server-timeout",
    }
)  # fmt: skip


def fill_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with the values of their variables, stripped of white space.

    Raises Retry if a variable is missing or cannot be sent, because nothing was sent, and the next
    deployment may set it. No message quotes a value.
    """
    return {name: _VARIABLE.sub(lambda found: _value_of(found[1]), text)
            for name, text in headers.items()}  # fmt: skip


def faults_of_headers(headers: object) -> Iterator[str]:
    """Yield what is wrong with headers that an author has declared."""
    write = 'write headers={"X-Api-Key": "{VARIABLE}"}'
    if not isinstance(headers, Mapping):
        yield f"headers is {describe(headers)}: {write}"
        return
    for name, text in headers.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            yield f"headers has {describe(name)} as a name: {write}"
        elif name.lower() in OURS:
            yield f"headers has {name}, which every call sets itself: remove it"
        elif not isinstance(text, str):
            yield f"headers[{name!r}] is {describe(text)}: write a str"
        elif not _VARIABLE.search(text) or set("{}") & set(_VARIABLE.sub("", text)):
            yield f"headers[{name!r}] has no variable, or a malformed one: {write}"
        elif not (text.isascii() and text.isprintable()):
            yield f"headers[{name!r}] has a character that no header can have: use plain ASCII"


def _value_of(variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise Retry(f"the variable {variable} is not set: use secrets= or env= in main.py's table")
    if not (value.isascii() and value.isprintable()):
        raise Retry(
            f"the variable {variable} has a character that no header can have, such as a newline"
        )
    return value
