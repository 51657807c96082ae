"""Page tokens: a cursor that is bound to the query which it goes on with."""

import hashlib
from typing import Any

from lib.datastore.keys import Partition
from lib.datastore.urlsafe import decode_bytes, encode_bytes
from lib.errors import Malformed

_HASH_BYTES = 12


def digest_of(partition: Partition, query: Any) -> bytes:
    """Return what a token is bound to: the v1 query without cursor, and where it runs."""
    where = repr((partition.project, partition.database, partition.namespace)).encode()
    text = where + query.SerializeToString(deterministic=True)
    return hashlib.blake2b(text, digest_size=_HASH_BYTES).digest()


def make_token(cursor: bytes, digest: bytes) -> str:
    """Return opaque URL-safe text."""
    return encode_bytes(digest + cursor)


def open_token(token: str, digest: bytes) -> bytes:
    """Return the cursor; raise Malformed for broken text or the token of another query."""
    try:
        raw = decode_bytes(token)
    except ValueError:
        raise Malformed("not a page token", field="page_token") from None
    if raw[:_HASH_BYTES] != digest or len(raw) == _HASH_BYTES:
        raise Malformed("a page token of another query", field="page_token")
    return raw[_HASH_BYTES:]
