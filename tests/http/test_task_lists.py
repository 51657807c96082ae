from tests.http.conftest import Call, assert_problem


def test_a_created_list_can_be_read(call: Call, unique: str) -> None:
    created = call("POST", "create-task-list", json={"id": unique, "name": "Home"})
    assert created.status_code == 201
    read = call("GET", "get-task-list", params={"id": unique})
    assert read.json() == created.json()
    assert read.headers["ETag"] == created.headers["ETag"]


def test_a_list_is_created_once(call: Call, unique: str) -> None:
    call("POST", "create-task-list", json={"id": unique, "name": "Home"})
    again = call("POST", "create-task-list", json={"id": unique, "name": "Other"})
    assert_problem(again, 409, "already-exists")
    assert call("GET", "get-task-list", params={"id": unique}).json()["name"] == "Home"


def test_a_list_can_be_renamed_only_when_it_exists(call: Call, unique: str) -> None:
    renamed = call("PATCH", "update-task-list", params={"id": unique}, json={"name": "Work"})
    assert_problem(renamed, 404, "not-found")
    call("POST", "create-task-list", json={"id": unique, "name": "Home"})
    renamed = call("PATCH", "update-task-list", params={"id": unique}, json={"name": "Work"})
    assert renamed.json()["name"] == "Work"


def test_a_stale_rename_is_refused_and_changes_nothing(call: Call, unique: str) -> None:
    seen = call("POST", "create-task-list", json={"id": unique, "name": "Home"}).headers["ETag"]
    target = {"params": {"id": unique}, "headers": {"If-Match": seen}}
    assert call("PATCH", "update-task-list", json={"name": "Work"}, **target).status_code == 200
    stale = call("PATCH", "update-task-list", json={"name": "Play"}, **target)
    assert_problem(stale, 412, "version-mismatch", "If-Match")
    assert call("GET", "get-task-list", params={"id": unique}).json()["name"] == "Work"


def test_an_upsert_creates_and_then_renames_but_keeps_the_creation_time(
    call: Call, unique: str
) -> None:
    first = call("PUT", "upsert-task-list", json={"id": unique, "name": "Home"}).json()
    second = call("PUT", "upsert-task-list", json={"id": unique, "name": "Work"}).json()
    assert second["name"] == "Work"
    assert second["created_at"] == first["created_at"]
    assert second["version"] > first["version"]


def test_a_list_with_tasks_is_not_deleted_and_an_empty_one_is(call: Call, unique: str) -> None:
    call("POST", "create-task-list", json={"id": unique, "name": "Home"})
    body = {"task_list_id": unique, "description": "sweep"}
    task = call("POST", "create-task", json=body).json()
    assert_problem(call("DELETE", "delete-task-list", params={"id": unique}), 409, "conflict")
    call("DELETE", "delete-task", params={"task_list_id": unique, "id": task["id"]})
    assert call("DELETE", "delete-task-list", params={"id": unique}).status_code == 204
    assert_problem(call("GET", "get-task-list", params={"id": unique}), 404, "not-found")


def test_every_list_is_on_exactly_one_page(call: Call, unique: str) -> None:
    made = [f"{unique}-{number}" for number in range(7)]
    for name in made:
        call("POST", "create-task-list", json={"id": name, "name": "x"})
    seen: list[str] = []
    token = None
    while True:
        params = {"page_size": 3} | ({"page_token": token} if token else {})
        page = call("GET", "list-task-lists", params=params).json()
        assert len(page["items"]) <= 3
        seen += [item["id"] for item in page["items"]]
        token = page["next_page_token"]
        if token is None:
            break
    assert [name for name in seen if name.startswith(unique)] == made
    assert len(seen) == len(set(seen))


def test_a_page_says_whether_there_is_more(call: Call, unique: str) -> None:
    for number in range(2):
        call("POST", "create-task-list", json={"id": f"{unique}-{number}", "name": "x"})
    first = call("GET", "list-task-lists", params={"page_size": 1}).json()
    assert first["has_more"] is True
    token = first["next_page_token"]
    while token is not None:
        params = {"page_size": 200, "page_token": token}
        page = call("GET", "list-task-lists", params=params).json()
        token = page["next_page_token"]
        assert page["has_more"] is (token is not None)
