from pathlib import Path

import pytest

from local.stack.supervisor import PROJECT
from local.tasks.resources.queues_file import read_queues
from local.tasks.v2.messages import METHODS
from project_files.yaml_file import BrokenFile

LOCATION = "projects/p/locations/l"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "queues.yaml"
    path.write_text(text)
    return path


def test_the_queues_of_this_project_are_acceptable() -> None:
    queues = read_queues(PROJECT / "queues.yaml", LOCATION)
    assert "sagas" in [queue.name.rpartition("/")[2] for queue in queues]


def test_a_queue_has_the_settings_of_the_file_and_defaults(tmp_path: Path) -> None:
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
        ("", "line 1: it declares no queue"),
        ("- sagas", "line 1: the file is a mapping"),
        ("sagas:\n  rateLimit:\n    maxBurstSize: 3", "line 2: 'rateLimit' is not part"),
        ("sagas:\n  retryconfig: {}", "line 2: 'retryconfig' is not part of queue sagas"),
        ("sagas:\n  retryConfig: 3", "line 2: retryConfig is a mapping"),
        ("sagas:\n  retryConfig:\n    maxAttempts: ~", "maxAttempts is a number, not nothing"),
        ("sagas:\n  retryConfig:\n    maxAttempts: 1.5", "line 3: maxAttempts is a number, not"),
        ("sagas:\n  retryConfig:\n    maxAttempts: '3'", "maxAttempts is a number, not text"),
        ("sagas:\n  retryConfig:\n    minBackoff: soon", "minBackoff is a number of seconds"),
        ("sagas:\n  retryConfig:\n    minBackoff: 1", "line 3: minBackoff is text, .*write '1'"),
        ("sagas:\n  rateLimits:\n    maxBurstSize: 3", "line 3: 'maxBurstSize' is not part of"),
        ("sagas:\n  rateLimits:\n    maxDispatchesPerSecond: 501", "500"),
        ("sagas:\n  name: x", "line 2: 'name' is not part of queue sagas"),
        ("a_b:\n", "line 1: 'a_b': Queue names"),
        ("sagas:\nsagas:\n", "line 2: 'sagas' is repeated"),
        ("sagas: &s {}\nb: *s\n", "line 1: anchors and aliases are not allowed"),
        ("sagas:\n<<<<<<< HEAD\n", "line 3: could not find expected"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_the_place(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(BrokenFile, match=complaint):
        read_queues(write(tmp_path, text), LOCATION)


def test_a_copys_number_counts_for_the_length_of_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, f"{'q' * 99}:\n")
    assert len(read_queues(path, LOCATION)) == 1
    with pytest.raises(BrokenFile, match="Queue names have 1 to 100 letters"):
        read_queues(path, LOCATION, copies=2)


def test_every_section_of_the_file_applies_here_too(tmp_path: Path) -> None:
    text = "q: {stackdriverLoggingConfig: {samplingRatio: 1}, httpTarget: {httpMethod: PUT}}"
    [queue] = read_queues(write(tmp_path, text), LOCATION)
    assert queue.stackdriver_logging_config.sampling_ratio == 1
    assert queue.http_target.http_method == METHODS.index("PUT")
