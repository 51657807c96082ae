"""How the service's errors become those of lib.errors, and what is sent."""

from typing import Any

import pytest

from lib import errors
from lib.datastore import Query, Store, key, upsert
from lib.datastore.v1.messages import message
from lib.errors import AmendsError, Invalid, TooLarge
from tests.unit.datastore.connections import Refusal, Script
from tests.unit.datastore.models import Task, TaskList
from tests.unit.datastore.test_deadline import answer_commit


def refusing(status: str, details: str = "because") -> Any:
    def answer(_: Any) -> Any:
        raise Refusal(status, details)

    return answer


def store_over(script: Script) -> Store:
    return Store(script, sleep=lambda _: None)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("INVALID_ARGUMENT", errors.Invalid),
        ("NOT_FOUND", errors.NotFound),
        ("ABORTED", errors.Contention),
        ("UNAVAILABLE", errors.Unavailable),
        ("RESOURCE_EXHAUSTED", errors.Unavailable),
        ("DEADLINE_EXCEEDED", errors.DeadlineExceeded),
        ("PERMISSION_DENIED", AmendsError),
        ("FAILED_PRECONDITION", AmendsError),
        ("INTERNAL", AmendsError),
    ],
)
def test_a_failed_read_raises_our_error_from_that_of_grpc(
    status: str, error: type[AmendsError]
) -> None:
    script = Script(Lookup=refusing(status))
    with pytest.raises(AmendsError) as raised:
        store_over(script).find(key(TaskList, "a"))
    assert type(raised.value) is error
    assert isinstance(raised.value.__cause__, Refusal)
    tried = len(script.requests)
    assert tried == (
        5 if status in ("ABORTED", "UNAVAILABLE", "RESOURCE_EXHAUSTED", "INTERNAL") else 1
    )


def test_a_missing_index_is_a_server_error() -> None:
    script = Script(RunQuery=refusing("FAILED_PRECONDITION", "no matching index found"))
    with pytest.raises(AmendsError, match="no matching index") as raised:
        store_over(script).run(Query(Task))
    assert raised.value.status == 500


def test_a_deferred_key_is_looked_up_again() -> None:
    def answer(request: Any) -> Any:
        response = message("LookupResponse")()
        first, *rest = request.keys
        response.found.add(version=1).entity.key.CopyFrom(first)
        response.deferred.extend(rest)
        return response

    script = Script(Lookup=answer)
    found = store_over(script).find_multi([key(TaskList, name) for name in "abc"])
    assert [item.id for item in found] == ["a", "b", "c"]
    assert len(script.requests) == 3


def test_deferred_keys_are_read_as_of_the_first_answer() -> None:
    def answer(request: Any) -> Any:
        response = message("LookupResponse")()
        first, *rest = request.keys
        response.found.add(version=1).entity.key.CopyFrom(first)
        response.deferred.extend(rest)
        response.read_time.seconds = 100 + len(script.requests)
        return response

    script = Script(Lookup=answer)
    store_over(script).find_multi([key(TaskList, name) for name in "abc"])
    options = [request.read_options for _, request in script.requests]
    assert [each.read_time.seconds for each in options] == [0, 101, 101]


def test_more_than_a_thousand_keys_are_several_lookups() -> None:
    script = Script(Lookup=lambda _: message("LookupResponse")())
    keys = [key(Task, "a", number) for number in range(1, 2102)]
    assert store_over(script).find_multi(keys) == [None] * 2101
    assert [len(request.keys) for _, request in script.requests] == [1000, 1000, 101]


def test_an_unfinished_batch_continues_where_it_ended() -> None:
    def answer(request: Any) -> Any:
        response = message("RunQueryResponse")()
        start = int(request.query.start_cursor or b"0")
        for number in range(start, start + min(2, request.query.limit.value)):
            result = response.batch.entity_results.add(version=1)
            result.entity.key.path.add(kind="TaskList", name=str(number))
        response.batch.end_cursor = str(start + 2).encode()
        response.batch.more_results = response.batch.NOT_FINISHED
        return response

    script = Script(RunQuery=answer)
    found = store_over(script).run(Query(TaskList), limit=5)
    assert [item.id for item in found] == ["0", "1", "2", "3", "4"]
    assert [request.query.limit.value for _, request in script.requests] == [5, 3, 1]


def test_chunks_stay_below_the_size_of_a_request() -> None:
    script = Script(Commit=answer_commit)
    big = [
        Task(id=number, task_list_id="a", description="x" * 1_000_000) for number in range(1, 31)
    ]
    outcomes = store_over(script).upsert_multi(big)
    assert all(outcome.error is None for outcome in outcomes)
    assert len(script.requests) == 4
    assert all(request.ByteSize() < 10 * 1024 * 1024 for _, request in script.requests)


def test_a_commit_over_the_limits_is_refused_before_it_is_sent() -> None:
    script = Script()
    store = store_over(script)
    with pytest.raises(Invalid, match="at most 500 writes, not 501") as refused:
        store.apply(*(upsert(Task(id=n, task_list_id="a")) for n in range(1, 502)))
    assert refused.value.field == "mutations"
    half = "x" * 600_000
    with pytest.raises(TooLarge) as large:
        store.upsert(Task(id=1, task_list_id="a", description=half, tags=["y" * 1500] * 350))
    assert large.value.field == "description"
    with pytest.raises(TooLarge, match="one commit takes at most"):
        store.apply(
            *(
                upsert(Task(id=n, task_list_id="a", description="x" * 1_000_000))
                for n in range(1, 12)
            )
        )
    assert not script.requests


def test_a_request_names_project_database_and_namespace() -> None:
    script = Script(Commit=answer_commit)
    script.database = "db"
    Store(script, namespace="own").upsert(TaskList(id="a"))
    request = script.requests[0][1]
    where = request.mutations[0].upsert.key.partition_id
    assert (request.project_id, request.database_id) == ("p", "db")
    assert (where.project_id, where.database_id, where.namespace_id) == ("p", "db", "own")


def test_a_second_attempt_names_the_transaction_that_failed() -> None:
    commits = iter([Refusal("ABORTED"), None])

    def commit(request: Any) -> Any:
        if error := next(commits):
            raise error
        return answer_commit(request)

    handles = iter([b"first", b"second"])
    script = Script(
        BeginTransaction=lambda _: message("BeginTransactionResponse")(transaction=next(handles)),
        Lookup=lambda _: message("LookupResponse")(),
        Rollback=lambda _: message("RollbackResponse")(),
        Commit=commit,
    )
    store_over(script).transact(
        lambda tx: tx.find(key(TaskList, "a")) or tx.upsert(TaskList(id="a"))
    )
    begins = [request for method, request in script.requests if method == "BeginTransaction"]
    hints = [request.transaction_options.read_write.previous_transaction for request in begins]
    assert hints == [b"", b"first"]
