"""The queue of deliveries: Cloud Tasks."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta

import grpc
import msgspec
from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from lib.errors import DeadlineExceeded, Unavailable
from lib.saga.state.delivery import Delivery
from lib.timing.deadline import bound_seconds

#: Cloud Tasks takes dispatch deadlines from 15 seconds to 30 minutes.
MIN_DISPATCH_DEADLINE = timedelta(seconds=15)

#: The time that a delivery needs besides its action: for the lookup, the commit and the enqueue.
OVERHEAD = timedelta(seconds=10)

#: The time to enqueue one delivery; less if the request has less time left.
MAX_ENQUEUE = timedelta(seconds=8)

#: One call of Cloud Tasks takes at most this time.
MAX_CALL = timedelta(seconds=5)

#: Repeating the call is safe: the task's name makes the second one a duplicate.
AGAIN = Retry(
    predicate=if_exception_type(
        google_errors.ServiceUnavailable, google_errors.DeadlineExceeded, google_errors.Aborted
    ),
    initial=0.1,
    maximum=1.0,
)

#: Why a task was not created: Cloud Tasks refused it or did not answer in time, or we got no token.
NOT_TAKEN = (google_errors.GoogleAPIError, GoogleAuthError, grpc.RpcError)


class CloudTasksQueue:
    """Deliveries as tasks, each an authenticated POST to the worker function.

    One queue dispatches at most 500 tasks a second, so sagas are spread over several by their ids.
    Changing the number of queues is safe for running sagas: task names are unique only within a
    queue, but a second delivery of a step is harmless.
    """

    def __init__(
        self,
        client: tasks_v2.CloudTasksClient,
        *,
        queues: Sequence[str],
        url: Callable[[], str],
        audience: str,
        service_account: str,
    ) -> None:
        self._client = client
        self._queues = queues
        self._url = url
        self._token = tasks_v2.OidcToken(service_account_email=service_account, audience=audience)

    def enqueue(self, delivery: Delivery) -> None:
        """Create the delivery's task, unless a task of its name was created before.

        Raises Unavailable unless the task certainly exists within 8 seconds, or within the time
        that the request has left.
        """
        queue = choose_queue(self._queues, delivery.saga_id)
        try:
            seconds = bound_seconds(MAX_ENQUEUE.total_seconds())
            self._client.create_task(
                parent=queue,
                task=self._task(queue, delivery),
                retry=AGAIN.with_timeout(seconds),
                timeout=min(seconds, MAX_CALL.total_seconds()),
            )
        except google_errors.AlreadyExists:
            return
        except DeadlineExceeded as problem:
            raise Unavailable(f"no time to enqueue a delivery: {problem.detail}") from problem
        except NOT_TAKEN as problem:
            raise Unavailable(
                f"Cloud Tasks took no delivery: {type(problem).__name__}", internal=str(problem)
            ) from problem

    def _task(self, queue: str, delivery: Delivery) -> tasks_v2.Task:
        return tasks_v2.Task(
            name=f"{queue}/tasks/{delivery.task_name}",
            schedule_time=delivery.at,
            dispatch_deadline=max(delivery.timeout + OVERHEAD, MIN_DISPATCH_DEADLINE),
            http_request=tasks_v2.HttpRequest(
                url=self._url(),
                http_method=tasks_v2.HttpMethod.POST,
                headers=_make_headers(delivery),
                body=msgspec.json.encode(delivery),
                oidc_token=self._token,
            ),
        )


def choose_queue(queues: Sequence[str], saga_id: str) -> str:
    """Return the queue of a saga. Sagas are spread evenly; equal arguments give equal queues."""
    digest = hashlib.sha256(saga_id.encode()).digest()
    return queues[int.from_bytes(digest[:8], "big") % len(queues)]


def _make_headers(delivery: Delivery) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    return headers | ({"traceparent": delivery.traceparent} if delivery.traceparent else {})


def make_client(host: str) -> tasks_v2.CloudTasksClient:
    """Return a client of Google's Cloud Tasks, or of the local one at `host`.

    The stock client has no emulator variable, so we make the channel here.
    """
    if not host:
        return tasks_v2.CloudTasksClient()
    return tasks_v2.CloudTasksClient(
        transport=CloudTasksGrpcTransport(channel=grpc.insecure_channel(host))
    )
