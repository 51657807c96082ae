"""Commits: atomic, in order, and only onto the expected version."""

from typing import Any

import pytest
from grpc import StatusCode

from tests.contract.wire import Wire, refuses


def test_a_transactional_commit_that_is_refused_writes_nothing(wire: Wire) -> None:
    wire.put("K", "taken")
    with refuses(StatusCode.ALREADY_EXISTS, "entity already exists"):
        wire.commit(
            wire.mutation("upsert", ("K", "a")),
            wire.mutation("insert", ("K", "taken")),
            single_use=True,
        )
    assert wire.get("K", "a") is None


def test_mutations_of_one_key_in_a_transaction_apply_in_order(wire: Wire) -> None:
    wire.put("K", "a", n=0)
    wire.commit(
        wire.mutation("delete", ("K", "a")),
        wire.mutation("insert", ("K", "a"), n=1),
        wire.mutation("update", ("K", "a"), n=2),
        single_use=True,
    )
    assert wire.get("K", "a") == {"n": 2}
    assert wire.names("K", ("n", "=", 2)) == ["a"]


def test_a_commit_without_transaction_takes_each_key_once(wire: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "multiple mutations affecting the same entity"):
        wire.commit(wire.mutation("upsert", ("K", "a")), wire.mutation("delete", ("K", "a")))


@pytest.mark.parametrize(
    ("first", "second"),
    [("insert", "insert"), ("update", "insert"), ("upsert", "insert"), ("delete", "update")],
)
@pytest.mark.deviation("classic", "it applies them, or finds them wrong by what is stored")
def test_a_sequence_that_cannot_succeed_is_refused(wire: Wire, first: str, second: str) -> None:
    if first != "insert":
        wire.put("K", "a")
    with refuses(StatusCode.INVALID_ARGUMENT, "Cannot .* an entity in the same request"):
        wire.commit(
            wire.mutation(first, ("K", "a")), wire.mutation(second, ("K", "a")), single_use=True
        )


def test_a_transactional_commit_needs_a_transaction(wire: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "transactional commit requires a transaction"):
        wire.call("Commit", mode=1, mutations=[wire.mutation("upsert", ("K", "a"))])


def test_a_stale_version_is_refused_when_it_shall_fail(wire: Wire) -> None:
    stale = wire.put("K", "a", n=1).version
    wire.put("K", "a", n=2)
    for operation in ("update", "upsert", "delete"):
        mutation = wire.mutation(operation, ("K", "a"))
        mutation.base_version = stale
        mutation.conflict_resolution_strategy = mutation.FAIL
        with refuses(StatusCode.FAILED_PRECONDITION, "the stored version .* does not match"):
            wire.commit(mutation, wire.mutation("upsert", ("K", "b")), single_use=True)
    assert wire.get("K", "a") == {"n": 2}
    assert wire.get("K", "b") is None


def test_the_stored_version_may_be_written_onto(wire: Wire) -> None:
    current = wire.put("K", "a", n=1).version
    mutation = wire.mutation("update", ("K", "a"), n=2)
    mutation.base_version = current
    mutation.conflict_resolution_strategy = mutation.FAIL
    result = wire.commit(mutation, single_use=True).mutation_results[0]
    assert not result.conflict_detected
    assert result.version > current
    assert wire.get("K", "a") == {"n": 2}


def test_version_zero_means_that_there_is_no_entity_yet(wire: Wire) -> None:
    mutation = wire.mutation("upsert", ("K", "a"), n=1)
    mutation.base_version = 0
    mutation.conflict_resolution_strategy = mutation.FAIL
    wire.commit(mutation, single_use=True)
    with refuses(StatusCode.FAILED_PRECONDITION, "required base version .0."):
        wire.commit(mutation, single_use=True)


@pytest.mark.deviation("fsd", "it ignores base_version under the default strategy and writes")
def test_by_default_a_stale_write_is_left_out_and_said_so(wire: Wire) -> None:
    stale = wire.put("K", "a", n=1).version
    current = wire.put("K", "a", n=2).version
    mutation = wire.mutation("upsert", ("K", "a"), n=3)
    mutation.base_version = stale
    result = wire.commit(mutation).mutation_results[0]
    assert result.conflict_detected
    assert result.version == current
    assert wire.get("K", "a") == {"n": 2}


def test_a_deleted_entity_has_left_every_index(wire: Wire) -> None:
    wire.put("K", "a", n=1, m=[1, 2])
    wire.commit(wire.mutation("delete", ("K", "a")))
    assert wire.names("K") == []
    assert wire.names("K", ("n", "=", 1)) == []
    assert wire.names("K", order=["m"]) == []


def state(mutation: Any, version: int) -> Any:
    """Make a mutation fail unless the stored version is this one."""
    mutation.base_version = version
    mutation.conflict_resolution_strategy = mutation.FAIL
    return mutation


@pytest.mark.deviation("classic", "it looks for the entity first")
def test_a_stale_version_is_told_before_a_missing_entity(wire: Wire) -> None:
    with refuses(StatusCode.FAILED_PRECONDITION, "required base version .1.|no entity to update"):
        wire.commit(state(wire.mutation("update", ("K", "a")), 1), single_use=True)


def test_a_version_that_the_verb_excludes_is_refused(wire: Wire) -> None:
    with refuses(
        StatusCode.INVALID_ARGUMENT, "Cannot insert an entity with a base version greater than zero"
    ):
        wire.commit(state(wire.mutation("insert", ("K", "a")), 1), single_use=True)
    with refuses(
        StatusCode.INVALID_ARGUMENT, "Cannot update an entity with a base version set to zero"
    ):
        wire.commit(state(wire.mutation("update", ("K", "a")), 0), single_use=True)


def test_the_mutations_of_one_key_state_one_version(wire: Wire) -> None:
    version = wire.put("K", "a", n=1).version
    with refuses(StatusCode.INVALID_ARGUMENT, "same conflict resolution strategy"):
        wire.commit(
            state(wire.mutation("upsert", ("K", "a"), n=2), version),
            wire.mutation("upsert", ("K", "a"), n=3),
            single_use=True,
        )


def test_mutations_that_come_back_to_what_was_stored_make_no_version(wire: Wire) -> None:
    before = wire.put("K", "a", n=1).version
    wire.commit(
        wire.mutation("upsert", ("K", "a"), n=2),
        wire.mutation("upsert", ("K", "a"), n=1),
        single_use=True,
    )
    assert wire.look_up(("K", "a")).found[0].version == before
    assert wire.names("K", ("n", "=", 1)) == ["a"]
