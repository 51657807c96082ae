"""What a client may do to queues, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest
from google.api_core import exceptions

from tests.contract.local_tasks.test_tasks import make_task
from tests.support.worker import LOCATION, QUEUE, Worker

OTHER = f"{LOCATION}/queues/other"


def test_a_new_queue_has_the_services_defaults(client: Any) -> None:
    queue = client.create_queue(parent=LOCATION, queue={"name": OTHER})
    assert queue.state.name == "RUNNING"
    assert queue.rate_limits.max_dispatches_per_second == 500
    assert queue.rate_limits.max_concurrent_dispatches == 1000
    assert queue.retry_config.max_attempts == 100
    assert queue.retry_config.min_backoff == timedelta(milliseconds=100)
    assert queue.retry_config.max_backoff == timedelta(hours=1)
    assert queue.retry_config.max_doublings == 16
    assert client.get_queue(name=OTHER) == queue


def test_a_queue_is_created_once_and_not_again_after_its_deletion(client: Any) -> None:
    client.create_queue(parent=LOCATION, queue={"name": OTHER})
    with pytest.raises(exceptions.AlreadyExists, match="Queue already exists"):
        client.create_queue(parent=LOCATION, queue={"name": OTHER})
    client.delete_queue(name=OTHER)
    with pytest.raises(exceptions.FailedPrecondition, match="too recently"):
        client.create_queue(parent=LOCATION, queue={"name": OTHER})
    for call in (client.get_queue, client.pause_queue, client.resume_queue, client.purge_queue):
        with pytest.raises(exceptions.NotFound, match="If you just created the queue, wait"):
            call(name=OTHER)
    with pytest.raises(exceptions.NotFound, match="If you just created the queue, wait"):
        client.create_task(parent=OTHER, task=make_task())
    with pytest.raises(exceptions.NotFound, match="Requested entity was not found"):
        client.delete_queue(name=OTHER)


def test_only_the_fields_of_the_mask_are_updated(client: Any) -> None:
    client.update_queue(
        queue={
            "name": QUEUE,
            "rate_limits": {"max_dispatches_per_second": 7, "max_concurrent_dispatches": 3},
            "retry_config": {"max_attempts": 5},
        },
        update_mask={"paths": ["rate_limits.max_dispatches_per_second"]},
    )
    queue = client.get_queue(name=QUEUE)
    assert queue.rate_limits.max_dispatches_per_second == 7
    assert queue.rate_limits.max_concurrent_dispatches == 1000
    assert queue.retry_config.max_attempts == 100


def test_an_update_cannot_change_the_state_and_creates_a_missing_queue(
    client: Any,
) -> None:
    client.pause_queue(name=QUEUE)
    client.update_queue(queue={"name": QUEUE, "state": "RUNNING"})
    assert client.get_queue(name=QUEUE).state.name == "PAUSED"
    client.update_queue(queue={"name": OTHER})
    assert client.get_queue(name=OTHER).state.name == "RUNNING"


def test_a_purged_queue_is_empty_and_delivers_later_tasks(client: Any, worker: Worker) -> None:
    client.pause_queue(name=QUEUE)
    for _ in range(3):
        client.create_task(parent=QUEUE, task=make_task(worker.url))
    assert client.purge_queue(name=QUEUE).purge_time
    assert list(client.list_tasks(parent=QUEUE)) == []
    client.create_task(parent=QUEUE, task=make_task(worker.url, name=f"{QUEUE}/tasks/after"))
    client.resume_queue(name=QUEUE)
    assert worker.wait_for(1)[0].task == "after"


def test_a_paused_queue_accepts_tasks_and_delivers_them_when_resumed(
    client: Any, worker: Worker
) -> None:
    client.pause_queue(name=QUEUE)
    client.create_task(parent=QUEUE, task=make_task(worker.url, name=f"{QUEUE}/tasks/held"))
    client.create_queue(parent=LOCATION, queue={"name": OTHER})
    client.create_task(parent=OTHER, task=make_task(worker.url, name=f"{OTHER}/tasks/free"))
    assert worker.wait_for(1)[0].task == "free"
    client.resume_queue(name=QUEUE)
    assert worker.wait_for(2)[1].task == "held"


def test_queues_are_listed_by_page_and_by_state(client: Any) -> None:
    client.create_queue(parent=LOCATION, queue={"name": OTHER})
    client.pause_queue(name=OTHER)
    pages = client.list_queues(request={"parent": LOCATION, "page_size": 1}).pages
    assert [[queue.name for queue in page.queues] for page in pages] == [[OTHER], [QUEUE]]
    paused = client.list_queues(request={"parent": LOCATION, "filter": "state: PAUSED"})
    assert [queue.name for queue in paused] == [OTHER]
    assert list(client.list_queues(parent="projects/p/locations/elsewhere")) == []


@pytest.mark.parametrize(
    ("queue", "complaint"),
    [
        ({"name": f"{LOCATION}/queues/a_b"}, "Queue name must be formatted"),
        ({"name": f"{LOCATION}/queues/{'x' * 101}"}, "Queue name must be formatted"),
        ({"name": "projects/p/locations/elsewhere/queues/q"}, "q must begin with"),
        ({"name": OTHER, "rate_limits": {"max_dispatches_per_second": 501}}, "equal to 500"),
        ({"name": OTHER, "rate_limits": {"max_dispatches_per_second": -1}}, "cannot be negative"),
        ({"name": OTHER, "rate_limits": {"max_concurrent_dispatches": 5001}}, "equal to 5000"),
        ({"name": OTHER, "rate_limits": {"max_concurrent_dispatches": -1}}, "cannot be negative"),
        ({"name": OTHER, "retry_config": {"max_attempts": -2}}, "maxAttempts must be greater"),
        ({"name": OTHER, "retry_config": {"max_doublings": -1}}, "maxDoublings cannot be negative"),
        (
            {"name": OTHER, "retry_config": {"min_backoff": timedelta(seconds=-1)}},
            "minBackoff cannot be negative",
        ),
        ({"name": OTHER, "stackdriver_logging_config": {"sampling_ratio": 1.5}}, "sampling_ratio"),
        (
            {"name": OTHER, "retry_config": {"max_backoff": timedelta(milliseconds=1)}},
            "minBackoff must be less than or equal to RetryConfig.maxBackoff",
        ),
    ],
)
def test_what_cloud_tasks_refuses_is_refused_with_the_reason(
    shared_client: Any, queue: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=complaint):
        shared_client.create_queue(parent=LOCATION, queue=queue)


def test_a_broken_page_token_and_an_unknown_filter_are_refused(shared_client: Any) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="page token"):
        shared_client.list_tasks(request={"parent": QUEUE, "page_token": "\xff"})
    with pytest.raises(exceptions.InvalidArgument, match="filter"):
        shared_client.list_queues(request={"parent": LOCATION, "filter": "colour: red"})


def test_a_page_token_belongs_to_its_listing(client: Any) -> None:
    client.create_queue(parent=LOCATION, queue={"name": OTHER})
    first = client.list_queues(request={"parent": LOCATION, "page_size": 1})
    again = {"parent": LOCATION, "page_token": first.next_page_token, "filter": "state:RUNNING"}
    with pytest.raises(exceptions.InvalidArgument, match="another listing"):
        client.list_queues(request=again)


def test_the_locations_are_those_that_have_queues(client: Any) -> None:
    client.create_queue(
        parent="projects/amends-local/locations/x",
        queue={"name": "projects/amends-local/locations/x/queues/q"},
    )
    listed = client.list_locations({"name": "projects/amends-local"}).locations
    assert [location.location_id for location in listed] == ["local", "x"]
    assert client.get_location({"name": LOCATION}).name == LOCATION
    with pytest.raises(exceptions.NotFound, match="location has no queues"):
        client.get_location({"name": "projects/amends-local/locations/nowhere"})
    with pytest.raises(exceptions.InvalidArgument, match="Project name"):
        client.list_locations({"name": "amends-local"})
