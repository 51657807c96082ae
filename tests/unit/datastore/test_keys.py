"""Keys: constructed, checked, written as text and read back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.datastore import Key, key, key_from_url, key_of
from lib.datastore.keys import Partition, read_key, write_key
from lib.errors import Invalid, Malformed
from tests.unit.datastore.models import Task, TaskList
from tests.unit.datastore.test_save_and_load import NAMES


def test_a_key_is_the_path_from_the_root_down() -> None:
    made = key(Task, "a", 5)
    assert made.path == (("TaskList", "a"), ("Task", 5))
    assert (made.kind, made.id, made.is_complete) == ("Task", 5, True)
    assert made.parent == key(TaskList, "a")
    assert key(TaskList, "a").parent is None
    assert str(made) == "TaskList('a')/Task(5)"


@pytest.mark.parametrize("nothing", [None, 0])
def test_an_unknown_id_makes_an_incomplete_key(nothing: int | None) -> None:
    assert not key(Task, "a", nothing).is_complete
    assert not key_of(Task(id=0, task_list_id="a")).is_complete


@pytest.mark.parametrize(
    ("ids", "field"),
    [
        (("", 1), "task_list_id"),
        ((None, 1), "task_list_id"),
        ((7, 1), "task_list_id"),
        (("__x__", 1), "task_list_id"),
        (("x" * 1501, 1), "task_list_id"),
        (("é" * 751, 1), "task_list_id"),
        (("\udfff", 1), "task_list_id"),
        (("a", -1), "id"),
        (("a", 2**63), "id"),
        (("a", "b"), "id"),
        (("a", ""), "id"),
        (("a", True), "id"),
        (("a", False), "id"),
        (("a", 1.5), "id"),
    ],
)
def test_an_id_that_the_service_would_refuse_is_refused_by_field(
    ids: tuple[int | str, ...], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        key(Task, *ids)
    assert refused.value.field == field


def test_the_longest_name_and_the_largest_id_are_accepted() -> None:
    assert key(Task, "é" * 750, 2**63 - 1).is_complete


def test_the_wrong_number_of_ids_raises_type_error() -> None:
    with pytest.raises(TypeError, match="takes 2 ids: task_list_id, id"):
        key(Task, "a")


@settings(deadline=None)
@given(NAMES, st.integers(1, 2**63 - 1), st.none() | NAMES)
def test_a_key_survives_a_url_and_a_message(name: str, id: int, namespace: str | None) -> None:
    made = key(Task, name, id)
    if namespace is not None:
        made = made.in_namespace(namespace)
    text = made.to_url()
    assert text.replace("-", "").replace("_", "").isalnum()
    back = key_from_url(text, Task)
    assert back == made
    assert back.model is Task
    partition = Partition("p", "db", "own")
    assert read_key(write_key(made, partition), partition) == made


@pytest.mark.parametrize("text", ["", "!", "é", "AAAA", "abc", key(TaskList, "a").to_url() + "=="])
def test_broken_text_is_refused_as_a_key(text: str) -> None:
    with pytest.raises(Malformed, match="not a key of Task"):
        key_from_url(text, Task)


def test_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(Malformed, match="not a key of Task"):
        key_from_url(key(TaskList, "a").to_url(), Task)


@pytest.mark.parametrize(
    "path", [(("TaskList", "a"), ("Task", "b")), (("TaskList", 5), ("Task", 5))]
)
def test_a_key_with_ids_of_another_type_is_refused(path: tuple[tuple[str, int | str], ...]) -> None:
    with pytest.raises(Malformed, match="not a key of Task"):
        key_from_url(Key(path).to_url(), Task)


def test_a_message_carries_project_database_and_namespace() -> None:
    pb = write_key(key(TaskList, "a"), Partition("p", "db", "own"))
    where = pb.partition_id
    assert (where.project_id, where.database_id, where.namespace_id) == ("p", "db", "own")
    foreign: Key[TaskList] = key(TaskList, "a").in_namespace("other")
    assert write_key(foreign, Partition("p", "db", "own")).partition_id.namespace_id == "other"
