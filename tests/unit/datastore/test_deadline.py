"""The time budget only shrinks, limits every call, and applies in threads too."""

from datetime import timedelta
from typing import Any

import pytest

from lib.datastore import Query, Store, key
from lib.datastore.rpc.service import MAX_CALL
from lib.datastore.v1.messages import message
from lib.errors import DeadlineExceeded
from lib.timing import deadline
from tests.unit.datastore.connections import Refusal, Script
from tests.unit.datastore.models import Task, TaskList


def answer_lookup(_: Any) -> Any:
    return message("LookupResponse")()


def answer_commit(request: Any) -> Any:
    response = message("CommitResponse")()
    for _ in request.mutations:
        response.mutation_results.add(version=1)
    return response


def test_by_default_there_is_no_budget() -> None:
    assert deadline.remaining() is None
    assert deadline.bound_seconds(60.0) == 60.0


def test_a_nested_budget_can_only_be_shorter() -> None:
    with deadline.within(timedelta(seconds=5)):
        with deadline.within(timedelta(hours=1)):
            assert deadline.bound_seconds(60.0) <= 5
        with deadline.within(timedelta(seconds=1)):
            assert deadline.bound_seconds(60.0) <= 1
        assert deadline.bound_seconds(60.0) > 1
    assert deadline.remaining() is None


def test_a_shielded_block_has_its_own_budget() -> None:
    with deadline.within(timedelta(0)):
        with deadline.shielded(timedelta(seconds=9)):
            assert 8 < deadline.bound_seconds(60.0) <= 9
        assert deadline.remaining() == timedelta(0)


def test_the_budget_limits_every_call() -> None:
    script = Script(Lookup=answer_lookup)
    store = Store(script)
    store.find(key(TaskList, "a"))
    with deadline.within(timedelta(seconds=2)):
        store.find(key(TaskList, "a"))
    assert script.timeouts[0] == MAX_CALL.total_seconds()
    assert 1 < script.timeouts[1] <= 2


def test_nothing_is_sent_once_the_budget_is_used_up() -> None:
    script = Script()
    store = Store(script)
    with deadline.within(timedelta(0)):
        for work in (
            lambda: store.find(key(TaskList, "a")),
            lambda: store.insert(TaskList(id="a")),
            lambda: store.run(Query(Task)),
            lambda: store.transact(lambda tx: tx.find(key(TaskList, "a"))),
        ):
            with pytest.raises(DeadlineExceeded, match="time"):
                work()
    assert not script.requests


def test_the_budget_limits_chunks_in_other_threads() -> None:
    script = Script(Commit=answer_commit)
    with deadline.within(timedelta(seconds=3)):
        Store(script).insert_multi(Task(id=n, task_list_id="a") for n in range(1, 1200))
    assert len(script.timeouts) == 3
    assert all(timeout <= 3 for timeout in script.timeouts)


def test_a_transaction_is_rolled_back_after_the_deadline() -> None:
    def refuse(_: Any) -> Any:
        raise Refusal("DEADLINE_EXCEEDED")

    script = Script(
        BeginTransaction=lambda _: message("BeginTransactionResponse")(transaction=b"t"),
        Lookup=refuse,
        Rollback=lambda _: message("RollbackResponse")(),
    )
    with (
        deadline.within(timedelta(seconds=3)),
        pytest.raises(DeadlineExceeded, match=r"BeginTransaction|Lookup|time"),
    ):
        Store(script).transact(lambda tx: tx.find(key(TaskList, "a")))
    assert [method for method, _ in script.requests] == ["BeginTransaction", "Lookup", "Rollback"]
