"""Tokens of the calling service account: when they are fetched, cached and sent."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from lib.saga.definition.context import Retry, StepContext
from lib.saga.remote.http_call import HttpCall
from lib.saga.remote.id_tokens import MARGIN, IdTokens
from tests.contract.remote.service import Asked, Service, Write, answer, running

AUDIENCE = "https://payments.example"
SECOND = timedelta(seconds=1)


class Issuer:
    """Issues tokens that are valid for an hour, on a clock that the test controls."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.fetched: list[str] = []

    def now(self) -> datetime:
        return self.time

    def fetch(self, audience: str) -> tuple[str, datetime]:
        self.fetched.append(audience)
        return f"token-{len(self.fetched)}", self.time + timedelta(hours=1)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def tokens(issuer: Issuer) -> IdTokens:
    return IdTokens(issuer.fetch, issuer.now)


def test_a_token_is_kept_until_shortly_before_its_end(issuer: Issuer, tokens: IdTokens) -> None:
    assert tokens(AUDIENCE) == "token-1"
    issuer.time += timedelta(hours=1) - MARGIN - SECOND
    assert tokens(AUDIENCE) == "token-1"
    issuer.time += SECOND
    assert tokens(AUDIENCE) == "token-2"


def test_a_token_expires_even_if_the_clock_is_set_back(issuer: Issuer) -> None:
    elapsed = [0.0]
    tokens = IdTokens(issuer.fetch, issuer.now, lambda: elapsed[0])
    assert tokens(AUDIENCE) == "token-1"
    issuer.time -= timedelta(days=1)
    elapsed[0] = (timedelta(hours=1) - MARGIN - SECOND).total_seconds()
    assert tokens(AUDIENCE) == "token-1"
    elapsed[0] += 1
    assert tokens(AUDIENCE) == "token-2"


def test_each_audience_has_its_own_token(tokens: IdTokens) -> None:
    assert tokens(AUDIENCE) != tokens("https://shipping.example")


def test_a_failed_fetch_is_not_kept(issuer: Issuer) -> None:
    def fail_once(audience: str) -> tuple[str, datetime]:
        if not issuer.fetched:
            issuer.fetched.append("failed")
            raise OSError("the metadata server is away")
        return issuer.fetch(audience)

    tokens = IdTokens(fail_once, issuer.now)
    with pytest.raises(OSError, match="away"):
        tokens(AUDIENCE)
    assert tokens(AUDIENCE) == "token-2"


def test_threads_that_need_the_same_token_fetch_it_once(issuer: Issuer) -> None:
    def fetch_slowly(audience: str) -> tuple[str, datetime]:
        time.sleep(0.02)
        return issuer.fetch(audience)

    tokens = IdTokens(fetch_slowly, issuer.now)
    threads = [threading.Thread(target=tokens, args=(AUDIENCE,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert issuer.fetched == [AUDIENCE]


def test_a_call_with_an_audience_carries_a_token_for_it(
    service: Service, call: StepContext, issuer: Issuer, tokens: IdTokens
) -> None:
    HttpCall(f"{service.url}/charge", audience=AUDIENCE, tokens=tokens)({}, call)
    assert service.asked[0].headers["Authorization"] == "Bearer token-1"
    assert issuer.fetched == [AUDIENCE]


def test_a_call_without_an_audience_fetches_no_token(
    service: Service, call: StepContext, issuer: Issuer, tokens: IdTokens
) -> None:
    HttpCall(f"{service.url}/charge", tokens=tokens)({}, call)
    assert "Authorization" not in service.asked[0].headers
    assert issuer.fetched == []


def test_without_a_token_nothing_is_sent(service: Service, call: StepContext) -> None:
    def fail(_: str) -> str:
        raise OSError("the metadata server is away")

    with pytest.raises(Retry, match="the metadata server is away"):
        HttpCall(f"{service.url}/charge", audience=AUDIENCE, tokens=fail)({}, call)
    assert service.asked == []


def test_an_audience_without_https_is_refused() -> None:
    with pytest.raises(ValueError, match="only sent over https"):
        HttpCall("http://payments.example/charge", audience=AUDIENCE)


PROBE = f"""
import sys
from lib.saga.remote.http_call import HttpCall
from lib.saga.remote.id_tokens import fetch_id_token
step = HttpCall("https://payments.example/charge", audience="{AUDIENCE}")
assert "google.oauth2.id_token" not in sys.modules, "google-auth is imported with the step"
print(*fetch_id_token("{AUDIENCE}"))
"""


def test_nothing_is_fetched_at_import_and_then_it_is_the_metadata_servers_token() -> None:
    end = datetime(2030, 1, 1, tzinfo=UTC)
    claims = base64.urlsafe_b64encode(json.dumps({"exp": end.timestamp()}).encode()).decode()
    token = f"e30.{claims}.e30"

    def metadata(write: Write, asked: Asked) -> None:
        body = token if "/identity?" in asked.path else '{"email": "a@b.example"}'
        kind = "text/plain" if "/identity?" in asked.path else "application/json"
        write(answer(200, body, Metadata_Flavor="Google", Content_Type=kind))

    with running() as server:
        server.answer = metadata
        host = server.url.removeprefix("http://")
        environment = {**os.environ, "GCE_METADATA_HOST": host, "GCE_METADATA_IP": host}
        environment.pop("GOOGLE_APPLICATION_CREDENTIALS", None)
        probe = subprocess.run(
            [sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True
        )
    assert probe.stdout.split() == [token, *str(end).split()], probe.stderr
    assert any(f"audience={AUDIENCE.replace(':', '%3A').replace('/', '%2F')}" in asked.path
               for asked in server.asked)  # fmt: skip
