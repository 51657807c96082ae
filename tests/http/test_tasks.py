import pytest

from tests.http.conftest import Call, assert_problem


@pytest.fixture
def task_list(call: Call, unique: str) -> str:
    call("POST", "create-task-list", json={"id": unique, "name": "Home"})
    return unique


def make(call: Call, task_list: str, description: str = "sweep") -> dict[str, object]:
    body = {"task_list_id": task_list, "description": description}
    made: dict[str, object] = call("POST", "create-task", json=body).json()
    return made


def test_a_task_in_a_list_that_does_not_exist_is_refused(call: Call, unique: str) -> None:
    body = {"task_list_id": unique, "description": "sweep"}
    assert_problem(call("POST", "create-task", json=body), 404, "not-found", "task_list_id")


def test_a_created_task_can_be_read_with_its_defaults(call: Call, task_list: str) -> None:
    made = make(call, task_list)
    target = {"task_list_id": task_list, "id": made["id"]}
    read = call("GET", "get-task", params=target).json()
    assert read == made
    assert (read["done"], read["priority"], read["deleted_at"]) == (False, 0, None)


def test_an_update_changes_only_the_given_fields(call: Call, task_list: str) -> None:
    made = make(call, task_list)
    target = {"task_list_id": task_list, "id": made["id"]}
    changed = call("PATCH", "update-task", params=target, json={"done": True}).json()
    assert changed == {**made, "done": True, "version": changed["version"]}
    assert changed["version"] != made["version"]


def test_a_stale_update_is_refused(call: Call, task_list: str) -> None:
    made = make(call, task_list)
    target = {"task_list_id": task_list, "id": made["id"]}
    old = {"If-Match": f'"{made["version"]}"'}
    call("PATCH", "update-task", params=target, json={"done": True})
    stale = call("PATCH", "update-task", params=target, json={"priority": 3}, headers=old)
    assert_problem(stale, 412, "version-mismatch", "If-Match")


def test_a_deleted_task_is_gone(call: Call, task_list: str) -> None:
    target = {"task_list_id": task_list, "id": make(call, task_list)["id"]}
    assert call("DELETE", "delete-task", params=target).status_code == 204
    assert_problem(call("GET", "get-task", params=target), 404, "not-found")
    assert_problem(call("DELETE", "delete-task", params=target), 404, "not-found")


def test_the_pages_of_a_list_hold_its_tasks_by_creation_time(call: Call, task_list: str) -> None:
    made = [make(call, task_list, f"task {number}")["id"] for number in range(5)]
    first = call("GET", "list-tasks", params={"task_list_id": task_list, "page_size": 3}).json()
    rest = {"task_list_id": task_list, "page_token": first["next_page_token"]}
    second = call("GET", "list-tasks", params=rest).json()
    assert [item["id"] for item in first["items"] + second["items"]] == made
    assert second["next_page_token"] is None


def test_a_page_token_of_another_list_is_refused(call: Call, task_list: str, unique: str) -> None:
    for number in range(2):
        make(call, task_list, f"task {number}")
    page = call("GET", "list-tasks", params={"task_list_id": task_list, "page_size": 1}).json()
    other = f"{unique}-other"
    call("POST", "create-task-list", json={"id": other, "name": "x"})
    params = {"task_list_id": other, "page_token": page["next_page_token"]}
    assert_problem(call("GET", "list-tasks", params=params), 400, "malformed", "page_token")


def test_a_soft_deleted_task_says_so(call: Call, task_list: str) -> None:
    target = {"task_list_id": task_list, "id": make(call, task_list)["id"]}
    assert call("GET", "get-task", params=target).json()["is_deleted"] is False
    assert call("POST", "soft-delete-task", params=target).json()["is_deleted"] is True
    fields = call("GET", "get-task", params={**target, "fields": "id,is_deleted"}).json()
    assert fields == {"id": target["id"], "is_deleted": True}
    assert call("POST", "restore-task", params=target).json()["is_deleted"] is False
