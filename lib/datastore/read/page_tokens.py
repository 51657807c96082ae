"""Page tokens: a position in a list, such as a cursor, bound to its query."""

import hashlib
from hmac import compare_digest
from typing import Any

from lib.datastore.keys import Partition
from lib.datastore.v1.urlsafe import decode_bytes, encode_bytes
from lib.errors import Malformed

_HASH_BYTES = 12


def digest_of(partition: Partition, query: Any) -> bytes:
    """Return the hash that binds a token to its partition and v1 query (without a cursor)."""
    where = repr((partition.project, partition.database, partition.namespace)).encode()
    text = where + query.SerializeToString(deterministic=True)
    return hashlib.blake2b(text, digest_size=_HASH_BYTES).digest()


def make_token(cursor: bytes, digest: bytes) -> str:
    """Return the token of a cursor, an opaque URL-safe text."""
    return encode_bytes(_seal(cursor, digest) + cursor)


def open_token(token: str, digest: bytes) -> bytes:
    """Return the cursor; raise Malformed for truncated or altered text, or another query's token.

    The service itself accepts some truncated cursors, and starts from the beginning.
    """
    try:
        raw = decode_bytes(token)
    except ValueError:
        raise Malformed("not a page token", field="page_token") from None
    seal, cursor = raw[:_HASH_BYTES], raw[_HASH_BYTES:]
    if not cursor or not compare_digest(seal, _seal(cursor, digest)):
        raise Malformed("the page token is broken, or of another query", field="page_token")
    return cursor


def _seal(cursor: bytes, digest: bytes) -> bytes:
    """Return a hash of cursor and query, so that a truncated or altered token is noticed."""
    return hashlib.blake2b(cursor, digest_size=_HASH_BYTES, key=digest).digest()
