"""Reads of the past, and what counts as a new version."""

from typing import Any

import pytest
from grpc import StatusCode

from local.datastore.encoding.messages import get_message_class
from tests.contract.wire import Wire, list_names, read_properties, refuses

ONLY_PRESENT = pytest.mark.lacks("classic", "it reads only the present")


def run_at(wire: Wire, time: Any, query: Any) -> Any:
    request = get_message_class("RunQueryRequest")(query=query)
    request.partition_id.CopyFrom(wire.key("K").partition_id)
    request.read_options.read_time.CopyFrom(time)
    return wire.call("RunQuery", request).batch


def get_at(wire: Wire, time: Any, *path: str | int) -> dict[str, Any] | None:
    answer = wire.call("Lookup", keys=[wire.key(*path)], read_options={"read_time": time})
    return read_properties(answer.found[0].entity) if answer.found else None


@ONLY_PRESENT
def test_a_lookup_reads_what_was(wire: Wire) -> None:
    first = wire.put("K", "a", n=1)
    second = wire.put("K", "a", n=2)
    wire.commit(wire.mutation("delete", ("K", "a")))
    third = wire.put("K", "a", n=3)
    assert get_at(wire, first.update_time, "K", "a") == {"n": 1}
    assert get_at(wire, second.update_time, "K", "a") == {"n": 2}
    assert get_at(wire, third.update_time, "K", "a") == {"n": 3}
    before = first.update_time
    before.FromMicroseconds(before.ToMicroseconds() - 1)
    assert get_at(wire, before, "K", "a") is None


@ONLY_PRESENT
def test_a_query_reads_what_was(wire: Wire) -> None:
    wire.put_all({name: {"n": n} for n, name in enumerate("abcd")})
    time = wire.put("K", "e", n=4).update_time
    wire.put("K", "b", n=10)
    wire.commit(wire.mutation("delete", ("K", "c")))
    wire.put("K", "f", n=2)
    wire.put("Other", "g", n=2)
    assert list_names(run_at(wire, time, wire.query("K"))) == ["a", "b", "c", "d", "e"]
    descending = wire.query("K", ("n", "<=", 3), order=["-n"])
    assert list_names(run_at(wire, time, descending)) == ["d", "c", "b", "a"]
    batch = run_at(wire, time, wire.query("K", ("n", "=", 1)))
    assert [read_properties(one.entity) for one in batch.entity_results] == [{"n": 1}]
    assert wire.names("K", order=["n"]) == ["a", "f", "d", "e", "b"]


@ONLY_PRESENT
def test_a_page_of_the_past_goes_on_in_the_past(wire: Wire) -> None:
    wire.put_all({name: {"n": 1} for name in "abd"})
    time = wire.put("K", "e", n=1).update_time
    wire.commit(wire.mutation("delete", ("K", "b")), wire.mutation("delete", ("K", "d")))
    first = run_at(wire, time, wire.query("K", limit={"value": 2}))
    assert list_names(first) == ["a", "b"]
    rest = run_at(wire, time, wire.query("K", start_cursor=first.end_cursor))
    assert list_names(rest) == ["d", "e"]


@ONLY_PRESENT
def test_a_read_only_transaction_may_be_of_the_past(wire: Wire) -> None:
    time = wire.put("K", "a", n=1).update_time
    wire.put("K", "a", n=2)
    request = get_message_class("BeginTransactionRequest")()
    request.transaction_options.read_only.read_time.CopyFrom(time)
    transaction = wire.call("BeginTransaction", request).transaction
    assert wire.get("K", "a", transaction=transaction) == {"n": 1}


@ONLY_PRESENT
def test_the_future_is_not_readable(wire: Wire) -> None:
    time = wire.put("K", "a", n=1).update_time
    time.seconds += 60
    with refuses(StatusCode.INVALID_ARGUMENT, "cannot be in the future"):
        get_at(wire, time, "K", "a")


def test_a_time_is_in_microseconds(wire: Wire) -> None:
    time = wire.call("Lookup", keys=[]).read_time
    time.FromMicroseconds(1_700_000_000_000_000)
    time.nanos += 1
    with refuses(StatusCode.INVALID_ARGUMENT, "more than microseconds"):
        get_at(wire, time, "K", "a")


def test_the_past_ends_after_an_hour(local_wire: Wire) -> None:
    time = local_wire.put("K", "a", n=1).update_time
    time.seconds -= 3601
    with refuses(StatusCode.FAILED_PRECONDITION, "is too old"):
        get_at(local_wire, time, "K", "a")


def test_a_write_that_changes_nothing_is_no_new_version(wire: Wire) -> None:
    first = wire.put("K", "a", n=1, m=["x"])
    same = wire.put("K", "a", n=1, m=["x"])
    assert same.version == first.version
    assert wire.put("K", "a", n=1, m=["y"]).version > first.version
