"""The gRPC side of the server: which method answers which request.

It uses local/rpc. grpcio's asyncio server stops listening when a request's path is not UTF-8.
"""

import asyncio
from datetime import timedelta
from typing import Any

from google.cloud.location.locations_pb2 import GetLocationRequest, ListLocationsRequest
from google.longrunning.operations_pb2 import GetOperationRequest

from local.rpc.errors import Unimplemented
from local.rpc.grpc import Method, RpcDispatcher
from local.rpc.listener import Listener, serve_pages
from local.rpc.rest import Rest, serve_rest
from local.tasks.api.batch_service import BatchService
from local.tasks.api.location_service import LocationService
from local.tasks.api.loop_call import Answer, LoopCall
from local.tasks.api.queue_service import QueueService
from local.tasks.api.task_service import TaskService
from local.tasks.dispatch.dispatcher import Dispatcher
from local.tasks.storage.store import TaskStore
from local.tasks.v2.messages import load_message
from local.tasks.v2.routes import ROUTES, TASKS

_VERBS = {
    "pause": "PauseQueue",
    "resume": "ResumeQueue",
    "purge": "PurgeQueue",
    "run": "RunTask",
}
_HOST = "127.0.0.1"
_MAX_REQUEST_BYTES = 10 * 1024 * 1024

#: Methods by their path, /service/Method, each with the class of its request.
Methods = dict[str, tuple[Any, Answer]]


class RpcServer:
    """Receives requests in its own threads, and answers them in the event loop that created it.

    If a caller dies during its call, the call still completes.
    """

    def __init__(self, port: int, methods: Methods) -> None:
        """Bind the port (0: any free one); raise PortTaken if it is taken."""
        self._listener = Listener(_HOST, port)
        self.port = self._listener.port
        self._loop = asyncio.get_running_loop()
        served = {path.encode(): self._serve(*method) for path, method in methods.items()}
        self._dispatcher = RpcDispatcher(served, _MAX_REQUEST_BYTES)
        self._rest = Rest(self._dispatcher, ROUTES)

    def start(self, greeting: str) -> None:
        """Start serving; a plain HTTP request gets the greeting."""
        pages = serve_pages({("GET", "/"): lambda: greeting})
        self._listener.start(self._dispatcher.handle, serve_rest(self._rest, pages))

    async def stop(self, grace: timedelta) -> None:
        """Stop serving; wait up to `grace` for requests in progress."""
        await self._loop.run_in_executor(None, self._dispatcher.stop, grace)
        self._listener.stop()

    def close(self) -> None:
        """Release the port of a server that was not started."""
        self._listener.stop()

    def _serve(self, message: Any, answer: Answer) -> Method:
        return Method(message, lambda request: LoopCall(answer, request).make(self._loop))


def list_methods(store: TaskStore, dispatcher: Dispatcher, app: str = "") -> Methods:
    """Return the methods of Cloud Tasks, Locations and Operations."""
    tasks, locations = TaskService(store, dispatcher, app), LocationService(store)
    batches = BatchService(store, tasks)
    answers = _list_answers(QueueService(store, dispatcher), tasks, batches)
    return {
        f"/{TASKS}/{name}": (load_message(f"{name}Request"), answer)
        for name, answer in answers.items()
    } | {
        "/google.longrunning.Operations/GetOperation": (GetOperationRequest, batches.get_operation),
        "/google.cloud.location.Locations/ListLocations": (
            ListLocationsRequest,
            locations.list_locations,
        ),
        "/google.cloud.location.Locations/GetLocation": (
            GetLocationRequest,
            locations.get_location,
        ),
    }


async def act_by(methods: Methods, verb: str, name: str) -> None:
    """Call a method that takes only a name: pause, resume, purge or run.

    Raises the method's ServiceError, or Unimplemented for any other verb.
    """
    if verb not in _VERBS:
        raise Unimplemented(f"There is no verb {verb!r}, only {', '.join(_VERBS)}.")
    message, answer = methods[f"/{TASKS}/{_VERBS[verb]}"]
    await answer(message(name=name))


def _list_answers(
    queues: QueueService, tasks: TaskService, batches: BatchService
) -> dict[str, Answer]:
    return {
        "ListQueues": queues.list_queues,
        "GetQueue": queues.get_queue,
        "CreateQueue": queues.create_queue,
        "UpdateQueue": queues.update_queue,
        "DeleteQueue": queues.delete_queue,
        "PurgeQueue": queues.purge_queue,
        "PauseQueue": queues.pause_queue,
        "ResumeQueue": queues.resume_queue,
        "ListTasks": tasks.list_tasks,
        "GetTask": tasks.get_task,
        "CreateTask": tasks.create_task,
        "DeleteTask": tasks.delete_task,
        "RunTask": tasks.run_task,
        "BatchCreateTasks": batches.batch_create_tasks,
        "BatchDeleteTasks": batches.batch_delete_tasks,
    }
