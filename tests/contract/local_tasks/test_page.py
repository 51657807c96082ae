"""The page: what it shows, and who may use it."""

import threading
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from local.host.ports import PortTaken
from local.scheduler.job import Job
from local.tasks.embedded import EmbeddedServer, serve
from tests.contract.local_tasks.conftest import StartServer
from tests.contract.local_tasks.test_tasks import in_an_hour, make_task
from tests.support.wait import wait_until
from tests.support.worker import QUEUE, Delivery, Worker, connect


def read_page(server: EmbeddedServer) -> str:
    with urllib.request.urlopen(server.page_url) as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        page: str = answer.read().decode()
    return page


def post(server: EmbeddedServer, path: str, **headers: str) -> int:
    url = server.page_url.rstrip("/") + path
    with urllib.request.urlopen(urllib.request.Request(url, b"", headers)) as answer:
        status: int = answer.status
    return status


def test_it_shows_queues_their_waiting_tasks_and_the_last_failures(
    start_server: StartServer, worker: Worker
) -> None:
    worker.script = lambda _: (418, {})
    server = start_server({"retryConfig": {"minBackoff": "60s", "maxBackoff": "60s"}})
    client: Any = connect(server.address)
    task = make_task(f"{worker.url}?a=<b>&c", name=f"{QUEUE}/tasks/stubborn")
    client.create_task(parent=QUEUE, task=task)
    wait_until(lambda: client.get_task(name=task["name"]).response_count == 1)
    page = read_page(server)
    assert "Queue sagas" in page
    assert "1 waiting, 0 in progress" in page
    assert "stubborn" in page
    assert "?a=%3Cb%3E&amp;c" in page
    assert "HTTP status code 418" in page
    assert "retry in 60 s" in page


def test_it_shows_that_a_queue_is_slowed_down_by_its_worker(
    start_server: StartServer, worker: Worker
) -> None:
    worker.script = lambda _: (429, {})
    server = start_server({"retryConfig": {"minBackoff": "60s"}})
    connect(server.address).create_task(parent=QUEUE, task=make_task(worker.url))
    wait_until(lambda: "slowed to 250/s" in read_page(server))
    assert "queue slowed" in read_page(server)


def test_it_shows_a_paused_queue_and_how_much_more_there_is(start_server: StartServer) -> None:
    server = start_server()
    client: Any = connect(server.address)
    client.pause_queue(name=QUEUE)
    for _ in range(22):
        client.create_task(parent=QUEUE, task=make_task(schedule_time=in_an_hour()))
    page = read_page(server)
    assert ">paused<" in page
    assert "2 more" in page


def test_it_shows_running_and_finished_tasks(start_server: StartServer, worker: Worker) -> None:
    server = start_server()
    client: Any = connect(server.address)
    go_on = threading.Event()

    def hold(_: Delivery) -> tuple[int, dict[str, str]]:
        go_on.wait(30)
        return 200, {}

    worker.script = hold
    client.create_task(parent=QUEUE, task=make_task(worker.url))
    worker.wait_for(1)
    assert "in progress" in read_page(server)
    go_on.set()
    wait_until(lambda: "done" in read_page(server))


def test_it_shows_the_jobs_of_the_scheduler(start_server: StartServer, worker: Worker) -> None:
    job = Job(name="<nightly>", schedule="0 2 * * *", time_zone="Europe/London", url=worker.url)
    page = read_page(start_server(jobs=[job]))
    assert "&lt;nightly&gt;" in page
    assert "0 2 * * * (Europe/London)" in page
    assert "never" in page


def test_a_reset_deletes_every_task_unless_another_site_asks_for_it(
    start_server: StartServer,
) -> None:
    server = start_server()
    client: Any = connect(server.address)
    task = make_task(name=f"{QUEUE}/tasks/one", schedule_time=in_an_hour())
    client.create_task(parent=QUEUE, task=task)
    with pytest.raises(HTTPError, match="403"):
        post(server, "/reset", **{"Sec-Fetch-Site": "cross-site"})
    assert len(list(client.list_tasks(parent=QUEUE))) == 1
    assert post(server, "/reset") == 200
    assert list(client.list_tasks(parent=QUEUE)) == []
    client.create_task(parent=QUEUE, task=task)


def test_its_buttons_pause_a_queue_run_a_task_and_purge(
    start_server: StartServer, worker: Worker
) -> None:
    server = start_server()
    client: Any = connect(server.address)
    assert post(server, f"/v2/{QUEUE}:pause") == 200  # through the overview
    assert client.get_queue(name=QUEUE).state.name == "PAUSED"
    name = client.create_task(parent=QUEUE, task=make_task(worker.url)).name
    assert f'action="/v2/{name}:run"' in read_page(server)
    post(server, f"/v2/{name}:run")
    worker.wait_for(1)
    client.create_task(parent=QUEUE, task=make_task(worker.url))
    post(server, f"/v2/{QUEUE}:purge")
    assert list(client.list_tasks(parent=QUEUE)) == []
    post(server, f"/v2/{QUEUE}:resume")
    assert client.get_queue(name=QUEUE).state.name == "RUNNING"


@pytest.mark.parametrize(
    "target", [f"{QUEUE}/tasks/never:run", f"{QUEUE}:delete", "projects/x:run"]
)
def test_a_button_that_fails_shows_why(start_server: StartServer, target: str) -> None:
    with pytest.raises(HTTPError, match="409"):
        post(start_server(), f"/v2/{target}")


def test_the_grpc_port_answers_plain_http_with_a_link_to_the_page(
    start_server: StartServer,
) -> None:
    server = start_server()
    with urllib.request.urlopen(f"http://{server.address}/") as answer:
        assert server.page_url in answer.read().decode()


def test_an_unknown_path_is_not_found(start_server: StartServer) -> None:
    with pytest.raises(HTTPError, match="404"):
        post(start_server(), "/queues")


@pytest.mark.parametrize("which", ["port", "page_port"])
def test_a_taken_port_is_reported_like_everywhere_in_local(
    tmp_path: Path, start_server: StartServer, which: str
) -> None:
    server = start_server()
    addresses = {"port": f"http://{server.address}", "page_port": server.page_url}
    port = urlsplit(addresses[which]).port
    with pytest.raises(PortTaken, match=str(port)):
        serve(tmp_path / "second", **{which: port})
