"""Only a saga that is started at a staged revision runs on the staged worker."""

from collections.abc import Iterator

import flask
import pytest

from functions import clients
from lib.config import config

WORKER = "https://run-saga-step-1.europe-west1.run.app"
STARTER = "start-saga-1.europe-west1.run.app"


@pytest.fixture(autouse=True)
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AMENDS_BASE_URL", f"https://{STARTER}")
    monkeypatch.setenv("AMENDS_WORKER_URL", WORKER)
    monkeypatch.setenv("AMENDS_TASKS_HOST", "127.0.0.1:1")
    config.cache_clear()
    yield
    config.cache_clear()


def target(host: str) -> str:
    queue = clients._queue()
    with flask.Flask("x").test_request_context("/", base_url=f"https://{host}"):
        return queue._url()


def test_a_saga_started_under_a_revisions_tag_runs_under_it() -> None:
    staged = WORKER.replace("https://", "https://next---")
    assert target(f"next---{STARTER}") == f"{staged}/run-saga-step"
    assert clients._queue()._audience == WORKER


@pytest.mark.parametrize(
    "host", [STARTER, "next---evil.example", f"a/b---{STARTER}", f"---{STARTER}", "127.0.0.1"]
)
def test_any_other_saga_runs_on_the_serving_worker(host: str) -> None:
    assert target(host) == f"{WORKER}/run-saga-step"


def test_deliveries_without_a_request_go_to_the_serving_worker() -> None:
    assert clients._queue()._url() == f"{WORKER}/run-saga-step"
