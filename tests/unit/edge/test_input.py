"""What the edge refuses before a function is called, and how selected fields are returned."""

import inspect
import json
from typing import Any

import flask
import pytest

import main
from domain.todo.models import Task, TaskList
from domain.todo.requests import NewTaskList
from domain.todo.task_lists import make_list
from lib.datastore import UNSET_TIME, Page
from lib.edge.response.reply import pick_fields
from lib.errors import Invalid

WITH_BODY = [
    name
    for name, function in main.FUNCTIONS.items()
    if function.invoker in ("caller", "operator")
    and "body" in inspect.signature(getattr(main, name)).parameters
]


def send_request(
    name: str, method: str, query: str = "", body: str = ""
) -> tuple[int, dict[str, Any]]:
    """Call a function from this machine, without a server."""
    context = flask.Flask("x").test_request_context(
        f"/?{query}",
        method=method,
        data=body.encode(),
        content_type="application/json",
        environ_base={"REMOTE_ADDR": "127.0.0.1"},
    )
    with context:
        answer = getattr(main, name)(flask.request)
        return answer.status_code, json.loads(answer.get_data())


@pytest.mark.parametrize("name", WITH_BODY)
def test_no_function_accepts_an_unpaired_surrogate(name: str) -> None:
    method = main.FUNCTIONS[name].method
    query = _query_of(name)
    status, answer = send_request(name, method, query, '{"any": ["\\ud800"]}')
    assert (status, answer["code"], answer["field"]) == (400, "malformed", "any[0]")


@pytest.mark.parametrize("field", ["id", "i\\u0064"])
def test_a_repeated_member_is_400_and_named(field: str) -> None:
    body = f'{{"id": "a", "name": "x", "{field}": "b"}}'
    status, answer = send_request("create_task_list", "POST", "", body)
    assert (status, answer["code"], answer["field"]) == (400, "malformed", "id")


@pytest.mark.parametrize("name", ["get_saga", "get_order", "get_task_list"])
@pytest.mark.parametrize("query", ["id=", "id", "", "id=%00", "id=%ED%A0%80"])
def test_an_invalid_id_is_422_and_named(name: str, query: str) -> None:
    status, answer = send_request(name, "GET", query)
    assert (status, answer["field"]) == (422, "id")


@pytest.mark.parametrize("items", [[], [make_list(NewTaskList(id="a", name="x"), UNSET_TIME)]])
def test_an_unknown_field_is_refused_on_every_page(items: list[TaskList]) -> None:
    with pytest.raises(Invalid, match="there is no field 'nonsense'; the fields are id, name"):
        pick_fields(Page(items, None), TaskList, "name,nonsense")


def test_only_public_fields_can_be_picked() -> None:
    with pytest.raises(Invalid, match="there is no field '_request_hash'"):
        pick_fields(Page([], None), Task, "_request_hash")
    with pytest.raises(Invalid, match="there is no field '_unknown'"):
        pick_fields(Page([], None), Task, "_unknown")


def _query_of(name: str) -> str:
    """Return a query string with the parameters that the function needs besides its body."""
    wanted = inspect.signature(getattr(main, name)).parameters
    return "&".join(f"{each}=1" for each in ("task_list_id", "id") if each in wanted)
