"""The task methods of the Cloud Tasks v2 service."""

from typing import Any

from google.protobuf.empty_pb2 import Empty

from local.tasks.dispatch.dispatcher import Dispatcher
from local.tasks.resources.task_checks import complete_task
from local.tasks.storage.records import TaskRecord, to_message
from local.tasks.storage.store import TaskStore
from local.tasks.v2.messages import ListTasksResponse
from local.tasks.v2.names import check_queue, check_task, queue_of
from local.tasks.v2.pages import MAX_TASKS, cut_page, read_size, read_token
from local.tasks.v2.times import read_time


class TaskService:
    """Creates, returns, deletes and runs tasks."""

    def __init__(self, store: TaskStore, dispatcher: Dispatcher, app: str = "") -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._app = app

    async def list_tasks(self, request: Any) -> Any:
        """Return a page of a queue's tasks, ordered by name."""
        self._store.get_queue(check_queue(request.parent))
        limit = read_size(request.page_size, MAX_TASKS)
        after = read_token(request.page_token, request.parent)
        records = self._store.list_tasks(request.parent, after, limit + 1)
        page, token = cut_page(records, request.page_size, MAX_TASKS, request.parent)
        tasks = [to_message(record, request.response_view) for record in page]
        return ListTasksResponse(tasks=tasks, next_page_token=token)

    async def get_task(self, request: Any) -> Any:
        """Return a task."""
        record = self._store.get_task(check_task(request.name))
        return to_message(record, request.response_view)

    async def create_task(self, request: Any) -> Any:
        """Create a task; it is on disk when this returns."""
        queue = check_queue(request.parent)
        task = complete_task(request.task, queue, self._app)
        record = TaskRecord(
            name=task.name,
            queue=queue,
            body=task.SerializeToString(),
            created=task.create_time.seconds,
            scheduled=read_time(task.schedule_time, "Task.schedule_time"),
        )
        await self._store.insert_task(record)
        self._dispatcher.add_task(record)
        return to_message(record, request.response_view)

    async def delete_task(self, request: Any) -> Any:
        """Delete a task; if it is being dispatched, its response is ignored."""
        name = check_task(request.name)
        await self._store.delete_task(name)
        self._dispatcher.drop_task(queue_of(name), name)
        return Empty()

    async def run_task(self, request: Any) -> Any:
        """Dispatch a task now, even if its queue is paused or at its limits; return the task."""
        record = self._dispatcher.run_task(self._store.get_task(check_task(request.name)))
        return to_message(record, request.response_view)
