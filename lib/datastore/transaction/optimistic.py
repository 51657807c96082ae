"""Transactions without locks: the commit checks that what was read has not changed."""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from lib.datastore.keys import Key
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.model.schema import model_of
from lib.datastore.read.read_options import STRONG
from lib.datastore.rpc.service import Service
from lib.datastore.transaction.attempts import run_body, with_stored
from lib.datastore.transaction.transaction import Transaction, Written
from lib.datastore.write.commits import commit_alone
from lib.datastore.write.mutations import Mutation
from lib.errors import AlreadyExists, Contention, NotFound, VersionMismatch
from lib.timing.retry import retry

T = TypeVar("T")


def run_optimistically(
    service: Service,
    codecs: Codecs,
    body: Callable[[Transaction], T],
    *,
    now: Callable[[], datetime],
    attempts: int,
) -> T:
    """Run `body` and commit; if an entity that it read has changed, run all of it again."""

    def attempt() -> T:
        transaction = OptimisticTransaction(service, codecs)
        returned = run_body(body, transaction)
        return with_stored(returned, transaction.commit_if_unchanged(now()))  # type: ignore[no-any-return]

    return retry(
        attempt,
        backoff=dataclasses.replace(service.backoff, attempts=attempts),
        may_retry=lambda error: isinstance(error, Contention),
        sleep=service.sleep,
        jitter=service.jitter,
    )


class OptimisticTransaction(Transaction):
    """Reads the current state, and writes only if nothing that was read has changed since.

    It holds no locks, whereas a process that is killed in a locking transaction blocks what it read
    until the service ends the transaction, up to a minute later. In return this one runs no
    queries, and must write everything that it reads, or nothing.
    """

    codes = STRONG.codes

    def __init__(self, service: Service, codecs: Codecs) -> None:
        super().__init__(service, codecs, read_only=False)
        self._seen: dict[Key[Any], int] = {}

    def mark(self, request: Any) -> None:
        """Read outside any Datastore transaction."""

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return the entity of each key, None if it does not exist, in one Lookup.

        Raises TypeError for a model without a version, whose changes would go unnoticed.
        """
        found = super().find_multi(keys)
        self._seen.update(zip(keys, map(_version_of, found), strict=True))
        return found

    def run(self, *_: Any, **__: Any) -> NoReturn:
        """Raise TypeError: a commit cannot check that a query would still have the same results."""
        raise TypeError("an optimistic transaction runs no queries")

    page = count = aggregate = run

    def commit_if_unchanged(self, now: datetime) -> list[Written]:
        """Send the writes, each on condition that the entity has not changed since it was read.

        Raises Contention if it has.
        """
        try:
            written = commit_alone(self._service, self._codecs, self._state_conditions(), now)
        except VersionMismatch as error:
            raise Contention(error.detail) from error
        except (AlreadyExists, NotFound) as error:
            if self._seen:
                raise Contention(error.detail) from error
            raise
        return self.pair(written)

    def _state_conditions(self) -> list[Mutation]:
        written = {mutation.target for mutation in self._mutations}
        unchecked = next((key for key in self._seen if key not in written), None)
        if written and unchecked is not None:
            raise TypeError(f"{unchecked} was read but not written, so a change would go unnoticed")
        return [self._state_condition(mutation) for mutation in self._mutations]

    def _state_condition(self, mutation: Mutation) -> Mutation:
        seen = self._seen.get(mutation.target)
        if seen is None:
            return mutation
        if seen:
            return dataclasses.replace(mutation, if_version=seen)
        if mutation.verb == "upsert":
            return dataclasses.replace(mutation, verb="insert")
        return mutation


def _version_of(entity: Any) -> int:
    if entity is None:
        return 0
    name = model_of(type(entity)).version
    if name is None:
        raise TypeError(f"{type(entity).__name__} has no version, so a change would go unnoticed")
    return int(getattr(entity, name))
