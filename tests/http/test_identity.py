import base64
import datetime
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

from lib.edge.caller.identity import GCLOUD_AUDIENCE, MAX_TOKENS, Verifier
from lib.errors import Forbidden, Unauthenticated, Unavailable

AUDIENCE = "http://127.0.0.1:8080"
ACCOUNT = "tasks@amends-local.iam.gserviceaccount.com"


class Signer:
    """Signs like Google, using google-auth's signer, with its own key."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        self._signer = crypt.RSASigner.from_string(pem.decode(), "k1")  # type: ignore[no-untyped-call]

    def mint(self, email: str, audience: str, **change: Any) -> str:
        now = int(time.time())
        claims = {"iss": "https://accounts.google.com", "aud": audience, "iat": now}
        claims |= {"exp": now + 3600, "email": email, "email_verified": True, **change}
        token: bytes = jwt.encode(self._signer, claims)  # type: ignore[no-untyped-call]
        return token.decode()

    def certificates(self) -> dict[str, str]:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )
        return {"k1": certificate.public_bytes(serialization.Encoding.PEM).decode()}


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="module")
def verifier(signer: Signer) -> Iterator[Verifier]:
    body = json.dumps(signer.certificates()).encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.05,)).start()
    yield Verifier(f"http://127.0.0.1:{server.server_address[1]}/certs")
    server.shutdown()
    server.server_close()


def check(verifier: Verifier, token: str, **change: str) -> None:
    wanted = {"audience": AUDIENCE, "email": ACCOUNT, **change}
    verifier.verify(f"Bearer {token}", **wanted)


def test_a_valid_token_of_the_service_account_is_accepted(
    verifier: Verifier, signer: Signer
) -> None:
    check(verifier, signer.mint(ACCOUNT, AUDIENCE))


def test_a_token_for_another_audience_is_refused(verifier: Verifier, signer: Signer) -> None:
    with pytest.raises(Unauthenticated, match="audience"):
        check(verifier, signer.mint(ACCOUNT, "https://elsewhere.example"))


def test_a_token_of_another_service_account_is_forbidden(
    verifier: Verifier, signer: Signer
) -> None:
    with pytest.raises(Forbidden, match="may not call this function"):
        check(verifier, signer.mint("mallory@example.com", AUDIENCE))


def test_without_a_service_account_nobody_is_admitted(verifier: Verifier, signer: Signer) -> None:
    with pytest.raises(Forbidden, match="may not call this function"):
        check(verifier, signer.mint("", AUDIENCE), email="")


def test_a_token_of_another_key_is_refused(verifier: Verifier) -> None:
    with pytest.raises(Unauthenticated, match="verify token signature"):
        check(verifier, Signer().mint(ACCOUNT, AUDIENCE))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://issuer.example"},
        {"exp": int(time.time()) - 60},
        {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200},
    ],
)
def test_a_token_of_another_issuer_or_time_is_refused(
    verifier: Verifier, signer: Signer, change: dict[str, Any]
) -> None:
    with pytest.raises(
        Unauthenticated, match=r"another issuer|Token expired|used too early|another audience"
    ):
        check(verifier, signer.mint(ACCOUNT, AUDIENCE, **change))


def test_a_token_may_be_off_by_a_clock_skew_of_seconds(verifier: Verifier, signer: Signer) -> None:
    now = int(time.time())
    check(verifier, signer.mint(ACCOUNT, AUDIENCE, iat=now + 5))
    check(verifier, signer.mint(ACCOUNT, AUDIENCE, iat=now - 3600, exp=now - 3))


def test_an_email_that_is_not_verified_is_forbidden(verifier: Verifier, signer: Signer) -> None:
    with pytest.raises(Forbidden, match="may not call this function"):
        check(verifier, signer.mint(ACCOUNT, AUDIENCE, email_verified=False))


def test_a_changed_token_is_refused(verifier: Verifier, signer: Signer) -> None:
    head, body, signature = signer.mint("mallory@example.com", AUDIENCE).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = json.dumps({**claims, "email": ACCOUNT}).encode()
    body = base64.urlsafe_b64encode(forged).decode().rstrip("=")
    with pytest.raises(Unauthenticated, match="verify token signature"):
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
        f"{encode({'alg': 'RS256'})}.{'A' * 100_000}.eA",
    ],
)
def test_a_hostile_token_is_refused(verifier: Verifier, token: str) -> None:
    with pytest.raises(Unauthenticated, match=r"needs one OIDC token|is not valid") as refused:
        check(verifier, token)
    assert len(refused.value.detail) < 300


def test_missing_certificates_are_a_transient_error(signer: Signer) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        check(Verifier("http://127.0.0.1:9/none"), signer.mint(ACCOUNT, AUDIENCE))


# Behind IAM: Cloud Run has verified the token, and removed its signature


@pytest.fixture
def trusting() -> Verifier:
    return Verifier("http://127.0.0.1:9/none", behind_iam=True)


def strip(token: str) -> str:
    return token.rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE"


def test_a_token_without_its_signature_is_accepted_only_behind_iam(
    verifier: Verifier, trusting: Verifier, signer: Signer
) -> None:
    token = strip(signer.mint(ACCOUNT, AUDIENCE))
    check(trusting, token)
    with pytest.raises(Unauthenticated, match="no signature"):
        check(verifier, token)


@pytest.mark.parametrize(
    ("audience", "change"),
    [
        ("https://elsewhere.example", {}),
        (AUDIENCE, {"iss": "https://issuer.example"}),
        (AUDIENCE, {"exp": int(time.time()) - 60}),
        (AUDIENCE, {"exp": "soon"}),
    ],
)
def test_behind_iam_a_token_needs_our_audience_and_must_not_be_expired(
    trusting: Verifier, signer: Signer, audience: str, change: dict[str, Any]
) -> None:
    with pytest.raises(
        Unauthenticated, match=r"another audience|another issuer|expired|cannot be read"
    ):
        check(trusting, strip(signer.mint(ACCOUNT, audience, **change)))


def test_behind_iam_only_the_service_account_is_admitted(
    trusting: Verifier, signer: Signer
) -> None:
    with pytest.raises(Forbidden, match="may not call this function"):
        check(trusting, strip(signer.mint("mallory@example.com", AUDIENCE)))


@pytest.mark.parametrize("token", ["x", "a.b", "..", f"{encode([])}.{encode([])}"])
def test_behind_iam_a_hostile_token_is_refused(trusting: Verifier, token: str) -> None:
    with pytest.raises(Unauthenticated, match=r"needs one OIDC token|cannot be read"):
        check(trusting, f"{token}.SIGNATURE_REMOVED_BY_GOOGLE")


# Who calls, for the audit trail


def test_a_caller_is_named_by_the_tokens_address(
    verifier: Verifier, trusting: Verifier, signer: Signer
) -> None:
    token = signer.mint("ann@example.com", AUDIENCE)
    assert verifier.identify(f"Bearer {token}", audience=AUDIENCE) == "ann@example.com"
    for_gcloud = strip(signer.mint("ann@example.com", GCLOUD_AUDIENCE))
    assert trusting.identify(f"Bearer {for_gcloud}", audience=AUDIENCE) == "ann@example.com"


def test_a_caller_without_a_token_is_anonymous_and_one_with_a_bad_token_is_refused(
    verifier: Verifier, signer: Signer
) -> None:
    assert verifier.identify(None, audience=AUDIENCE) == "anonymous"
    for header in ("Bearer x", "Basic YTpi", f"Bearer {strip(signer.mint('a@b.c', AUDIENCE))}"):
        with pytest.raises(Unauthenticated, match=r"needs one OIDC token|has no signature"):
            verifier.identify(header, audience=AUDIENCE)


def test_a_token_is_decoded_once_and_again_when_it_expires(
    signer: Signer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, decode = list[str](), jwt.decode

    def count(token: str, **options: Any) -> Any:
        decoded.append(token)
        return decode(token, **options)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(jwt, "decode", count)
    lasting = signer.mint(ACCOUNT, AUDIENCE, sub="seen once")
    ending = signer.mint(ACCOUNT, AUDIENCE, exp=int(time.time()) - 5)  # within the clocks' skew
    for token in (lasting, ending) * 3:
        verifier.verify(f"Bearer {token}", audience=AUDIENCE, email=ACCOUNT)
    assert decoded.count(lasting) == 1
    assert decoded.count(ending) == 3
    with pytest.raises(Unauthenticated, match="another audience"):
        verifier.verify(f"Bearer {lasting}", audience="https://other.example", email=ACCOUNT)


def test_a_verifier_caches_a_limited_number_of_tokens(signer: Signer, verifier: Verifier) -> None:
    for number in range(MAX_TOKENS + 5):
        token = signer.mint(ACCOUNT, AUDIENCE, sub=str(number))
        verifier.verify(f"Bearer {token}", audience=AUDIENCE, email=ACCOUNT)
    assert len(verifier._verified_before) <= MAX_TOKENS
