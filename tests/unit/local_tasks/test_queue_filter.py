"""The filters of ListQueues."""

from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from local.rpc.errors import InvalidArgument
from local.tasks.resources.queue_checks import complete_queue
from local.tasks.v2.messages import Queue
from local.tasks.v2.queue_filter import parse_filter

QUEUE: Any = json_format.ParseDict(
    {
        "name": "projects/p/locations/l/queues/Slow-mails",
        "state": "PAUSED",
        "rateLimits": {"maxDispatchesPerSecond": 0.5},
        "retryConfig": {"maxAttempts": 7, "minBackoff": "2.5s"},
        "purgeTime": "2026-01-02T03:04:05.5Z",
        "httpTarget": {"uriOverride": {"pathOverride": {"path": "/x"}}},
    },
    Queue(),
)
complete_queue(QUEUE)


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "state: PAUSED", "state=paused", 'state = "PAUSED"', "state!=RUNNING"),
        *("name:mails", 'name : "slow-"', "name=projects/p/locations/l/queues/slow-mails"),
        *("rateLimits.maxDispatchesPerSecond<1", "rate_limits.max_dispatches_per_second >= 0.5"),
        *("retryConfig.minBackoff=2.5s", "retry_config.min_backoff > 1s"),
        *('purgeTime>"2026-01-01T00:00:00Z"', 'purge_time = "2026-01-02T03:04:05.5Z"'),
        "httpTarget.uriOverride.pathOverride.path:x",
        *("state:PAUSED AND retryConfig.maxAttempts=7", "state:PAUSED retryConfig.maxAttempts=7"),
        *("state:RUNNING OR retryConfig.maxAttempts=7", "NOT state:RUNNING"),
        "NOT (state:RUNNING OR retryConfig.maxAttempts<7)",
        "state:RUNNING OR state:PAUSED AND retryConfig.maxAttempts=7",
    ],
)
def test_a_queue_that_matches_is_listed(text: str) -> None:
    assert parse_filter(text)(QUEUE)


@pytest.mark.parametrize(
    "text",
    [
        *("state: RUNNING", "state!=PAUSED", "name:fast", "retryConfig.maxAttempts>7"),
        *("retryConfig.minBackoff<1s", 'purgeTime<"2026-01-01T00:00:00Z"', "NOT state:PAUSED"),
        "state:PAUSED AND retryConfig.maxAttempts=8",
        "retryConfig.maxAttempts=7 OR state:PAUSED AND state:RUNNING",
        "appEngineRoutingOverride.host:x",
    ],
)
def test_a_queue_that_does_not_match_is_not_listed(text: str) -> None:
    assert not parse_filter(text)(QUEUE)


def test_an_unset_field_matches_no_comparison() -> None:
    fresh: Any = complete_queue(Queue(name=QUEUE.name))
    assert not parse_filter('purgeTime<"2030-01-01T00:00:00Z"')(fresh)
    assert not parse_filter('purgeTime!="2030-01-01T00:00:00Z"')(fresh)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "state",
            "state:",
            ":",
            "state PAUSED",
            "colour: red",
            "name.x=1",
            "=1",
            '"',
            "state ~ x",
        ),
        *("state:PAUSED AND", "OR", "NOT", "(state:PAUSED", "state:PAUSED)", "()", "(" * 30),
        *("rateLimits:1", "retryConfig.maxAttempts>many", "retryConfig.minBackoff>1"),
        *("purgeTime>yesterday", "httpTarget.headerOverrides:x", "x" * 3000),
    ],
)
def test_an_invalid_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="filter"):
        parse_filter(text)


WORDS = ("state", "name", ":", "=", "<", "AND", "OR", "NOT", "(", ")", '"', "PAUSED", "1", ".", " ")


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=12).map(" ".join))
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    try:
        wanted = parse_filter(text)
    except InvalidArgument:
        return
    assert wanted(QUEUE) in (True, False)
