"""Clients are made once, even if many threads ask first."""

import threading
import time

import pytest

from lib.config import config
from lib.edge.once import once


def test_many_threads_that_call_first_get_the_same_client() -> None:
    made: list[object] = []

    @once
    def make() -> object:
        time.sleep(0.01)
        made.append(object())
        return made[-1]

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


@pytest.mark.parametrize(
    ("google", "guide", "project"),
    [(None, None, "amends-local"), ("a", "b", "a"), (None, "b", "b"), ("", "b", "b")],
)
def test_gcp_project_id_names_the_project_if_googles_variable_does_not(
    monkeypatch: pytest.MonkeyPatch, google: str | None, guide: str | None, project: str
) -> None:
    for name, value in (("GOOGLE_CLOUD_PROJECT", google), ("GCP_PROJECT_ID", guide)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    config.cache_clear()
    try:
        assert config().project == project
    finally:
        config.cache_clear()
