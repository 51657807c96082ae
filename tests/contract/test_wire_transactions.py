"""Transactions: isolation, contention, and how they end."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from tests.contract.wire import Wire, list_names, refuses


def test_a_transaction_does_not_see_its_own_writes_before_they_are_committed(wire: Wire) -> None:
    wire.put("K", "a", n=1)
    transaction = wire.begin()
    assert wire.get("K", "a", transaction=transaction) == {"n": 1}
    wire.commit(wire.mutation("upsert", ("K", "a"), n=2), transaction=transaction)
    assert wire.get("K", "a") == {"n": 2}


def test_a_finished_transaction_is_over(wire: Wire) -> None:
    transaction = wire.begin()
    wire.commit(wire.mutation("upsert", ("K", "a")), transaction=transaction)
    with refuses(StatusCode.INVALID_ARGUMENT, "no longer valid|is invalid"):
        wire.commit(wire.mutation("upsert", ("K", "b")), transaction=transaction)
    with refuses(StatusCode.INVALID_ARGUMENT, "no longer valid|is invalid"):
        wire.look_up(("K", "a"), transaction=transaction)


@pytest.mark.parametrize("read_only", [True, False])
def test_an_improper_commit_does_not_end_its_transaction(wire: Wire, read_only: bool) -> None:
    transaction = wire.begin(read_only=read_only)
    with refuses(StatusCode.INVALID_ARGUMENT, "read-only|empty string"):
        wire.commit(wire.mutation("upsert", ("K", "")), transaction=transaction)
    assert wire.get("K", "a", transaction=transaction) is None
    wire.call("Rollback", transaction=transaction)


def test_an_unknown_transaction_is_refused(wire: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "Invalid transaction"):
        wire.commit(wire.mutation("upsert", ("K", "a")), transaction=b"no such thing")
    with refuses(StatusCode.INVALID_ARGUMENT, "Invalid transaction"):
        wire.call("Rollback", transaction=b"no such thing")


def test_an_aborted_transaction_may_be_rolled_back(wire: Wire) -> None:
    wire.put("K", "a", n=1)
    both = wire.begin(), wire.begin()
    for transaction in both:
        wire.get("K", "a", transaction=transaction)
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(write, wire, transaction) for transaction in both]
    aborted = [each for each, end in zip(both, ends, strict=True) if end.exception() is not None]
    assert aborted
    for transaction in aborted:
        wire.call("Rollback", transaction=transaction)


def write(wire: Wire, transaction: bytes) -> None:
    wire.commit(wire.mutation("upsert", ("K", "a"), n=2), transaction=transaction)


@pytest.mark.deviation("classic", "it refuses to roll back what is over, unless it was aborted")
def test_a_rollback_may_come_twice_or_after_the_commit(wire: Wire) -> None:
    transaction = wire.begin()
    for _ in range(2):
        wire.call("Rollback", transaction=transaction)
    transaction = wire.begin()
    wire.commit(transaction=transaction)
    wire.call("Rollback", transaction=transaction)


def test_what_is_rolled_back_was_never_there(wire: Wire) -> None:
    wire.put("K", "a", n=1)
    transaction = wire.begin()
    wire.get("K", "a", transaction=transaction)
    wire.call("Rollback", transaction=transaction)
    wire.put("K", "a", n=2)
    assert wire.get("K", "a") == {"n": 2}


@pytest.mark.deviation("classic", "in a transaction it takes only queries with an ancestor")
def test_a_read_only_transaction_sees_one_moment_and_stops_nobody(wire: Wire) -> None:
    wire.put("K", "a", n=1)
    transaction = wire.begin(read_only=True)
    assert wire.get("K", "a", transaction=transaction) == {"n": 1}
    wire.put("K", "a", n=2)
    wire.put("K", "b", n=2)
    assert wire.get("K", "a", transaction=transaction) == {"n": 1}
    assert list_names(wire.run(wire.query("K"), transaction)) == ["a"]
    wire.call("Rollback", transaction=transaction)
    assert wire.names("K") == ["a", "b"]


def test_a_read_only_transaction_may_be_committed(local_wire: Wire) -> None:
    transaction = local_wire.begin(read_only=True)
    local_wire.commit(transaction=transaction)
    with refuses(StatusCode.INVALID_ARGUMENT, "no longer valid"):
        local_wire.get("K", "a", transaction=transaction)


def test_a_read_only_transaction_writes_nothing(wire: Wire) -> None:
    transaction = wire.begin(read_only=True)
    with refuses(StatusCode.INVALID_ARGUMENT, "in a read-only transaction"):
        wire.commit(wire.mutation("upsert", ("K", "a")), transaction=transaction)


@pytest.mark.deviation("fsd", "the transaction waits for the lock of its own first read")
def test_a_read_may_begin_its_transaction(wire: Wire) -> None:
    wire.put("K", "a", n=1)
    answer = wire.call(
        "Lookup",
        keys=[wire.key("K", "a")],
        read_options={"new_transaction": {"read_write": {}}},
    )
    assert answer.found
    wire.commit(wire.mutation("update", ("K", "a"), n=2), transaction=answer.transaction)
    assert wire.get("K", "a") == {"n": 2}


def test_of_two_that_read_and_write_one_entity_one_wins(
    wire: Wire, request: pytest.FixtureRequest
) -> None:
    wire.put("K", "a", n=0)
    both = [wire.begin(), wire.begin()]
    for transaction in both:
        wire.get("K", "a", transaction=transaction)

    def add(transaction: bytes) -> StatusCode:
        return get_code(
            lambda: wire.commit(wire.mutation("update", ("K", "a"), n=1), transaction=transaction)
        )

    with ThreadPoolExecutor(2) as pool:
        codes = sorted(pool.map(add, both), key=lambda code: code.name)
    if "fsd" in request.node.name and StatusCode.OK not in codes:
        # Each waits two seconds for the other's lock; on a busy machine both may give up together.
        assert codes == [StatusCode.ABORTED] * 2
        assert wire.get("K", "a") == {"n": 0}
    else:
        assert codes == [StatusCode.ABORTED, StatusCode.OK]


def get_code(request: Callable[[], Any]) -> StatusCode:
    """Return how a request was answered."""
    try:
        request()
    except grpc.RpcError as error:
        return error.code()
    return StatusCode.OK


def add_one(wire: Wire, name: str, transaction: bytes) -> None:
    stored = wire.get("K", name, transaction=transaction) or {"n": 0}
    mutation = wire.mutation("upsert", ("K", name), n=stored["n"] + 1)
    wire.commit(mutation, transaction=transaction)


def count_up(wire: Wire, name: str) -> None:
    """Add one to an entity, with as many attempts as necessary."""
    for attempt in range(200):
        transaction = wire.begin()
        code = get_code(lambda: add_one(wire, name, transaction))  # noqa: B023
        if code == StatusCode.OK:
            return
        assert code == StatusCode.ABORTED
        time.sleep(0.002 * (attempt % 10))
    pytest.fail("no progress in 200 attempts")


def test_no_increment_of_a_hot_entity_is_lost(local_wire: Wire) -> None:
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: count_up(local_wire, "hot"), range(120)))
    assert local_wire.get("K", "hot") == {"n": 120}


def test_a_hot_entity_that_is_not_there_yet_is_locked_too(local_wire: Wire) -> None:
    both = [local_wire.begin(), local_wire.begin()]
    for transaction in both:
        assert local_wire.get("K", "new", transaction=transaction) is None
    local_wire_put = local_wire.mutation("insert", ("K", "new"))

    def insert(transaction: bytes) -> StatusCode:
        return get_code(lambda: local_wire.commit(local_wire_put, transaction=transaction))

    with ThreadPoolExecutor(2) as pool:
        codes = sorted(pool.map(insert, both), key=lambda code: code.name)
    assert codes == [StatusCode.ABORTED, StatusCode.OK]


def start(action: Callable[[], Any]) -> "Future[Any]":
    """Begin an action in a thread of its own."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def test_a_plain_write_waits_for_the_transaction_that_has_read(local_wire: Wire) -> None:
    wire = local_wire
    wire.put("K", "a", n=1)
    transaction = wire.begin()
    wire.get("K", "a", transaction=transaction)
    write = start(lambda: wire.put("K", "a", n=10))
    time.sleep(0.2)
    assert not write.done()
    wire.commit(wire.mutation("update", ("K", "a"), n=2), transaction=transaction)
    write.result(timeout=10)
    assert wire.get("K", "a") == {"n": 10}


def test_no_entity_appears_in_a_range_that_a_transaction_has_scanned(local_wire: Wire) -> None:
    wire = local_wire
    wire.put("K", "a", p=1)
    transaction = wire.begin()
    assert list_names(wire.run(wire.query("K", ("p", ">", 0)), transaction)) == ["a"]
    inside = start(lambda: wire.put("K", "b", p=2))
    wire.put("K", "outside", p=-1)
    time.sleep(0.2)
    assert not inside.done()
    assert list_names(wire.run(wire.query("K", ("p", ">", 0)), transaction)) == ["a"]
    wire.commit(transaction=transaction)
    inside.result(timeout=10)
    assert wire.names("K", ("p", ">", 0)) == ["a", "b"]


def test_a_write_skew_is_not_possible(local_wire: Wire) -> None:
    wire = local_wire
    wire.put_all({"a": {"on": True}, "b": {"on": True}})
    both = {"a": wire.begin(), "b": wire.begin()}
    for transaction in both.values():
        wire.look_up(("K", "a"), ("K", "b"), transaction=transaction)

    def switch_off(name: str) -> StatusCode:
        mutation = wire.mutation("update", ("K", name), on=False)
        return get_code(lambda: wire.commit(mutation, transaction=both[name]))

    with ThreadPoolExecutor(2) as pool:
        codes = sorted(pool.map(switch_off, both), key=lambda code: code.name)
    assert codes == [StatusCode.ABORTED, StatusCode.OK]


def test_a_refused_commit_ends_its_transaction_and_its_locks(local_wire: Wire) -> None:
    wire = local_wire
    wire.put("K", "a")
    transaction = wire.begin()
    wire.get("K", "a", transaction=transaction)
    with refuses(StatusCode.ALREADY_EXISTS, "entity already exists"):
        wire.commit(wire.mutation("insert", ("K", "a")), transaction=transaction)
    wire.put("K", "a", n=1)
    with refuses(StatusCode.INVALID_ARGUMENT, "no longer valid"):
        wire.get("K", "a", transaction=transaction)
