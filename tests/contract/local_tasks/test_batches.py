from typing import Any

import pytest
from google.api_core import exceptions

from tests.contract.local_tasks.test_tasks import in_an_hour, make_task
from tests.support.worker import LOCATION, QUEUE


def make_request(name: str, parent: str = QUEUE) -> dict[str, Any]:
    task = make_task(name=f"{parent}/tasks/{name}", schedule_time=in_an_hour())
    return {"parent": parent, "task": task}


def test_a_batch_creates_what_it_can_and_reports_errors_by_index(client: Any) -> None:
    requests = [make_request("a"), make_request("a"), make_request("b")]
    operation = client.batch_create_tasks(request={"parent": QUEUE, "requests": requests})
    assert [task.name[-1] for task in operation.result().tasks] == ["a", "b"]
    assert operation.metadata.state.name == "PARTIALLY_SUCCEEDED"
    assert {index: status.code for index, status in operation.metadata.failed_requests.items()} == {
        1: 6
    }
    assert [task.name[-1] for task in client.list_tasks(parent=QUEUE)] == ["a", "b"]


def test_a_batch_deletes_existing_tasks(client: Any) -> None:
    client.create_task(make_request("a"))
    names = [f"{QUEUE}/tasks/a", f"{QUEUE}/tasks/never"]
    operation = client.batch_delete_tasks(request={"parent": QUEUE, "names": names})
    operation.result()
    assert list(operation.metadata.failed_requests) == [1]
    assert list(client.list_tasks(parent=QUEUE)) == []


def test_a_batch_of_which_nothing_succeeds_is_aborted(shared_client: Any) -> None:
    names = [f"{QUEUE}/tasks/never"]
    operation = shared_client.batch_delete_tasks(request={"parent": QUEUE, "names": names})
    with pytest.raises(exceptions.Aborted, match="None of the requests succeeded"):
        operation.result()


def test_a_batch_is_of_one_queue_and_of_limited_size(shared_client: Any) -> None:
    other = make_request("a", f"{LOCATION}/queues/other")
    with pytest.raises(exceptions.InvalidArgument, match="same as the batch"):
        shared_client.batch_create_tasks(request={"parent": QUEUE, "requests": [other]})
    names = [f"{QUEUE}/tasks/{number}" for number in range(1001)]
    with pytest.raises(exceptions.InvalidArgument, match="1000"):
        shared_client.batch_delete_tasks(request={"parent": QUEUE, "names": names})


def test_a_batch_repeated_with_its_id_is_not_run_again(client: Any) -> None:
    batch = {"parent": QUEUE, "requests": [make_request("a")], "request_id": "once"}
    first = client.batch_create_tasks(request=batch)
    again = client.batch_create_tasks(request=batch)
    assert again.result() == first.result()
    assert client.get_operation({"name": first.operation.name}) == first.operation


def test_an_unknown_operation_is_not_found(shared_client: Any) -> None:
    with pytest.raises(exceptions.NotFound, match="operation does not exist"):
        shared_client.get_operation({"name": f"{LOCATION}/operations/never"})
