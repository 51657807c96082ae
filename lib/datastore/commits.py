"""Writing: mutations to one Commit, and its answer to entities as they are now stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lib import errors
from lib.datastore import limits
from lib.datastore.codecs import Codecs
from lib.datastore.entities import EntityCodec
from lib.datastore.failures import code_of, to_error
from lib.datastore.keys import write_key
from lib.datastore.messages import enum_number
from lib.datastore.mutations import Mutation
from lib.datastore.service import Service
from lib.errors import AmendsError, Invalid, TooLarge


def prepare(
    codecs: Codecs, mutations: Sequence[Mutation], request: Any, now: datetime
) -> list[Any]:
    """Write mutations into a CommitRequest; return their entities as they will be stored.

    Raises Invalid or TooLarge, naming the field, for what Datastore would refuse.
    """
    if len(mutations) > limits.COMMIT_MUTATIONS:
        raise Invalid(
            f"one commit takes at most {limits.COMMIT_MUTATIONS} writes, not {len(mutations)}",
            field="mutations",
        )
    request.mode = enum_number("CommitRequest.Mode", "TRANSACTIONAL")
    stamped = [_write(codecs, mutation, request.mutations.add(), now) for mutation in mutations]
    if request.ByteSize() > limits.REQUEST_BYTES:
        raise TooLarge(f"one commit takes at most {limits.REQUEST_BYTES} bytes", field="mutations")
    return stamped


def _write(codecs: Codecs, mutation: Mutation, into: Any, now: datetime) -> Any:
    entity = None
    if mutation.key is not None:
        if not mutation.key.is_complete:
            raise Invalid(f"{mutation.key} is incomplete: nothing to delete", field="key")
        write_key(mutation.key, codecs.partition, into.delete)
    else:
        entity = _write_entity(codecs, mutation, into, now)
    if mutation.if_version is not None:
        into.base_version = mutation.if_version
        into.conflict_resolution_strategy = enum_number(
            "Mutation.ConflictResolutionStrategy", "FAIL"
        )
    return entity


def _write_entity(codecs: Codecs, mutation: Mutation, into: Any, now: datetime) -> Any:
    codec: EntityCodec[Any] = codecs.of(type(mutation.entity))
    verb = mutation.verb
    entity = codec.stamp(mutation.entity, now, creates=verb != "update")
    codec.write(entity, getattr(into, verb), may_lack_id=verb != "update")
    if mutation.mask is not None:
        into.property_mask.paths.extend(codec.stored_names(mutation.mask))
    return entity


def stored(codecs: Codecs, entities: Sequence[Any], response: Any) -> list[Any]:
    """Return the entities with the ids and versions that the commit gave them."""
    return [
        entity and codecs.of(type(entity)).stored(entity, result.version, result.key)
        for entity, result in zip(entities, response.mutation_results, strict=True)
    ]


def commit_alone(
    service: Service, codecs: Codecs, mutations: Sequence[Mutation], now: datetime
) -> list[Any]:
    """Commit mutations as one single-use transaction: all of them are written, or none is."""
    if not mutations:
        return []
    request = service.request("Commit")
    request.single_use_transaction.read_write.SetInParent()
    entities = prepare(codecs, mutations, request, now)
    return stored(codecs, entities, send_commit(service, request, mutations))


def send_commit(service: Service, request: Any, mutations: Sequence[Mutation]) -> Any:
    """Send a Commit once; raise one of lib.errors."""
    try:
        return service.call_once("Commit", request)
    except Exception as error:
        if not code_of(error):
            raise
        raise commit_error(error, mutations) from error


def commit_error(error: Exception, mutations: Sequence[Mutation]) -> AmendsError:
    """Return our error for a failed commit.

    Stale versions are reported as FAILED_PRECONDITION or as ABORTED; a commit without versions
    has no other reason to be ABORTED than contention.
    """
    subject = mutations[0].subject if len(mutations) == 1 else f"{len(mutations)} entities"
    versioned = any(mutation.if_version is not None for mutation in mutations)
    if versioned and code_of(error) in ("FAILED_PRECONDITION", "ABORTED"):
        return errors.VersionMismatch(f"{subject}: the stored version is not the one stated")
    if code_of(error) == "NOT_FOUND":
        return errors.NotFound(f"{subject} does not exist")
    if code_of(error) == "ALREADY_EXISTS":
        return errors.AlreadyExists(f"{subject} exists already")
    return to_error(error, "Commit", subject)
