"""Whatever a client sends is accepted or refused with a reason; it never breaks the server."""

import contextlib
import socket
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from local.rpc.frames import (
    END_HEADERS,
    END_STREAM,
    PREFACE,
    Type,
    build_frame,
    build_settings,
)
from local.rpc.hpack import encode
from local.tasks.messages import Queue, Task
from local.tasks.queue_checks import complete_queue
from local.tasks.records import TaskRecord, to_message
from local.tasks.refusals import Refused
from local.tasks.retry import compute_backoff, read_policy
from local.tasks.task_checks import complete_task
from local.tasks.times import read_time
from tests.unit.local_tasks.worker import QUEUE

INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
DURATIONS = st.builds(Duration, seconds=st.integers(-5, 4000) | INT64, nanos=INT32)
TIMES = st.builds(Timestamp, seconds=INT64, nanos=st.integers(0, 10**9 - 1) | INT32)
RETRY = st.fixed_dictionaries(
    {},
    optional={
        "max_attempts": INT32,
        "max_doublings": INT32,
        "min_backoff": DURATIONS,
        "max_backoff": DURATIONS,
        "max_retry_duration": DURATIONS,
    },
)
TEXT = st.text(max_size=40)
URLS = TEXT | TEXT.map(lambda path: f"http://127.0.0.1:1/{path}") | TEXT.map("http://{}".format)
REQUESTS = st.fixed_dictionaries(
    {"url": URLS},
    optional={
        "http_method": st.integers(0, 20),
        "headers": st.dictionaries(TEXT, TEXT, max_size=3),
        "body": st.binary(max_size=20),
    },
)
TASKS = st.fixed_dictionaries(
    {"http_request": REQUESTS},
    optional={
        "name": TEXT | TEXT.map(lambda name: f"{QUEUE}/tasks/{name}"),
        "schedule_time": TIMES,
        "dispatch_deadline": DURATIONS,
        "retry_config": RETRY,
    },
)


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


def test_a_method_whose_name_is_no_text_is_refused_and_harms_nobody(shared_address: str) -> None:
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


@settings(max_examples=300, deadline=None)
@given(TASKS)
def test_any_task_is_accepted_whole_or_refused(fields: dict[str, Any]) -> None:
    with contextlib.suppress(Refused):
        task = complete_task(Task(**fields), QUEUE)
        scheduled = read_time(task.schedule_time, "schedule_time")
        record = TaskRecord(task.name, QUEUE, task.SerializeToString(), 0.0, scheduled)
        assert to_message(record, 2).schedule_time.seconds == task.schedule_time.seconds


@settings(max_examples=300, deadline=None)
@given(RETRY, st.floats() | st.none(), st.integers(1, 10**6))
def test_any_queue_is_accepted_whole_or_refused(
    retry: dict[str, Any], rate: float | None, attempts: int
) -> None:
    queue = Queue(name=QUEUE, retry_config=retry)
    if rate is not None:
        queue.rate_limits.max_dispatches_per_second = rate
    with contextlib.suppress(Refused):
        policy = read_policy(complete_queue(queue).retry_config)
        assert policy.min_backoff <= compute_backoff(policy, attempts) <= policy.max_backoff
