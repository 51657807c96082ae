"""OIDC tokens in Google's format for service accounts, signed with a key in the data folder.

The first start creates the key and its self-signed certificate. The certificate is published in the
format of https://www.googleapis.com/oauth2/v1/certs, so a worker verifies these tokens with the
same code as Google's, and only another certificate URL.
"""

import asyncio
import base64
import hashlib
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_ISSUER = "https://accounts.google.com"
_LIFETIME = 3600
_REUSE = 1800
_KEY_BITS = 2048


class Signer:
    """Creates tokens; it loads or creates the key in the background."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "oidc-key.pem"
        self._tokens: dict[tuple[str, str], tuple[float, str]] = {}
        self._loaded = asyncio.get_running_loop().run_in_executor(None, self._load)

    async def mint(self, email: str, audience: str) -> str:
        """Return a token for the audience, valid for at least half an hour."""
        await asyncio.shield(self._loaded)
        now = time.time()
        minted, token = self._tokens.get((email, audience), (0.0, ""))
        # If the clock was set back, the token is from the future and nobody would accept it.
        if not 0 <= now - minted <= _REUSE:
            token = self._sign(email, audience, int(now))
            self._tokens[email, audience] = (now, token)
        return token

    async def list_certificates(self) -> dict[str, str]:
        """Return the certificate in PEM by its key id."""
        await asyncio.shield(self._loaded)
        return {self._key_id: self._certificate}

    def _load(self) -> None:
        from cryptography.hazmat.primitives import serialization

        if not self._path.exists():
            make_key(self._path)
        pem = self._path.read_bytes()
        self._key = cast("RSAPrivateKey", serialization.load_pem_private_key(pem, password=None))
        self._certificate = pem[pem.index(b"-----BEGIN CERTIFICATE") :].decode()
        self._key_id = hashlib.sha1(self._certificate.encode(), usedforsecurity=False).hexdigest()

    def _sign(self, email: str, audience: str, now: int) -> str:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        head = _encode_json({"alg": "RS256", "kid": self._key_id, "typ": "JWT"})
        signed = f"{head}.{_encode_json(_make_claims(email, audience, now))}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encode(signature)}"


def _make_claims(email: str, audience: str, now: int) -> dict[str, object]:
    subject = str(int(hashlib.sha256(email.encode()).hexdigest()[:16], 16))
    return {
        "iss": _ISSUER,
        "aud": audience,
        "azp": subject,
        "sub": subject,
        "email": email,
        "email_verified": True,
        "iat": now,
        "exp": now + _LIFETIME,
    }


def make_key(path: Path) -> None:
    """Write a new key and its certificate into one PEM file that only its owner can read."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "amends local OIDC")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    draft = path.with_suffix(".new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem + certificate.public_bytes(serialization.Encoding.PEM))
    draft.replace(path)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encode_json(value: object) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())
