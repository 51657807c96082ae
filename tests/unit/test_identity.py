import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.auth import jwt

from lib.errors import Forbidden, Unauthenticated, Unavailable
from lib.identity import Verifier
from local.tasks.page import Page
from local.tasks.signer import Signer

AUDIENCE = "http://127.0.0.1:8080"
ACCOUNT = "tasks@amends-local.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("signer"))


@pytest.fixture(scope="module")
def verifier(signer: Signer) -> Iterator[Verifier]:
    page = Page(0, signer.certificates, lambda: None)
    yield Verifier(f"http://127.0.0.1:{page.port}/oauth2/v1/certs")
    page.close()


def check(verifier: Verifier, token: str, **change: str) -> None:
    wanted = {"audience": AUDIENCE, "email": ACCOUNT, **change}
    verifier.verify(f"Bearer {token}", **wanted)


def test_a_token_of_the_local_cloud_tasks_verifies(verifier: Verifier, signer: Signer) -> None:
    check(verifier, signer.mint(ACCOUNT, AUDIENCE))


def test_a_token_for_another_audience_is_refused(verifier: Verifier, signer: Signer) -> None:
    with pytest.raises(Unauthenticated, match="audience"):
        check(verifier, signer.mint(ACCOUNT, "https://elsewhere.example"))


def test_a_token_of_another_service_account_is_forbidden(
    verifier: Verifier, signer: Signer
) -> None:
    with pytest.raises(Forbidden):
        check(verifier, signer.mint("mallory@example.com", AUDIENCE))


def test_nobody_is_let_in_when_no_service_account_is_set(
    verifier: Verifier, signer: Signer
) -> None:
    with pytest.raises(Forbidden):
        check(verifier, signer.mint("", AUDIENCE), email="")


def test_a_token_of_another_key_is_refused(verifier: Verifier, tmp_path: Path) -> None:
    with pytest.raises(Unauthenticated):
        check(verifier, Signer(tmp_path).mint(ACCOUNT, AUDIENCE))


def test_a_changed_token_is_refused(verifier: Verifier, signer: Signer) -> None:
    head, body, signature = signer.mint("mallory@example.com", AUDIENCE).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = json.dumps({**claims, "email": ACCOUNT}).encode()
    body = base64.urlsafe_b64encode(forged).decode().rstrip("=")
    with pytest.raises(Unauthenticated):
        check(verifier, f"{head}.{body}.{signature}")


def encode(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "..",
        f"{encode([])}.{encode({})}.eA",
        f"{encode({'alg': 'none', 'kid': []})}.{encode({})}.eA",
        f"{encode({'alg': 'none'})}.{encode({'email': ACCOUNT})}.",
        f"{encode({'alg': 'RS256'})}.{encode([])}.eA",
        "é.é.é",
    ],
)
def test_a_hostile_token_is_refused_and_nothing_worse(verifier: Verifier, token: str) -> None:
    with pytest.raises(Unauthenticated):
        check(verifier, token)


def test_certificates_that_cannot_be_had_are_a_passing_trouble(signer: Signer) -> None:
    with pytest.raises(Unavailable):
        check(Verifier("http://127.0.0.1:9/none"), signer.mint(ACCOUNT, AUDIENCE))


def test_the_token_of_a_plain_google_signer_verifies_alike(
    verifier: Verifier, signer: Signer
) -> None:
    """The verifying code knows nothing of the local signer: google-auth decodes its tokens too."""
    token = signer.mint(ACCOUNT, AUDIENCE)
    claims = jwt.decode(token, certs=signer.certificates(), audience=AUDIENCE)
    assert (claims["email"], claims["aud"]) == (ACCOUNT, AUDIENCE)
