"""Encodes bytes as text that needs no escaping in a URL: base64url without padding."""

import base64


def encode_bytes(raw: bytes) -> str:
    """Return URL-safe text."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_bytes(text: str) -> bytes:
    """Return the bytes; raise ValueError for anything that `encode_bytes` does not write."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if encode_bytes(raw) != text:
        raise ValueError("not canonical")
    return raw
