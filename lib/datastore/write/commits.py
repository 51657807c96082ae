"""Commits, retried only if that is safe, with the errors of lib.errors.

ABORTED and RESOURCE_EXHAUSTED mean that nothing was written. After a status in INDETERMINATE the
commit may have been made. It is sent again only if every write in it is repeatable. If the second
attempt is refused (the entity exists, or its version has changed), the first one may be the cause,
so the outcome is reported as unknown.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lib import errors
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.rpc.grpc_status import to_error
from lib.datastore.rpc.service import Service
from lib.datastore.write.mutation_message import (
    check_size,
    read_written,
    refuse_errors,
    write_mutation,
)
from lib.datastore.write.mutations import Mutation
from lib.errors import AmendsError
from lib.rpc.status import code_of, details_of
from lib.timing.retry import retry

#: Statuses after which a commit may have been made.
INDETERMINATE = frozenset({"UNAVAILABLE", "INTERNAL", "UNKNOWN", "CANCELLED", "DEADLINE_EXCEEDED"})
_TRANSIENT = frozenset({"UNAVAILABLE", "INTERNAL"})
_REFUSED = frozenset({"ABORTED", "RESOURCE_EXHAUSTED"})
_BLOCKED = frozenset({"ALREADY_EXISTS", "FAILED_PRECONDITION", "ABORTED"})


def commit_alone(
    service: Service, codecs: Codecs, mutations: Sequence[Mutation], now: datetime
) -> list[Any]:
    """Commit mutations atomically, as one single-use transaction.

    Raises Unreadable or Unavailable if an entity was written by a mask or a transform and cannot be
    read back.
    """
    if not mutations:
        return []
    request = make_request(service)
    entities = [write_mutation(codecs, item, request.mutations.add(), now) for item in mutations]
    check_size(request, len(mutations))
    response = send_alone(service, request, mutations)
    return refuse_errors(read_written(service, codecs, mutations, entities, response))


def make_request(service: Service) -> Any:
    """Make the request of a single-use transaction without mutations."""
    request = service.request("Commit")
    request.mode = request.TRANSACTIONAL
    request.single_use_transaction.read_write.SetInParent()
    return request


def send_alone(service: Service, request: Any, mutations: Sequence[Mutation]) -> Any:
    """Send a single-use commit, and retry if that is safe; raise one of lib.errors."""
    repeatable = all(mutation.is_repeatable for mutation in mutations)
    versioned = any(mutation.if_version is not None for mutation in mutations)
    lost = False

    def may_retry(error: Exception) -> bool:
        nonlocal lost
        code = code_of(error)
        if code in INDETERMINATE and not was_never_sent(error):
            lost = True
            return repeatable and code in _TRANSIENT
        return code in _TRANSIENT or (code in _REFUSED and not (versioned and code == "ABORTED"))

    try:
        return retry(
            lambda: service.call_once("Commit", request),
            backoff=service.backoff,
            may_retry=may_retry,
            sleep=service.sleep,
            jitter=service.jitter,
        )
    except Exception as error:
        if not code_of(error):
            raise
        if lost and code_of(error) in _BLOCKED:
            raise maybe_applied(mutations) from error
        raise commit_error(error, mutations) from error


def was_never_sent(error: Exception) -> bool:
    """Return whether a call failed before there was a connection, so that nothing was sent."""
    return details_of(error).startswith("failed to connect to all addresses")


def maybe_applied(mutations: Sequence[Mutation]) -> AmendsError:
    """Make the error for a commit that may or may not have been made."""
    return errors.Unavailable(f"it is unknown whether {describe(mutations)} was written")


def describe(mutations: Sequence[Mutation]) -> str:
    """Describe a commit's entities for a message."""
    return mutations[0].subject if len(mutations) == 1 else f"{len(mutations)} entities"


def commit_error(error: Exception, mutations: Sequence[Mutation]) -> AmendsError:
    """Return the lib.errors error for a failed commit.

    The service reports stale versions as FAILED_PRECONDITION or as ABORTED; for a commit without
    versions ABORTED can only mean contention.
    """
    subject = describe(mutations)
    code = code_of(error)
    versioned = any(mutation.if_version is not None for mutation in mutations)
    if versioned and code in ("FAILED_PRECONDITION", "ABORTED"):
        return errors.VersionMismatch(f"{subject}: the stored version is not the given one")
    if code == "NOT_FOUND":
        return errors.NotFound(f"{subject} does not exist")
    if code == "ALREADY_EXISTS":
        return errors.AlreadyExists(f"{subject} already exists")
    return to_error(error, "Commit", subject)
