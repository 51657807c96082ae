"""What a sequence consists of. Each operation performs itself on one server and returns what of
the answers can be compared.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol

from tests.contract.differential.reading import Lookup, Reading
from tests.contract.differential.session import Answer, Session, attempt, read_key
from tests.contract.differential.writing import Commit, Write, read_results
from tests.contract.wire import Path


class Operation(Protocol):
    """A step of a sequence."""

    def perform(self, session: Session) -> Any:
        """Do it on one server; grpc.RpcError carries a refusal."""
        ...


@dataclass(frozen=True)
class Transact:
    """A transaction from its beginning to its end, and a request after that.

    ``meanwhile`` is committed outside of it, which only a read-only one does not wait for.
    """

    read_only: bool
    readings: tuple[Reading, ...]
    meanwhile: tuple[Write, ...] = ()
    writes: tuple[Write, ...] = ()
    commits: bool = True
    begun_by_read: bool = False

    def perform(self, session: Session) -> Any:
        """Return each step's status and answer; nothing stays open."""
        answers: list[Any] = []
        readings = list(self.readings)
        if self.begun_by_read and readings:
            options = session.options()
            options.new_transaction.read_only.SetInParent()
            transaction, first = readings.pop(0).read(session, options)
            answers.append(first)
        else:
            transaction = session.wire.begin(read_only=self.read_only)
        options = session.options(transaction=transaction)
        try:
            answers += [self._read(one, session, options) for one in readings]
            if self.read_only and self.meanwhile:
                answers.append(attempt(Commit(self.meanwhile, True).perform, session))
                answers += [self._read(one, session, options) for one in readings]
            answers.append(attempt(self._end, session, transaction))
            answers.append(self._read(Lookup((("K", "a"),)), session, options))
        finally:
            attempt(_roll_back, session, transaction)
        return answers

    def _read(self, reading: Reading, session: Session, options: Any) -> Answer:
        status, answer = attempt(reading.read, session, options)
        return status, answer and answer[1]

    def _end(self, session: Session, transaction: bytes) -> Any:
        if not self.commits:
            return _roll_back(session, transaction)
        built = [replace(one, base=None).build(session) for one in self.writes]
        response = session.wire.commit(*built, transaction=transaction)
        return read_results(self.writes, response)


def _roll_back(session: Session, transaction: bytes) -> None:
    session.wire.call("Rollback", transaction=transaction)


@dataclass(frozen=True)
class Allocate:
    """Ids for incomplete keys."""

    paths: tuple[Path, ...]

    def perform(self, session: Session) -> Any:
        """Allocate."""
        keys = [session.wire.key(*path) for path in self.paths]
        return [read_key(one) for one in session.wire.call("AllocateIds", keys=keys).keys]


@dataclass(frozen=True)
class Reserve:
    """Ids that are not to be allocated."""

    paths: tuple[Path, ...]

    def perform(self, session: Session) -> Any:
        """Reserve."""
        session.wire.call("ReserveIds", keys=[session.wire.key(*path) for path in self.paths])


@dataclass(frozen=True)
class Enter:
    """From here on the sequence is in another namespace."""

    number: int

    def perform(self, session: Session) -> Any:
        """Change the namespace."""
        session.enter(self.number)
