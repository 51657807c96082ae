"""Many reads or writes in chunks, with a result for each, in their order.

A chunk of writes is one commit, so if one write is refused, its whole chunk is refused. A Lookup
then shows which writes are impossible, and the rest is sent again.
"""

import contextvars
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from lib import errors
from lib.datastore.keys import Key
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.read.lookups import fetch_many
from lib.datastore.read.unreadable import Results, UnreadableEntity
from lib.datastore.rpc.service import Service
from lib.datastore.v1 import limits
from lib.datastore.v1.messages import message
from lib.datastore.write.commits import make_request, send_alone
from lib.datastore.write.mutation_message import read_written, write_mutation
from lib.datastore.write.mutations import Mutation
from lib.errors import AmendsError

T = TypeVar("T")
C = TypeVar("C")

#: The maximum number of chunks in flight; more would only wait for each other at the service.
MAX_PARALLEL = 4
#: The part of a request's 10 MiB that mutations may take.
MAX_CHUNK_BYTES = 9 * 1024 * 1024
#: Errors of a single write, not of the chunk or the service.
_OF_ONE = (errors.AlreadyExists, errors.NotFound, errors.VersionMismatch, errors.Invalid)


@dataclass(frozen=True, slots=True)
class ItemResult(Generic[T]):
    """The result of one item: its value, or its error (NotFound for a missing entity)."""

    value: T | None = None
    error: AmendsError | None = None

    def unwrap(self) -> T:
        """Return the value (None for a delete); raise the error if there is one."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


def collect(outcomes: Iterable[ItemResult[T]]) -> Results[T]:
    """Return the values of a multi-get, and name unreadable entities; raise any other error."""
    values: list[T] = []
    unreadable: list[UnreadableEntity] = []
    for outcome in outcomes:
        if isinstance(outcome.error, errors.Unreadable):
            unreadable.append(UnreadableEntity.of(outcome.error))
        else:
            values.append(outcome.unwrap())
    return Results(values, unreadable)


@dataclass(frozen=True, slots=True)
class _Item:
    """One prepared write: `index` is its position in the result."""

    index: int
    mutation: Mutation
    entity: Any
    pb: Any


def get_many(service: Service, codecs: Codecs, keys: Sequence[Key[T]]) -> list[ItemResult[T]]:
    """Read many keys, 1000 to a Lookup."""
    size = limits.MAX_LOOKUP_KEYS
    chunks = [keys[start : start + size] for start in range(0, len(keys), size)]
    answered = in_parallel(lambda chunk: _get_chunk(service, codecs, chunk), chunks)
    return [outcome for chunk in answered for outcome in chunk]


def _get_chunk(service: Service, codecs: Codecs, keys: Sequence[Key[T]]) -> list[ItemResult[T]]:
    outcomes: list[ItemResult[T]] = []
    try:
        results = fetch_many(service, codecs, keys)
    except AmendsError as error:
        return [ItemResult(error=error) for _ in keys]
    for key, result in zip(keys, results, strict=True):
        try:
            if result is None:
                raise errors.NotFound(f"{key} does not exist")
            outcomes.append(ItemResult(codecs.for_key(key).read(result)))
        except AmendsError as error:
            outcomes.append(ItemResult(error=error))
    return outcomes


def write_many(
    service: Service, codecs: Codecs, mutations: Sequence[Mutation], now: datetime
) -> list[ItemResult[Any]]:
    """Write many, 500 to a commit; a refused write does not stop the others."""
    outcomes: list[ItemResult[Any]] = [ItemResult()] * len(mutations)
    items: list[_Item] = []
    for index, mutation in enumerate(mutations):
        pb = message("Mutation")()
        try:
            entity = write_mutation(codecs, mutation, pb, now)
            items.append(_Item(index, mutation, entity, pb))
        except AmendsError as error:
            outcomes[index] = ItemResult(error=error)
    for wave in _split_waves(items):
        in_parallel(
            lambda chunk: _write_chunk(service, codecs, chunk, outcomes), _split_chunks(wave)
        )
    return outcomes


def _split_waves(items: Sequence[_Item]) -> list[list[_Item]]:
    """Put repeated writes of a key into later waves, so that they are applied in order."""
    waves: list[list[_Item]] = []
    writes_of: dict[Any, int] = {}
    for item in items:
        target = item.mutation.target
        number = writes_of.get(target, 0) if target.is_complete else 0
        writes_of[target] = number + 1
        if number == len(waves):
            waves.append([])
        waves[number].append(item)
    return waves


def _split_chunks(items: Sequence[_Item]) -> list[list[_Item]]:
    chunks: list[list[_Item]] = []
    size = 0
    for item in items:
        item_size = item.pb.ByteSize()
        full = chunks and len(chunks[-1]) == limits.MAX_COMMIT_MUTATIONS
        if not chunks or full or size + item_size > MAX_CHUNK_BYTES:
            chunks.append([])
            size = 0
        chunks[-1].append(item)
        size += item_size
    return chunks


def _write_chunk(
    service: Service, codecs: Codecs, items: list[_Item], outcomes: list[ItemResult[Any]]
) -> None:
    mutations = [item.mutation for item in items]
    request = make_request(service)
    request.mutations.extend(item.pb for item in items)
    try:
        response = send_alone(service, request, mutations)
        written = read_written(
            service, codecs, mutations, [item.entity for item in items], response
        )
        for item, value in zip(items, written, strict=True):
            failed = isinstance(value, AmendsError)
            outcomes[item.index] = ItemResult(error=value) if failed else ItemResult(value)
    except _OF_ONE as error:
        if len(items) == 1:
            outcomes[items[0].index] = ItemResult(error=error)
            return
        for part in _without_culprits(service, codecs, items, outcomes):
            _write_chunk(service, codecs, part, outcomes)
    except AmendsError as error:
        _fail_all(items, outcomes, error)


def _fail_all(items: list[_Item], outcomes: list[ItemResult[Any]], error: AmendsError) -> None:
    for item in items:
        outcomes[item.index] = ItemResult(error=error)


def _without_culprits(
    service: Service, codecs: Codecs, items: list[_Item], outcomes: list[ItemResult[Any]]
) -> list[list[_Item]]:
    """Record the errors of impossible writes; return the other writes, to send them again.

    If the stored entities show no reason (another writer was faster, or the service refuses a
    value), the writes are returned in two halves, until the refused write is alone.
    """
    complete = [item for item in items if item.mutation.target.is_complete]
    keys = [item.mutation.target for item in complete]
    try:
        found = fetch_many(service, codecs, keys, only_keys=True)
    except AmendsError as problem:  # nothing of the chunk was written, and the reason is unknown
        _fail_all(items, outcomes, problem)
        return []
    culprits: set[int] = set()
    for item, result in zip(complete, found, strict=True):
        error = _foresee(item.mutation, result)
        if error is not None:
            outcomes[item.index] = ItemResult(error=error)
            culprits.add(item.index)
    rest = [item for item in items if item.index not in culprits]
    if culprits:
        return [rest] if rest else []
    middle = len(rest) // 2
    return [rest[:middle], rest[middle:]]


def _foresee(mutation: Mutation, result: Any) -> AmendsError | None:
    if mutation.verb == "insert" and result is not None:
        return errors.AlreadyExists(f"{mutation.subject} already exists")
    if mutation.verb == "update" and result is None:
        return errors.NotFound(f"{mutation.subject} does not exist")
    if mutation.if_version is not None and mutation.if_version != (result and result.version):
        return errors.VersionMismatch(
            f"{mutation.subject}: the stored version is not the given one"
        )
    return None


def in_parallel(work: Callable[[C], T], chunks: Sequence[C]) -> list[T]:
    """Run `work` for each chunk, several at a time, under the caller's deadline."""
    if len(chunks) < 2:
        return [work(chunk) for chunk in chunks]
    with ThreadPoolExecutor(min(MAX_PARALLEL, len(chunks))) as pool:
        futures = [pool.submit(contextvars.copy_context().run, work, chunk) for chunk in chunks]
        return [future.result() for future in futures]
