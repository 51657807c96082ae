"""The queue methods of the Cloud Tasks v2 service."""

import time
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask

from local.rpc.errors import InvalidArgument
from local.tasks.dispatch.dispatcher import Dispatcher
from local.tasks.resources.queue_checks import complete_queue
from local.tasks.storage.store import TaskStore
from local.tasks.v2.messages import PAUSED, RUNNING, ListQueuesResponse, Queue
from local.tasks.v2.names import check_location, check_queue
from local.tasks.v2.pages import MAX_QUEUES, cut_page, read_token
from local.tasks.v2.queue_filter import parse_filter

_OUTPUT_ONLY = {"name", "state", "purge_time", "rate_limits.max_burst_size"}


class QueueService:
    """Creates, changes and returns queues; keeps the dispatcher consistent with the store."""

    def __init__(self, store: TaskStore, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher

    async def list_queues(self, request: Any) -> Any:
        """Return a page of a location's queues that match the filter."""
        prefix = f"{check_location(request.parent)}/queues/"
        is_wanted = parse_filter(request.filter)
        listing = f"{prefix} {request.filter}"
        after = read_token(request.page_token, listing)
        queues = [
            queue
            for queue in self._store.list_queues()
            if queue.name.startswith(prefix) and queue.name > after and is_wanted(queue)
        ]
        page, token = cut_page(queues, request.page_size, MAX_QUEUES, listing)
        return ListQueuesResponse(queues=page, next_page_token=token)

    async def get_queue(self, request: Any) -> Any:
        """Return a queue."""
        return self._store.get_queue(check_queue(request.name))

    async def create_queue(self, request: Any) -> Any:
        """Create a queue in its location."""
        queue = complete_queue(_without_output(request.queue))
        if not queue.name.startswith(f"{check_location(request.parent)}/queues/"):
            raise InvalidArgument(f"{queue.name} must begin with {request.parent}.")
        await self._store.insert_queue(queue)
        self._dispatcher.set_queue(queue)
        return queue

    async def update_queue(self, request: Any) -> Any:
        """Change the fields of the mask (all, if empty); create the queue if there is none."""
        wanted = _without_output(request.queue)
        check_queue(wanted.name)
        queue = self._store.find_queue(wanted.name)
        if queue is None:
            queue = complete_queue(wanted)
            await self._store.insert_queue(queue)
        else:
            _merge(queue, wanted, request.update_mask)
            await self._store.put_queue(complete_queue(queue))
        self._dispatcher.set_queue(queue)
        return queue

    async def delete_queue(self, request: Any) -> Any:
        """Delete a queue and its tasks."""
        await self._store.delete_queue(check_queue(request.name))
        self._dispatcher.drop_queue(request.name)
        return Empty()

    async def purge_queue(self, request: Any) -> Any:
        """Delete the tasks of a queue."""
        queue = self._store.get_queue(check_queue(request.name))
        queue.purge_time.FromMicroseconds(int(time.time() * 1e6))
        await self._store.purge_queue(queue)
        self._dispatcher.clear_queue(request.name)
        return queue

    async def pause_queue(self, request: Any) -> Any:
        """Stop dispatching from a queue; tasks can still be created in it."""
        return await self._set_state(request.name, PAUSED)

    async def resume_queue(self, request: Any) -> Any:
        """Resume dispatching from a queue."""
        return await self._set_state(request.name, RUNNING)

    async def _set_state(self, name: str, state: int) -> Any:
        queue = self._store.get_queue(check_queue(name))
        queue.state = state
        await self._store.put_queue(queue)
        self._dispatcher.set_queue(queue)
        return queue


def _without_output(queue: Any) -> Any:
    queue.ClearField("state")
    queue.ClearField("purge_time")
    return queue


def _merge(queue: Any, wanted: Any, mask: Any) -> None:
    """Copy the mask's fields from `wanted` to the queue, except output-only fields."""
    if not mask.IsValidForDescriptor(Queue.DESCRIPTOR):
        raise InvalidArgument("update_mask names a field that a queue does not have.")
    every = [field.name for field in Queue.DESCRIPTOR.fields]
    paths = [path for path in mask.paths or every if path not in _OUTPUT_ONLY]
    FieldMask(paths=paths).MergeMessage(wanted, queue, replace_message_field=True)
