from pathlib import Path

import pytest

from local.queues import BrokenQueuesFile
from local.supervisor import PROJECT
from local.tasks.queues_file import read_queues

LOCATION = "projects/p/locations/l"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "queues.yaml"
    path.write_text(text)
    return path


def test_the_queues_of_this_project_are_acceptable() -> None:
    queues = read_queues(PROJECT / "queues.yaml", LOCATION)
    assert "sagas" in [queue.name.rpartition("/")[2] for queue in queues]


def test_a_queue_has_what_the_file_states_and_defaults_for_the_rest(tmp_path: Path) -> None:
    text = """
# all of it
slow:
  rateLimits:
    maxDispatchesPerSecond: 0.5  # one in two seconds
  retryConfig:
    minBackoff: "2.5s"
    maxAttempts: -1
plain:
"""
    slow, plain = read_queues(write(tmp_path, text), LOCATION)
    assert slow.name == f"{LOCATION}/queues/slow"
    assert slow.rate_limits.max_dispatches_per_second == 0.5
    assert slow.retry_config.max_attempts == -1
    assert slow.retry_config.min_backoff.ToMilliseconds() == 2500
    assert plain.rate_limits.max_dispatches_per_second == 500
    assert plain.retry_config.max_backoff.ToSeconds() == 3600


def test_copies_of_a_queue_have_its_settings_and_its_name_with_a_number(tmp_path: Path) -> None:
    text = "sagas:\n  retryConfig:\n    maxAttempts: 7\n"
    queues = read_queues(write(tmp_path, text), LOCATION, copies=3)
    assert [each.name.rpartition("/")[2] for each in queues] == ["sagas", "sagas-2", "sagas-3"]
    assert [each.retry_config.max_attempts for each in queues] == [7, 7, 7]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- sagas", "line 1"),
        ("sagas:\n  rateLimit:\n    maxBurstSize: 3", "rateLimit"),
        ("sagas:\n  rateLimits:\n    maxDispatchesPerSecond: 501", "500"),
        ("a_b:\n", "Queue name"),
        ("sagas:\n  retryConfig:\n    minBackoff: soon", "minBackoff"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(BrokenQueuesFile, match=complaint):
        read_queues(write(tmp_path, text), LOCATION)
