"""The link of a 202: to a function at the same host, or to a separate service."""

from collections.abc import Iterator

import flask
import pytest

from lib.config import config
from lib.edge.caller.access import BY_WAY_OF_API
from lib.edge.response.links import link_to

OWN_SERVICE = "https://test-start-saga-123.europe-west1.run.app"


@pytest.fixture(autouse=True)
def fresh_config() -> Iterator[None]:
    config.cache_clear()
    yield
    config.cache_clear()


def link(path: str = "/start-saga", *, by_api: bool = False) -> str:
    with flask.Flask("x").test_request_context(path) as context:
        if by_api:
            context.request.environ[BY_WAY_OF_API] = True
        return link_to(context.request, "start-saga", "get-saga", id="a:b c")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/start-saga", "get-saga?id=a%3Ab%20c"),
        ("/start-saga/", "../get-saga?id=a%3Ab%20c"),
        ("/", "get-saga?id=a%3Ab%20c"),
    ],
)
def test_with_one_host_the_link_is_relative_to_the_request(path: str, expected: str) -> None:
    assert link(path, by_api=True) == expected


def test_a_service_of_its_own_links_to_the_other_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENDS_BASE_URL", OWN_SERVICE)
    there = "https://test-get-saga-123.europe-west1.run.app/?id=a%3Ab%20c"
    assert link("/") == there
    assert link("/start-saga", by_api=True) == "get-saga?id=a%3Ab%20c"


def test_behind_another_name_the_link_is_relative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENDS_BASE_URL", "https://start.example.com")
    assert link("/") == "get-saga?id=a%3Ab%20c"
