"""Receipts, which show whether a commit was made if its answer was lost.

Each commit of `transact` also writes the transaction's own random name to one small entity that no
other transaction uses at the same time. If the answer is lost, the transaction is first rolled
back, so that it cannot be committed later; then the receipt shows whether it was.

A process uses its receipts in turn, as a ring, so there are few of them and none is written often.
A TTL policy on `CommitReceipt.expires_at` removes those of processes that ended.
"""

import os
import secrets
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.datastore.mapping.entities import entity
from lib.datastore.model.marks import Expires, Id

RING_SIZE = 64
LIFETIME = timedelta(days=1)


@entity
@dataclass(slots=True, frozen=True, kw_only=True)
class CommitReceipt:
    """The last transaction that was committed with this receipt."""

    id: Id[str]
    transaction: str
    expires_at: Expires


class Receipts:
    """The ring of one store in one process; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._free: deque[str] = deque()
        self._made = 0

    def take(self, now: datetime) -> CommitReceipt:
        """Return a receipt that is not used again until it is given back."""
        with self._lock:
            self._forget_after_fork()
            if self._made < RING_SIZE or not self._free:
                self._made += 1
                name = secrets.token_hex(16)
            else:
                name = self._free.popleft()
        return CommitReceipt(id=name, transaction=secrets.token_hex(16), expires_at=now + LIFETIME)

    def _forget_after_fork(self) -> None:
        """Start afresh in a child process: it must not use the receipts of its parent."""
        if self._owner != os.getpid():
            self._owner, self._made = os.getpid(), 0
            self._free.clear()

    def give_back(self, receipt: CommitReceipt) -> None:
        """Make a receipt available again after its transaction has ended."""
        with self._lock:
            self._free.append(receipt.id)
