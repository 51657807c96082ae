"""Other operations on tasks: move, hide, batch, query."""

from typing import Any

import pytest

from tests.http.conftest import Call, assert_problem


@pytest.fixture
def task_list(call: Call, unique: str) -> str:
    call("POST", "create-task-list", json={"id": unique, "name": "Home"})
    return unique


def make(call: Call, task_list: str, **content: Any) -> dict[str, Any]:
    body = {"task_list_id": task_list, "description": "sweep", **content}
    answer = call("POST", "create-task", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def target(task: dict[str, Any]) -> dict[str, Any]:
    return {"task_list_id": task["task_list_id"], "id": task["id"]}


def listed(call: Call, task_list: str, **params: Any) -> list[int]:
    page = call("GET", "list-tasks", params={"task_list_id": task_list, **params}).json()
    return [task["id"] for task in page["items"]]


def test_a_replaced_task_has_defaults_for_missing_fields(call: Call, task_list: str) -> None:
    made = make(call, task_list, priority=7, due_at="2026-05-01T12:00:00Z")
    put = call("PUT", "replace-task", params=target(made), json={"description": "mop"}).json()
    assert put == {
        **made,
        "description": "mop",
        "priority": 0,
        "due_at": None,
        "version": put["version"],
    }


def test_a_due_time_can_be_removed_but_needs_a_time_zone(call: Call, task_list: str) -> None:
    made = make(call, task_list, due_at="2026-05-01T12:00:00Z")
    patched = call("PATCH", "update-task", params=target(made), json={"due_at": None}).json()
    assert patched["due_at"] is None
    zoneless = {"due_at": "2026-05-01T12:00:00"}
    answer = call("PATCH", "update-task", params=target(made), json=zoneless)
    assert_problem(answer, 422, "invalid", "due_at")


def test_a_transferred_task_is_only_in_the_other_list(call: Call, task_list: str) -> None:
    other = f"{task_list}-other"
    call("POST", "create-task-list", json={"id": other, "name": "Work"})
    made = make(call, task_list, priority=3)
    moved = call("POST", "transfer-task", json={**target(made), "to_task_list_id": other}).json()
    assert (moved["task_list_id"], moved["priority"]) == (other, 3)
    assert listed(call, task_list) == []
    assert listed(call, other) == [moved["id"]]


def test_an_impossible_transfer_changes_nothing(call: Call, task_list: str) -> None:
    made = make(call, task_list)
    nowhere = {**target(made), "to_task_list_id": "no-such"}
    assert_problem(call("POST", "transfer-task", json=nowhere), 404, "not-found", "task_list_id")
    same = {**target(made), "to_task_list_id": task_list}
    assert_problem(call("POST", "transfer-task", json=same), 409, "conflict", "to_task_list_id")
    assert listed(call, task_list) == [made["id"]]


def test_a_soft_deleted_task_is_hidden_until_it_is_restored(call: Call, task_list: str) -> None:
    made = make(call, task_list)
    deleted = call("POST", "soft-delete-task", params=target(made)).json()
    assert deleted["deleted_at"] is not None
    again = call("POST", "soft-delete-task", params=target(made)).json()
    assert again["deleted_at"] == deleted["deleted_at"]
    assert listed(call, task_list) == []
    assert listed(call, task_list, include_deleted="true") == [made["id"]]
    call("POST", "restore-task", params=target(made))
    assert listed(call, task_list) == [made["id"]]


def test_the_same_idempotency_key_creates_one_task(call: Call, task_list: str) -> None:
    body = {"task_list_id": task_list, "description": "sweep"}
    key = {"Idempotency-Key": f"key-{task_list}"}
    first = call("POST", "create-task", json=body, headers=key)
    again = call("POST", "create-task", json=body, headers=key)
    assert (first.status_code, again.json()) == (201, first.json())
    other = call("POST", "create-task", json={**body, "priority": 1}, headers=key)
    assert_problem(other, 409, "conflict", "Idempotency-Key")
    assert len(listed(call, task_list)) == 1


def test_a_batch_answers_for_each_item_in_the_order_asked(call: Call, task_list: str) -> None:
    body = {"task_list_id": task_list, "tasks": [{"description": f"t{n}"} for n in range(3)]}
    key = {"Idempotency-Key": f"batch-{task_list}"}
    made = call("POST", "batch-create-tasks", json=body, headers=key).json()["items"]
    assert [item["task"]["description"] for item in made] == ["t0", "t1", "t2"]
    again = call("POST", "batch-create-tasks", json=body, headers=key).json()["items"]
    assert [item["task"]["id"] for item in again] == [item["task"]["id"] for item in made]
    ids = [made[2]["task"]["id"], 4711, made[0]["task"]["id"]]
    wanted = {"task_list_id": task_list, "ids": ids}
    got = call("POST", "batch-get-tasks", json=wanted).json()["items"]
    assert [item.get("task", {}).get("description") for item in got] == ["t2", None, "t0"]
    assert got[1]["error"]["status"] == 404
    gone = call("POST", "batch-delete-tasks", json=wanted).json()["items"]
    assert gone == [{"deleted": True}] * 3
    assert listed(call, task_list) == [made[1]["task"]["id"]]


@pytest.mark.parametrize(
    ("name", "field", "items"),
    [
        ("batch-create-tasks", "tasks", [{"description": "x"}] * 501),
        ("batch-get-tasks", "ids", list(range(1, 502))),
        ("batch-delete-tasks", "ids", []),
    ],
)
def test_a_batch_beyond_the_limit_is_refused(
    call: Call, task_list: str, name: str, field: str, items: list[Any]
) -> None:
    answer = call("POST", name, json={"task_list_id": task_list, field: items})
    assert_problem(answer, 422, "invalid", field)


def test_tasks_can_be_queried_by_all_their_fields(call: Call, task_list: str, unique: str) -> None:
    text = f"only {unique}"
    rows = [
        (False, 1, "2026-01-01"),
        (True, 5, "2026-01-03"),
        (False, 9, None),
        (False, 5, "2026-01-02"),
    ]
    ids = [
        make(call, task_list, description=text, done=done, priority=priority,
             due_at=f"{due}T00:00:00Z" if due else None)["id"]
        for done, priority, due in rows
    ]  # fmt: skip
    hidden = make(call, task_list, description=text, priority=9)
    call("POST", "soft-delete-task", params=target(hidden))

    def list_numbers(**params: Any) -> list[int]:
        page = call("GET", "query-tasks", params={"description": text, **params}).json()
        return [ids.index(task["id"]) for task in page["items"]]

    assert list_numbers() == [0, 1, 2, 3]
    assert list_numbers(done="false") == [0, 2, 3]
    assert list_numbers(priority_at_least=5) == [2, 1, 3]
    assert list_numbers(priority_at_least=5, done="false") == [2, 3]
    assert list_numbers(order="due") == [0, 3, 1]
    assert list_numbers(due_from="2026-01-02T00:00:00Z") == [3, 1]
    assert list_numbers(due_from="2026-01-02T00:00:00Z", due_before="2026-01-03T00:00:00Z") == [3]
    assert list_numbers(due_from="2026-01-01T00:00:00Z", priority_at_least=5) == [3, 1]

    def count(**params: Any) -> int:
        answer = call("GET", "count-tasks", params={"description": text, **params})
        return int(answer.json()["count"])

    assert (count(), count(done="true"), count(priority_at_least=5)) == (4, 1, 3)
    assert count(due_before="2026-01-03T00:00:00Z") == 2


def test_an_order_that_conflicts_with_a_range_is_refused(call: Call) -> None:
    params = {"due_from": "2026-01-02T00:00:00Z", "order": "created"}
    assert_problem(call("GET", "query-tasks", params=params), 422, "invalid", "order")


def test_summaries_and_statistics_leave_the_rest_of_a_task_unread(
    call: Call, task_list: str
) -> None:
    make(call, task_list, description="a", priority=2)
    make(call, task_list, description="b", priority=4, done=True)
    here = {"task_list_id": task_list}
    rows = call("GET", "list-task-summaries", params=here).json()["items"]
    assert [(row["description"], row["done"]) for row in rows] == [("a", False), ("b", True)]
    statistics = call("GET", "task-statistics", params=here).json()
    assert statistics == {"count": 2, "priority_sum": 6, "priority_avg": 3.0}


def test_only_the_requested_fields_are_returned(call: Call, task_list: str) -> None:
    made = make(call, task_list)
    params = {**target(made), "fields": "description,done"}
    got = call("GET", "get-task", params=params)
    assert got.json() == {"description": "sweep", "done": False}
    assert got.headers["ETag"] == f'"{made["version"]}"'
    page = call("GET", "list-tasks", params={"task_list_id": task_list, "fields": "id"}).json()
    assert page["items"] == [{"id": made["id"]}]
    for wrong in ("request_hash", "_request_hash", "id;drop"):
        answer = call("GET", "get-task", params={**target(made), "fields": wrong})
        assert_problem(answer, 422, "invalid", "fields")


def test_an_upsert_that_may_only_create_changes_nothing_existing(
    call: Call, task_list: str
) -> None:
    body = {"id": task_list, "name": "Other"}
    only_create = {"If-None-Match": "*"}
    answer = call("PUT", "upsert-task-list", json=body, headers=only_create)
    assert_problem(answer, 412, "version-mismatch", "If-None-Match")
    assert call("GET", "get-task-list", params={"id": task_list}).json()["name"] == "Home"


def test_an_upsert_that_may_only_rename_creates_nothing(call: Call, unique: str) -> None:
    body = {"id": unique, "name": "Home"}
    for wanted in ("*", '"5"'):
        answer = call("PUT", "upsert-task-list", json=body, headers={"If-Match": wanted})
        assert_problem(answer, 412, "version-mismatch", "If-Match")
    assert_problem(call("GET", "get-task-list", params={"id": unique}), 404, "not-found")
    call("PUT", "upsert-task-list", json=body)
    renamed = {"id": unique, "name": "Work"}
    assert call("PUT", "upsert-task-list", json=renamed, headers={"If-Match": "*"}).ok


@pytest.mark.parametrize("wanted", ['"5"', 'W/"5"', '"*"', "", "*, *"])
def test_an_unknown_condition_is_400(call: Call, task_list: str, wanted: str) -> None:
    body, condition = {"id": task_list, "name": "Other"}, {"If-None-Match": wanted}
    answer = call("PUT", "upsert-task-list", json=body, headers=condition)
    assert_problem(answer, 400, "malformed", "If-None-Match")
    both = {"If-None-Match": "*", "If-Match": "*"}
    answer = call("PUT", "upsert-task-list", json=body, headers=both)
    assert_problem(answer, 400, "malformed", "If-Match")


def test_no_other_text_is_an_entity_tag(call: Call, task_list: str) -> None:
    version = call("GET", "get-task-list", params={"id": task_list}).json()["version"]
    for tag in (f'"0{version}"', f'""{version}""', f'"{version}', f'W/"{version}"', "", "²"):
        answer = call(
            "PATCH",
            "update-task-list",
            params={"id": task_list},
            json={"name": "Other"},
            headers={"If-Match": tag.encode()},
        )
        assert_problem(answer, 412, "version-mismatch", "If-Match")


def test_a_cascading_delete_deletes_the_tasks(call: Call, task_list: str) -> None:
    tasks = [{"description": f"t{n}"} for n in range(500)]
    for _ in range(2):
        call("POST", "batch-create-tasks", json={"task_list_id": task_list, "tasks": tasks})
    here = {"id": task_list}
    assert_problem(call("DELETE", "delete-task-list", params=here), 409, "conflict")
    gone = call("DELETE", "delete-task-list", params={**here, "cascade": "true"})
    assert gone.status_code == 204, gone.text
    assert_problem(call("GET", "get-task-list", params=here), 404, "not-found")
    counted = call("GET", "list-tasks", params={"task_list_id": task_list})
    assert_problem(counted, 404, "not-found")


def test_a_cascading_delete_that_runs_out_of_time_closes_the_list_and_can_be_resumed(
    call: Call, task_list: str
) -> None:
    make(call, task_list)
    here = {"id": task_list, "cascade": "true"}
    begun = call("DELETE", "delete-task-list", params=here, headers={"X-Server-Timeout": "4"})
    assert (begun.status_code, begun.json()) == (202, {"done": False, "tasks": 0})
    body = {"task_list_id": task_list, "description": "too late"}
    assert_problem(call("POST", "create-task", json=body), 409, "conflict", "task_list_id")
    assert call("DELETE", "delete-task-list", params=here).status_code == 204
    assert_problem(call("GET", "get-task-list", params={"id": task_list}), 404, "not-found")
