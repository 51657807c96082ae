"""Any input of a client is accepted or refused with a reason, and never breaks the server."""

import socket
import string
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from local.http.retry import compute_backoff, read_policy
from local.rpc.errors import ServiceError
from local.rpc.frames import (
    END_HEADERS,
    END_STREAM,
    PREFACE,
    Type,
    build_frame,
    build_settings,
)
from local.rpc.hpack import encode
from local.tasks.resources.queue_checks import complete_queue
from local.tasks.resources.task_checks import complete_task
from local.tasks.storage.records import TaskRecord, to_message
from local.tasks.v2.messages import Queue, Task
from local.tasks.v2.times import read_time
from tests.support.worker import QUEUE

Fields = dict[str, Any]
Strategies = dict[str, st.SearchStrategy[Any]]

INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
NANOS = st.integers(0, 10**9 - 1)
TEXT = st.text(max_size=40)
WORDS = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=40)
LATEST = int(time.time() + timedelta(days=29).total_seconds())

#: Valid values of each field, and other values that a message can hold.
RETRY: Strategies = {
    "max_attempts": st.integers(-1, 2**31 - 1),
    "max_doublings": st.integers(0, 2**31 - 1),
    "min_backoff": st.builds(Duration, seconds=st.integers(0, 60), nanos=NANOS),
    "max_backoff": st.builds(Duration, seconds=st.integers(61, 4000), nanos=NANOS),
    "max_retry_duration": st.builds(Duration, seconds=st.integers(0, 10**7), nanos=NANOS),
}
ANY_DURATION = st.builds(Duration, seconds=st.integers(-5, 4000) | INT64, nanos=INT32)
ANY_RETRY: Strategies = {
    "max_attempts": INT32,
    "max_doublings": INT32,
    "min_backoff": ANY_DURATION,
    "max_backoff": ANY_DURATION,
    "max_retry_duration": ANY_DURATION,
}
REQUEST: Strategies = {
    "url": TEXT.map(lambda path: f"http://127.0.0.1:1/{path}"),
    "http_method": st.sampled_from((0, 1, 4, 6)),
    "headers": st.dictionaries(WORDS.map("X-{}".format), WORDS, max_size=3),
    "body": st.binary(max_size=20),
}
ANY_REQUEST: Strategies = {
    "url": TEXT | TEXT.map("http://{}".format),
    "http_method": st.integers(0, 20),
    "headers": st.dictionaries(TEXT, TEXT, max_size=3),
    "body": st.binary(max_size=20),
}


def with_url(request: Fields) -> Fields:
    return {"url": "http://[::1]/"} | request


def draw_fields(good: Strategies, wild: Strategies) -> st.SearchStrategy[Fields]:
    """Draw any of the fields, at most one of them invalid."""
    fields = st.fixed_dictionaries({}, optional=good)
    spoiled = st.sampled_from(sorted(wild)).flatmap(
        lambda name: st.tuples(fields, wild[name].map(lambda value: {name: value}))
    )
    return fields | spoiled.map(lambda drawn: drawn[0] | drawn[1])


RETRIES = draw_fields(RETRY, ANY_RETRY)
REQUESTS = draw_fields(REQUEST, ANY_REQUEST).map(with_url)
TASK: Strategies = {
    "name": WORDS.map(lambda name: f"{QUEUE}/tasks/{name}"),
    "http_request": st.fixed_dictionaries({}, optional=REQUEST).map(with_url),
    "schedule_time": st.builds(Timestamp, seconds=st.integers(0, LATEST), nanos=NANOS),
    "dispatch_deadline": st.builds(Duration, seconds=st.integers(15, 1799), nanos=NANOS),
    "retry_config": st.fixed_dictionaries({}, optional=RETRY),
}
ANY_TASK: Strategies = {
    "name": TEXT | TEXT.map(lambda name: f"{QUEUE}/tasks/{name}"),
    "http_request": REQUESTS,
    "schedule_time": st.builds(Timestamp, seconds=INT64, nanos=NANOS | INT32),
    "dispatch_deadline": ANY_DURATION,
    "retry_config": RETRIES,
}
TASKS = draw_fields(TASK, ANY_TASK).map(lambda task: {"http_request": with_url({})} | task)
ANY_RATE = st.floats() | st.none()
RATES = st.floats(0, 500) | ANY_RATE


class Verdicts(Counter[str]):
    """Counts of accepted and refused inputs: each test needs enough of both."""

    def judge(self, check: Callable[[], None]) -> None:
        try:
            check()
        except ServiceError:
            self["refused"] += 1
        else:
            self["accepted"] += 1

    def check_shares(self) -> None:
        """Raise AssertionError if less than 45 % were accepted, or less than 10 % refused."""
        assert self["accepted"] >= 0.45 * self.total(), self
        assert self["refused"] >= 0.1 * self.total(), self


@pytest.mark.parametrize("method", ["CreateTask", "UpdateQueue", "ListTasks", "BatchCreateTasks"])
@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=60))
def test_any_bytes_are_answered_with_a_proper_code(
    shared_channel: grpc.Channel, method: str, data: bytes
) -> None:
    call: Any = shared_channel.unary_unary(
        f"/google.cloud.tasks.v2.CloudTasks/{method}", lambda data: data, lambda data: data
    )
    answer = call.future(data)
    assert answer.code().name in ("OK", "INVALID_ARGUMENT", "NOT_FOUND")


def test_a_method_name_that_is_not_text_is_refused(shared_address: str) -> None:
    path = (b":path", b"/google.cloud.t\x8csks/ListQueues")
    headers = encode([(b":method", b"POST"), path, (b"content-type", b"application/grpc")])
    call = build_frame(Type.HEADERS, END_HEADERS | END_STREAM, 1, headers)
    host, port = shared_address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(PREFACE + build_settings() + call)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    with grpc.insecure_channel(shared_address) as channel:
        grpc.channel_ready_future(channel).result(20)


def test_any_task_is_accepted_completely_or_refused() -> None:
    verdicts = Verdicts()

    @settings(max_examples=300, deadline=None)
    @given(TASKS)
    def draw(fields: Fields) -> None:
        verdicts.judge(lambda: complete_and_store(fields))

    draw()
    verdicts.check_shares()


def complete_and_store(fields: Fields) -> None:
    task = complete_task(Task(**fields), QUEUE)
    scheduled = read_time(task.schedule_time, "schedule_time")
    record = TaskRecord(task.name, QUEUE, task.SerializeToString(), 0.0, scheduled)
    assert to_message(record, 2).schedule_time.seconds == task.schedule_time.seconds


def test_any_queue_is_accepted_completely_or_refused() -> None:
    verdicts = Verdicts()

    @settings(max_examples=300, deadline=None)
    @given(RETRIES, RATES, st.integers(1, 10**6))
    def draw(retry: Fields, rate: float | None, attempts: int) -> None:
        verdicts.judge(lambda: complete_and_wait(retry, rate, attempts))

    draw()
    verdicts.check_shares()


def complete_and_wait(retry: Fields, rate: float | None, attempts: int) -> None:
    queue = Queue(name=QUEUE, retry_config=retry)
    if rate is not None:
        queue.rate_limits.max_dispatches_per_second = rate
    policy = read_policy(complete_queue(queue).retry_config)
    assert policy.min_backoff <= compute_backoff(policy, attempts) <= policy.max_backoff
