"""Running a function in a transaction, again and whole when somebody else was faster."""

import dataclasses
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

from lib.datastore.codecs import Codecs
from lib.datastore.service import Service
from lib.datastore.transactions import Transaction
from lib.errors import Contention
from lib.retry import retry

T = TypeVar("T")

_is_running: ContextVar[bool] = ContextVar("transaction", default=False)


def run_transaction(
    service: Service,
    codecs: Codecs,
    body: Callable[[Transaction], T],
    *,
    now: Callable[[], datetime],
    read_only: bool,
    attempts: int,
) -> T:
    """Run `body` and commit; on contention run it again whole, up to `attempts` times in all.

    What `body` returns comes back with the entities that it wrote as they are now stored.
    """
    if _is_running.get():
        raise RuntimeError("a transaction within a transaction: pass the outer one on instead")
    previous = b""

    def attempt() -> T:
        nonlocal previous
        transaction = Transaction(service, codecs, read_only=read_only, previous=previous)
        try:
            returned = body(transaction)
            return _with_stored(returned, transaction.commit(now()))  # type: ignore[no-any-return]
        except BaseException:
            transaction.roll_back()
            previous = transaction.handle
            raise

    running = _is_running.set(True)
    try:
        return retry(
            attempt,
            backoff=dataclasses.replace(service.backoff, attempts=attempts),
            may_retry=lambda error: isinstance(error, Contention),
            sleep=service.sleep,
            jitter=service.jitter,
        )
    finally:
        _is_running.reset(running)


def _with_stored(returned: Any, written: list[tuple[Any, Any]]) -> Any:
    """Put the stored entities where `returned` holds those that were handed to the writes."""
    if isinstance(returned, list | tuple) and type(returned) in (list, tuple):
        return type(returned)(_with_stored(item, written) for item in returned)
    for given, stored in reversed(written):
        if returned is given:
            return stored
    return returned
