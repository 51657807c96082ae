"""The queue of deliveries: Cloud Tasks."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol

import grpc
import msgspec

from lib.errors import DeadlineExceeded, Unavailable
from lib.rpc.connection import Api, Connection, route
from lib.rpc.status import code_of
from lib.saga.state.delivery import Delivery
from lib.timing.backoff import Backoff
from lib.timing.deadline import bound_seconds, within
from lib.timing.retry import retry

#: The time limit for enqueuing one delivery, retries included.
MAX_ENQUEUE = timedelta(seconds=8)

#: The time limit of one call of Cloud Tasks.
MAX_CALL = timedelta(seconds=5)

#: Retries are safe, because Cloud Tasks drops a second task of the same name. MAX_ENQUEUE limits
#: them.
ENQUEUE_BACKOFF = Backoff(attempts=100, first=timedelta(milliseconds=100), cap=timedelta(seconds=1))
TRANSIENT_CODES = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED"})

API = Api(
    title="Cloud Tasks",
    service="google.cloud.tasks.v2.CloudTasks",
    library="google.cloud.tasks_v2",
    host="cloudtasks.googleapis.com",
    scopes=("https://www.googleapis.com/auth/cloud-platform",),
    variable="AMENDS_TASKS_HOST",
    answers={"CreateTask": "Task"},
)


#: The number of HttpMethod.POST.
POST = 1


class Client(Protocol):
    """Calls Cloud Tasks: a lib.rpc connection."""

    def invoke(self, method: str, request: Any, timeout: float, metadata: Any) -> Any:
        """Send one request and return the answer; `timeout` is in seconds. Raises grpc.RpcError."""
        ...


class CloudTasksQueue:
    """Deliveries as tasks, each an authenticated POST to the worker function.

    One queue dispatches at most 500 tasks a second, so sagas are spread over several by their ids.
    Changing the number of queues is safe for running sagas: task names are unique only within a
    queue, but a second delivery of a step is harmless.
    """

    def __init__(
        self,
        client: Client,
        *,
        queues: Sequence[str],
        url: Callable[[], str],
        audience: str,
        service_account: str,
    ) -> None:
        self._client = client
        self._queues = queues
        self._url = url
        self._audience = audience
        self._service_account = service_account
        self._routes = {queue: route(parent=queue) for queue in queues}

    def enqueue(self, delivery: Delivery) -> None:
        """Create the delivery's task, unless a task of that name was created before.

        Raises Unavailable if it is not certain that the task exists after 8 seconds, or after the
        time that the request has left.
        """
        queue = choose_queue(self._queues, delivery.saga_id)
        request = self._request(queue, delivery)
        try:
            with within(MAX_ENQUEUE):
                retry(
                    lambda: self._create(request, self._routes[queue]),
                    backoff=ENQUEUE_BACKOFF,
                    may_retry=lambda error: code_of(error) in TRANSIENT_CODES,
                )
        except DeadlineExceeded as problem:
            raise _not_taken(problem.__cause__ or problem) from problem
        except grpc.RpcError as problem:
            if code_of(problem) != "ALREADY_EXISTS":
                raise _not_taken(problem) from problem

    def _create(self, request: Any, metadata: Any) -> None:
        seconds = bound_seconds(MAX_CALL.total_seconds())
        self._client.invoke("CreateTask", request, seconds, metadata)

    def _request(self, queue: str, delivery: Delivery) -> Any:
        request = API.message("CreateTaskRequest")(parent=queue)
        task = request.task
        task.name = f"{queue}/tasks/{delivery.task_name}"
        task.schedule_time.FromDatetime(delivery.at)
        task.dispatch_deadline.FromTimedelta(delivery.dispatch_deadline)
        http = task.http_request
        http.url = self._url()
        http.http_method = POST
        http.headers["Content-Type"] = "application/json"
        if delivery.traceparent:
            http.headers["traceparent"] = delivery.traceparent
        http.body = msgspec.json.encode(delivery)
        http.oidc_token.service_account_email = self._service_account
        http.oidc_token.audience = self._audience
        return request


def _not_taken(problem: BaseException) -> Unavailable:
    """Return the error to raise when it is not certain that a task exists."""
    if isinstance(problem, DeadlineExceeded):
        return Unavailable(f"no time to enqueue a delivery: {problem.detail}")
    why = code_of(problem) or type(problem).__name__
    return Unavailable(f"Cloud Tasks took no delivery: {why}", internal=str(problem))


def choose_queue(queues: Sequence[str], saga_id: str) -> str:
    """Return the queue of a saga: always the same one, with sagas spread evenly over all."""
    digest = hashlib.sha256(saga_id.encode()).digest()
    return queues[int.from_bytes(digest[:8], "big") % len(queues)]


def connect(host: str) -> Connection:
    """Return a connection to Google's Cloud Tasks, or to the local one at `host`."""
    return Connection(API, host)
