"""Dispatches tasks when they are due, as fast as their queues allow, and handles the responses.

Everything runs in one event loop. Every change of pending tasks (a create, a response, a resume)
immediately dispatches what it allows. A timer wakes for the next due task and the next token.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable
from datetime import timedelta
from typing import Any

from local.host.clock_watch import LOOK_EVERY, ClockWatch
from local.http.client import ConnectionPool
from local.http.messages import Answer, Request
from local.rpc.errors import ServiceError
from local.tasks.dispatch.attempt_log import AttemptLog
from local.tasks.dispatch.delivery import (
    Disposition,
    begin_attempt,
    describe_verdict,
    judge,
    make_request,
    read_deadline,
)
from local.tasks.dispatch.faults import Faults
from local.tasks.dispatch.pending_tasks import PendingTasks
from local.tasks.dispatch.signer import Signer
from local.tasks.storage.records import TaskRecord
from local.tasks.storage.store import TaskStore
from local.tasks.v2.names import short_name

_PAUSE_AFTER_A_FAULT = 1.0

_log = logging.getLogger(__name__)


class Dispatcher:
    """The pending tasks of all queues, and the deliveries in progress."""

    def __init__(
        self, store: TaskStore, signer: Signer, faults: Faults, attempts: AttemptLog, app: str = ""
    ) -> None:
        self._store = store
        self._signer = signer
        self._faults = faults
        self._attempts = attempts
        self._app = app
        self._loop = asyncio.get_running_loop()
        self._pending: dict[str, PendingTasks] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._connections = ConnectionPool()
        self._alarm: asyncio.TimerHandle | None = None
        self._stopping = False
        self._clock = ClockWatch()

    def start(self, queues: Iterable[Any], tasks: Iterable[tuple[str, str, float]]) -> None:
        """Start with the stored queues and tasks (queue, name, due)."""
        now = time.time()
        self._pending = {queue.name: PendingTasks(queue, now) for queue in queues}
        for queue_name, task, due in tasks:
            self._pending[queue_name].add(task, due)
        self._wake()

    async def stop(self, grace: timedelta) -> None:
        """Dispatch nothing more; wait up to `grace` for responses, then cancel the requests.

        A task whose request was cancelled is dispatched again after the next start.
        """
        self._stopping = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=grace.total_seconds())
        for delivery in self._under_way:
            delivery.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._connections.close()

    def find_pending(self, queue: str) -> PendingTasks | None:
        """Return the pending tasks of a queue, only to read; None if there is no such queue."""
        return self._pending.get(queue)

    def set_queue(self, queue: Any) -> None:
        """Apply the settings and state of a new or changed queue."""
        now = time.time()
        pending = self._pending.get(queue.name)
        if pending is None:
            pending = self._pending[queue.name] = PendingTasks(queue, now)
        else:
            pending.configure(queue, now)
        self._pump(pending)

    def drop_queue(self, name: str) -> None:
        """Forget a queue and its waiting tasks."""
        pending = self._pending.pop(name, None)
        if pending is not None:
            pending.clear()

    def clear_queue(self, name: str) -> None:
        """Forget the waiting tasks of a queue."""
        if name in self._pending:
            self._pending[name].clear()

    def add_task(self, record: TaskRecord) -> None:
        """Dispatch a stored task when it is due."""
        pending = self._pending.get(record.queue)
        if pending is not None:
            pending.add(record.name, self._due(record))
            self._pump(pending)

    def drop_task(self, queue: str, name: str) -> None:
        """Forget a waiting task; a request in progress continues, but its response is ignored."""
        if queue in self._pending:
            self._pending[queue].remove(name)

    def run_task(self, record: TaskRecord) -> TaskRecord:
        """Dispatch a task now, ignoring its queue's state and limits; return its new record.

        If the task is in progress already, it then has two concurrent attempts.
        """
        pending = self._pending[record.queue]
        pending.remove(record.name)
        pending.running += 1
        begun = self._begin(record)
        self._launch(self._deliver(pending, record.name, begun))
        return begun

    def _pump(self, pending: PendingTasks) -> None:
        """Start what the queue allows now, and set the timer for the rest."""
        self._heed_clock()
        now = time.time()
        while not self._stopping and (task := pending.take(now)) is not None:
            self._launch(self._deliver(pending, task))
        self._set_alarm(pending.wakes_at(now) - now)

    def _heed_clock(self) -> None:
        """If the clock was set back, shift the due times, so that no wait becomes longer.

        A clock that was set forward needs no handling: the timer fires within seconds.
        """
        jump = self._clock.jump()
        if jump < 0:
            _log.warning("the clock was set back by %.0f s", -jump)
            for pending in self._pending.values():
                pending.shift(jump)

    def _launch(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _set_alarm(self, wait: float) -> None:
        when = self._loop.time() + min(wait, LOOK_EVERY)
        if wait == float("inf") or (self._alarm is not None and self._alarm.when() <= when):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(when, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        for pending in self._pending.values():
            self._pump(pending)

    async def _deliver(
        self, pending: PendingTasks, name: str, forced: TaskRecord | None = None
    ) -> None:
        """Run one attempt to its end; `forced` is the record of an attempt that RunTask began."""
        try:
            record = forced or self._begin_next(name)
            due = (
                await self._attempt(pending, record, is_forced=forced is not None)
                if record
                else None
            )
        except Exception:  # a bug here must not end the dispatcher
            _log.exception("%s: the delivery failed in the dispatcher itself", name)
            due = time.time() + _PAUSE_AFTER_A_FAULT
        pending.running -= 1
        if due is not None:
            pending.add(name, due)
        self._pump(pending)

    def _begin_next(self, name: str) -> TaskRecord | None:
        """Begin an attempt; return None if the task is gone, or a fault drops it now."""
        stored = self._store.find_task(name)
        if stored is not None and self._faults.drops(name, stored.dispatches):
            _log.warning("%s: dropped by an injected fault", name)
            self._store.finish_task(name)
            return None
        return stored and self._begin(stored)

    def _begin(self, stored: TaskRecord) -> TaskRecord:
        record = begin_attempt(stored, time.time())
        self._store.update_task(record)
        return record

    async def _attempt(
        self, pending: PendingTasks, record: TaskRecord, is_forced: bool
    ) -> float | None:
        """Send an attempt's request and store its outcome; return when it is due again, if ever."""
        task = record.read_message()
        try:
            request = await make_request(record, task, pending.target, self._signer, self._app)
        except ServiceError as refusal:
            now, answer = time.time(), Answer(0, str(refusal))
            return self._settle(pending, judge(record, task, pending.policy, answer, now, now))
        entry = self._attempts.begin(record.name, record.dispatches, request, time.time())
        self._duplicate(request, record, task)
        answer = await self._connections.send(request, read_deadline(task))
        now = time.time()
        # Read the task again: RunTask may have started another attempt meanwhile.
        current = self._store.find_task(record.name)
        if current is None:
            entry.end(now, answer, "ignored: the task was deleted")
            return None
        retry_from = record.attempt_dispatched if is_forced else now
        verdict = judge(current, task, pending.policy, answer, now, retry_from)
        entry.end(now, answer, describe_verdict(verdict))
        return self._settle(pending, verdict)

    def _settle(self, pending: PendingTasks, verdict: Disposition) -> float | None:
        record = verdict.record
        if verdict.slows_queue:
            pending.bucket.slow_down(time.time())
        elif verdict.succeeded:
            pending.bucket.speed_up()
        if verdict.succeeded or verdict.given_up:
            pending.remove(record.name)
            self._store.finish_task(record.name)
            if verdict.given_up:
                _log.error("%s given up: %s", _describe(record), record.previous_reason)
            return None
        self._store.update_task(record)
        wait = record.scheduled - time.time()
        _log.info("%s: %s; retry in %.3f s", _describe(record), record.previous_reason, wait)
        return self._due(record)

    def _due(self, record: TaskRecord) -> float:
        faults, attempt = self._faults, record.dispatches
        late = faults.delay_of(record.name, attempt) + faults.hold_of(record.name, attempt)
        return record.scheduled + late

    def _duplicate(self, request: Request, record: TaskRecord, task: Any) -> None:
        lag = self._faults.duplicate_lag(record.name, record.dispatches)
        if lag is not None:
            _log.warning("%s: duplicated by an injected fault", _describe(record))
            self._launch(self._send_again(request, record, read_deadline(task), lag))

    async def _send_again(
        self, request: Request, record: TaskRecord, deadline: float, lag: float
    ) -> None:
        await asyncio.sleep(lag)
        entry = self._attempts.begin(record.name, record.dispatches, request, time.time())
        answer = await self._connections.send(request, deadline)
        entry.end(time.time(), answer, "ignored: an injected duplicate")


def _describe(record: TaskRecord) -> str:
    return f"{short_name(record.queue)}/{short_name(record.name)} attempt {record.dispatches}"
