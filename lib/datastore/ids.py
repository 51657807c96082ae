"""Ids for entities that a caller creates without an id."""

import hashlib
from uuid import uuid4


def make_id(scope: str, idempotency_key: str | None) -> str:
    """Return an id of 32 hex digits: random, or always the same for the same key in a scope.

    Ids neither increase nor share a prefix: either would cause hot spots in Datastore.
    """
    if idempotency_key is None:
        return uuid4().hex
    return hashlib.sha256(f"{scope}\n{idempotency_key}".encode()).hexdigest()[:32]
