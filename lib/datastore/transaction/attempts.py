"""Runs a function in a transaction, and runs it again on contention."""

import contextlib
import dataclasses
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import AsyncGeneratorType, GeneratorType
from typing import Any, TypeVar

from lib.datastore.keys import key_of
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.read.lookups import look_up
from lib.datastore.rpc.service import Service
from lib.datastore.transaction.receipts import CommitReceipt, Receipts
from lib.datastore.transaction.transaction import AnswerLost, Transaction, Written
from lib.errors import AmendsError, Contention
from lib.timing import deadline
from lib.timing.retry import retry

T = TypeVar("T")

#: The time limit of a rollback after the caller's deadline.
MAX_ROLLBACK = timedelta(seconds=1)

_is_running: ContextVar[bool] = ContextVar("transaction", default=False)


def run_body(body: Callable[[Transaction], T], transaction: Transaction) -> T:
    """Return a body's result; raise TypeError if it is a coroutine or a generator.

    Such a body has not run yet, so nothing was written.
    """
    returned = body(transaction)
    if isinstance(returned, Awaitable | GeneratorType | AsyncGeneratorType):
        with contextlib.suppress(Exception):
            returned.close()  # type: ignore[union-attr]
        raise TypeError(
            f"the body of a transaction returned a {type(returned).__name__}, which nothing runs: "
            "write a plain function (`def`, no `yield`)"
        )
    return returned


def run_transaction(
    service: Service,
    codecs: Codecs,
    body: Callable[[Transaction], T],
    *,
    now: Callable[[], datetime],
    read_only: bool,
    attempts: int,
    receipts: Receipts | None,
) -> T:
    """Run `body` and commit; on contention run all of it again, up to `attempts` times in total."""
    if _is_running.get():
        raise RuntimeError("transactions cannot be nested: pass the outer one instead")
    runner = _Runner(service, codecs, now, read_only, receipts)
    running = _is_running.set(True)
    try:
        return retry(
            lambda: runner.attempt(body),
            backoff=dataclasses.replace(service.backoff, attempts=attempts),
            may_retry=lambda error: isinstance(error, Contention | AnswerLost),
            sleep=service.sleep,
            jitter=service.jitter,
        )
    finally:
        _is_running.reset(running)


@dataclass
class _Runner:
    """The attempts of one call; `previous` lets the service prefer a retried transaction."""

    service: Service
    codecs: Codecs
    now: Callable[[], datetime]
    read_only: bool
    receipts: Receipts | None
    previous: bytes = b""

    def attempt(self, body: Callable[[Transaction], T]) -> T:
        transaction = Transaction(
            self.service, self.codecs, read_only=self.read_only, previous=self.previous
        )
        try:
            returned = run_body(body, transaction)
            written = self._commit(transaction)
        except BaseException:
            self.previous = transaction.handle
            self._let_go(transaction)
            raise
        return with_stored(returned, written)  # type: ignore[no-any-return]

    def _commit(self, transaction: Transaction) -> list[Written]:
        if self.read_only:
            self._let_go(transaction)
            return []
        if not transaction.writes:
            return transaction.commit(self.now()) if transaction.handle else []
        if self.receipts is None:
            return transaction.commit(self.now())
        receipt = self.receipts.take(self.now())
        try:
            written = transaction.commit(self.now(), receipt)
        except AnswerLost:
            return self._settle(transaction, receipt)
        except Exception:  # raised again: only the receipt is returned
            self.receipts.give_back(receipt)
            raise
        self.receipts.give_back(receipt)
        return written

    def _let_go(self, transaction: Transaction) -> None:
        """Release the transaction's locks, even past the deadline; if that fails, it expires."""
        with contextlib.suppress(AmendsError), deadline.shielded(MAX_ROLLBACK):
            transaction.roll_back()

    def _settle(self, transaction: Transaction, receipt: CommitReceipt) -> list[Written]:
        """Find out whether a commit whose answer was lost was made; raise AnswerLost if it was not.

        Rolls back first, so that the result is final. If that fails, the receipt is not given back,
        because the commit may still arrive and write it.
        """
        transaction.roll_back()
        found = look_up(self.service, self.codecs, [key_of(receipt)])[0]
        if self.receipts is not None:
            self.receipts.give_back(receipt)
        if found is None or found.transaction != receipt.transaction:
            raise AnswerLost("the commit did not go through")
        return transaction.read_back()


def with_stored(returned: Any, written: list[Written]) -> Any:
    """Replace the written entities in `returned` by the stored ones."""
    if type(returned) in (list, tuple):
        return type(returned)(with_stored(item, written) for item in returned)
    for given, stored in reversed(written):
        if returned is given:
            return stored
    return returned
