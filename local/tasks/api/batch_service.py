"""The batch methods of the Cloud Tasks v2 service; they return finished operations."""

import asyncio
import uuid
from collections.abc import Awaitable, Iterable
from typing import Any

from google.longrunning.operations_pb2 import Operation
from google.protobuf.empty_pb2 import Empty
from google.rpc.status_pb2 import Status

from local.rpc.errors import InvalidArgument, NotFound, ServiceError
from local.tasks.api.task_service import TaskService
from local.tasks.storage.store import TaskStore
from local.tasks.v2.messages import load_message
from local.tasks.v2.names import check_queue, check_task, queue_of

_MAX_CREATES = 100
_MAX_DELETES = 1000
_ABORTED = 10

BatchCreateTasksResponse = load_message("BatchCreateTasksResponse")
BatchCreateTasksMetadata = load_message("BatchCreateTasksMetadata")
BatchDeleteTasksMetadata = load_message("BatchDeleteTasksMetadata")
DeleteTaskRequest = load_message("DeleteTaskRequest")


class BatchService:
    """Creates and deletes batches of tasks; each task has its own outcome."""

    def __init__(self, store: TaskStore, tasks: TaskService) -> None:
        self._store = store
        self._tasks = tasks

    async def get_operation(self, request: Any) -> Any:
        """Return the operation of a batch, which is kept for a day."""
        operation = self._store.find_operation(request.name)
        if operation is None:
            raise NotFound("The operation does not exist, or no longer does.")
        return operation

    async def batch_create_tasks(self, request: Any) -> Any:
        """Create up to 100 tasks in one queue; the metadata lists failures by index."""
        check_queue(request.parent)
        if len(request.requests) > _MAX_CREATES:
            raise InvalidArgument(f"At most {_MAX_CREATES} tasks can be created in a batch.")
        if any(single.parent != request.parent for single in request.requests):
            raise InvalidArgument("Every request's parent must be the same as the batch's.")
        if (known := self._find_known(request)) is not None:
            return known
        metadata = BatchCreateTasksMetadata()
        metadata.start_time.GetCurrentTime()
        calls = (self._tasks.create_task(single) for single in request.requests)
        created = await _run_each(calls, metadata)
        response = BatchCreateTasksResponse(tasks=created)
        return await self._keep(_finish(request, metadata, created, response))

    async def batch_delete_tasks(self, request: Any) -> Any:
        """Delete up to 1000 tasks of one queue; the metadata lists missing tasks by index."""
        check_queue(request.parent)
        if len(request.names) > _MAX_DELETES:
            raise InvalidArgument(f"At most {_MAX_DELETES} tasks can be deleted in a batch.")
        if any(queue_of(check_task(name)) != request.parent for name in request.names):
            raise InvalidArgument("Every task must belong to the batch's queue.")
        if (known := self._find_known(request)) is not None:
            return known
        metadata = BatchDeleteTasksMetadata()
        metadata.start_time.GetCurrentTime()
        calls = (self._tasks.delete_task(DeleteTaskRequest(name=name)) for name in request.names)
        deleted = await _run_each(calls, metadata)
        return await self._keep(_finish(request, metadata, deleted, Empty()))

    def _find_known(self, request: Any) -> Any | None:
        """Return the operation of an earlier request with the same id; it is not run again."""
        return self._store.find_operation(_name(request)) if request.request_id else None

    async def _keep(self, operation: Any) -> Any:
        await self._store.put_operation(operation)
        return operation


async def _run_each(calls: Iterable[Awaitable[Any]], metadata: Any) -> list[Any]:
    """Return the results of successful calls, and write the errors into the metadata."""
    results: list[Any] = []
    for index, outcome in enumerate(await asyncio.gather(*calls, return_exceptions=True)):
        if isinstance(outcome, ServiceError):
            status = Status(code=int(outcome.code), message=str(outcome))
            metadata.failed_requests[index].CopyFrom(status)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            results.append(outcome)
    return results


def _finish(request: Any, metadata: Any, results: list[Any], response: Any) -> Any:
    metadata.end_time.GetCurrentTime()
    operation = Operation(name=_name(request), done=True)
    if metadata.failed_requests and not results:
        kind = type(metadata).DESCRIPTOR.name
        operation.error.code = _ABORTED
        operation.error.message = (
            f"None of the requests succeeded, refer to {kind}.failed_requests for individual "
            "error details"
        )
    else:
        state = "PARTIALLY_SUCCEEDED" if metadata.failed_requests else "SUCCEEDED"
        metadata.state = metadata.State.Value(state)
        operation.response.Pack(response)
    operation.metadata.Pack(metadata)
    return operation


def _name(request: Any) -> str:
    location = request.parent.partition("/queues/")[0]
    return f"{location}/operations/{request.request_id or uuid.uuid4()}"
