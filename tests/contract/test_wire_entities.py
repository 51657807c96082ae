"""Entities by key: reads return what was written, and each verb has its refusals."""

from datetime import UTC, datetime
from typing import Any

import pytest
from grpc import StatusCode

from local.datastore.encoding.messages import get_message_class
from tests.contract.wire import Unindexed, Wire, list_names, read_properties, refuses

EVERY_TYPE: dict[str, Any] = {
    "null": None,
    "flag": True,
    "number": -(2**63),
    "double": 2.5,
    "text": "zoë \x00 \U0001f600",
    "blob": b"\x00\xff",
    "key": ("Parent", "p", "Child", 7),
    "list": [1, "two", None],
    "nothing": [],
    "nested": {"a": 1, "b": {"c": "d"}},
    "unindexed": Unindexed("x" * 2000),
}


@pytest.mark.parametrize("name", EVERY_TYPE)
def test_every_type_of_value_comes_back_as_it_was_written(wire: Wire, name: str) -> None:
    wire.put("K", 1, value=EVERY_TYPE[name])
    stored = wire.look_up(("K", 1)).found[0].entity
    written = wire.entity(("K", 1), value=EVERY_TYPE[name])
    assert stored.properties["value"] == written.properties["value"]
    assert stored.key == written.key


def test_a_timestamp_is_kept_to_the_microsecond(wire: Wire) -> None:
    value = wire.value(datetime(2020, 1, 1, tzinfo=UTC))
    value.timestamp_value.nanos = 123_456_789
    wire.put("K", 1, at=value)
    assert (
        wire.look_up(("K", 1)).found[0].entity.properties["at"].timestamp_value.nanos == 123456000
    )


def test_insert_refuses_what_exists(wire: Wire) -> None:
    wire.put("K", "a", n=1)
    with refuses(StatusCode.ALREADY_EXISTS, "entity already exists"):
        wire.commit(wire.mutation("insert", ("K", "a"), n=2))
    assert wire.get("K", "a") == {"n": 1}


def test_update_refuses_what_does_not_exist(wire: Wire) -> None:
    with refuses(StatusCode.NOT_FOUND, "no entity to update"):
        wire.commit(wire.mutation("update", ("K", "a"), n=2))
    assert wire.get("K", "a") is None


def test_an_update_replaces_all_properties(wire: Wire) -> None:
    wire.put("K", "a", n=1, m=1)
    wire.commit(wire.mutation("update", ("K", "a"), n=2))
    assert wire.get("K", "a") == {"n": 2}


def test_delete_is_content_with_what_does_not_exist(wire: Wire) -> None:
    wire.put("K", "a")
    wire.commit(wire.mutation("delete", ("K", "a")), wire.mutation("delete", ("K", "b")))
    assert wire.get("K", "a") is None


def test_a_lookup_answers_found_and_missing_once_each(wire: Wire) -> None:
    wire.put("K", "a")
    answer = wire.look_up(("K", "a"), ("K", "b"), ("K", "c"))
    assert [one.entity.key.path[0].name for one in answer.found] == ["a"]
    assert sorted(one.entity.key.path[0].name for one in answer.missing) == ["b", "c"]


def test_namespaces_do_not_meet(wire: Wire) -> None:
    wire.put("K", "a")
    wire.namespace += "-other"
    assert wire.get("K", "a") is None
    assert wire.names("K") == []


def test_an_incomplete_key_gets_an_id_that_nobody_has(wire: Wire) -> None:
    answer = wire.commit(
        *(wire.mutation("insert", ("K", "parent", "Child"), n=n) for n in range(20))
    )
    ids = [one.key.path[-1].id for one in answer.mutation_results]
    assert len(set(ids)) == 20
    assert all(ids)
    assert wire.get("K", "parent", "Child", ids[7]) == {"n": 7}


def test_a_complete_key_is_not_repeated_in_the_result(wire: Wire) -> None:
    assert not wire.put("K", "a").HasField("key")


def test_allocated_ids_differ_and_stay_free(wire: Wire) -> None:
    answer = wire.call("AllocateIds", keys=[wire.key("K"), wire.key("K")])
    ids = {key.path[-1].id for key in answer.keys}
    assert len(ids) == 2
    assert wire.names("K") == []


def test_only_incomplete_keys_are_allocated_and_only_complete_ones_reserved(wire: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "must not be complete"):
        wire.call("AllocateIds", keys=[wire.key("K", 1)])
    with refuses(StatusCode.INVALID_ARGUMENT, "must not be incomplete"):
        wire.call("ReserveIds", keys=[wire.key("K")])
    wire.call("ReserveIds", keys=[wire.key("K", 1)])


def test_a_key_of_another_project_is_refused(wire: Wire) -> None:
    key = wire.key("K", 1)
    key.partition_id.project_id = "y"
    with refuses(StatusCode.INVALID_ARGUMENT, "mismatched databases"):
        wire.call("Lookup", keys=[key])


@pytest.mark.deviation("classic", "it has versions, but no times")
def test_times_tell_when_an_entity_was_created_and_last_changed(wire: Wire) -> None:
    first = wire.put("K", "a", n=1)
    second = wire.put("K", "a", n=2)
    assert second.version > first.version
    assert first.HasField("create_time")
    assert second.create_time == first.create_time == first.update_time
    found = wire.look_up(("K", "a")).found[0]
    assert found.version == second.version
    assert found.create_time == first.create_time
    assert found.update_time == second.update_time


def in_database(wire: Wire, method: str, request: Any, keys: list[Any]) -> Any:
    """Send a request to a named database, with keys of that database."""
    request.database_id = "other"
    for key in keys:
        key.partition_id.database_id = "other"
    return wire.call(method, request)


@pytest.mark.deviation("classic", "it has one database")
def test_a_named_database_is_a_world_of_its_own(wire: Wire) -> None:
    wire.put("K", "a", n=1)
    commit = get_message_class("CommitRequest")(mode="NON_TRANSACTIONAL")
    commit.mutations.append(wire.mutation("upsert", ("K", "a"), n=2))
    in_database(wire, "Commit", commit, [commit.mutations[0].upsert.key])
    lookup = get_message_class("LookupRequest")(keys=[wire.key("K", "a"), wire.key("K", "b")])
    answer = in_database(wire, "Lookup", lookup, list(lookup.keys))
    assert read_properties(answer.found[0].entity) == {"n": 2}
    assert answer.found[0].entity.key.partition_id.database_id == "other"
    run = get_message_class("RunQueryRequest")(query=wire.query("K", ("n", "=", 2)))
    run.partition_id.CopyFrom(wire.key("K").partition_id)
    batch = in_database(wire, "RunQuery", run, [run]).batch
    assert list_names(batch) == ["a"]
    assert wire.get("K", "a") == {"n": 1}
    assert wire.names("K", ("n", "=", 2)) == []


def test_a_key_of_another_database_is_refused(wire: Wire) -> None:
    key = wire.key("K", "a")
    key.partition_id.database_id = "other"
    with refuses(StatusCode.INVALID_ARGUMENT, "mismatched databases"):
        wire.call("Lookup", keys=[key])


@pytest.mark.deviation("fsd", "it gives the version of the deletion, or 0")
def test_what_is_missing_has_the_version_of_the_snapshot(wire: Wire) -> None:
    deleted = wire.put("K", "a").version
    wire.commit(wire.mutation("delete", ("K", "a")))
    wire.put("K", "b")
    assert [one.version > deleted for one in wire.look_up(("K", "a"), ("K", "c")).missing] == [
        True
    ] * 2
