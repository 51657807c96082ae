import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import tasks_v2

from local.scheduler.job import Job
from local.tasks.embedded import serve
from local.tasks.resources.queue_checks import complete_queue
from local.tasks.v2.messages import Queue
from tests.support.wait import wait_until
from tests.support.worker import LOCATION, QUEUE, Worker, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    if os.environ.get("CI"):
        pytest.skip("CI runs no browser")
    api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: make test-browser"
    )
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def queue_page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the local Cloud Tasks' page: two queues, tasks, an attempt, a job."""
    worker = Worker(lambda _: (503, {}))
    empty = f"{LOCATION}/queues/empty"
    queues = [complete_queue(Queue(name=name)) for name in (QUEUE, empty)]
    job = Job(name="sweep-sagas", schedule="* * * * *", url=worker.url)
    server = serve(tmp_path_factory.mktemp("page"), queues=queues, jobs=[job])
    client: Any = connect(server.address)
    later = datetime.now(UTC) + timedelta(hours=1)
    for number in range(3):
        request = {"url": f"{worker.url}/a-long-path-of-a-step/{'x' * 60}/{number}"}
        task = tasks_v2.Task(name=f"{QUEUE}/tasks/t{number}", http_request=request)
        client.create_task(parent=QUEUE, task=task)
    waiting = tasks_v2.Task(http_request={"url": worker.url}, schedule_time=later)
    client.create_task(parent=QUEUE, task=waiting)
    wait_until(lambda: client.get_task(name=f"{QUEUE}/tasks/t0").response_count)
    yield server.page_url
    server.stop()
    worker.close()


@pytest.fixture
def folder() -> Path | None:
    """Where pictures go, if PICTURES names a folder."""
    return Path(os.environ["PICTURES"]) if os.environ.get("PICTURES") else None
