"""Dispatches tasks when they are due, as fast as their queues allow, and deals with the answers.

Whoever changes a line (a create, an answer, a resume) starts what may be dispatched by that
change at once; one more thread sleeps until the next task falls due or the next token is there.
"""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.tasks.delivery import (
    MintToken,
    Verdict,
    begin_attempt,
    judge,
    make_request,
    read_deadline,
    read_task,
)
from local.tasks.faults import Faults
from local.tasks.line import Line
from local.tasks.names import short_name
from local.tasks.records import TaskRecord
from local.tasks.store import Store
from local.tasks.wire import ConnectionPool, Request

#: Requests under way at once, over all queues.
MAX_THREADS = 64
_LONGEST_SLEEP = 60.0
_PAUSE_AFTER_A_FAULT = 1.0

_log = logging.getLogger(__name__)


class Dispatcher:
    """The lines of all queues, and the threads that deliver from them."""

    def __init__(self, store: Store, mint: MintToken, faults: Faults) -> None:
        self._store = store
        self._mint = mint
        self._faults = faults
        self._lines: dict[str, Line] = {}
        self._late: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._wakes_at = float("inf")
        self._stopping = False
        self._connections = ConnectionPool()
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="delivery")
        self._timer = threading.Thread(target=self._keep_time, name="timer", daemon=True)

    def start(self, queues: Iterable[Any], tasks: Iterable[tuple[str, str, float]]) -> None:
        """Begin with these queues and the tasks (queue, name, due) that are stored in them."""
        for queue in queues:
            self.set_queue(queue)
        with self._changed:
            for queue_name, task, due in tasks:
                self._lines[queue_name].add(task, due)
        self._timer.start()

    def stop(self, grace: float = 1.0) -> None:
        """Dispatch nothing more; wait so many seconds for answers under way, then break them off.

        A task whose answer was not awaited is dispatched again at the next start.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
        ends = time.monotonic() + grace
        while time.monotonic() < ends and any(line.running for line in self._lines.values()):
            time.sleep(0.01)
        self._connections.close()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def set_queue(self, queue: Any) -> None:
        """Take over the settings and state of a new or changed queue."""
        now = time.time()
        with self._changed:
            line = self._lines.get(queue.name)
            if line is None:
                line = self._lines[queue.name] = Line(queue, now)
            else:
                line.configure(queue, now)
            self._pump(line)

    def drop_queue(self, name: str) -> None:
        """Forget a queue and the tasks that wait in it."""
        with self._changed:
            line = self._lines.pop(name, None)
            if line is not None:
                line.clear()

    def clear_queue(self, name: str) -> None:
        """Forget the tasks that wait in a queue."""
        with self._changed:
            if name in self._lines:
                self._lines[name].clear()

    def add_task(self, record: TaskRecord) -> None:
        """Dispatch a stored task when it is due."""
        with self._changed:
            line = self._lines.get(record.queue)
            if line is not None:
                line.add(record.name, self._due(record))
                self._pump(line)

    def drop_task(self, queue: str, name: str) -> None:
        """Forget a task that waits; one that is under way goes on, and its answer is ignored."""
        with self._changed:
            if queue in self._lines:
                self._lines[queue].remove(name)

    def run_task(self, queue: str, name: str) -> None:
        """Dispatch a task now, whatever its queue's state, rate and concurrency."""
        with self._changed:
            line = self._lines.get(queue)
            if line is not None:
                line.remove(name)
                line.running += 1
                self._submit(line, name)

    def _pump(self, line: Line) -> None:
        """Start what the line allows now, and see to it that the timer wakes for the rest."""
        now = time.time()
        if not self._stopping:
            while (task := self._take(line, now)) is not None:
                self._submit(line, task)
        if line.wakes_at(now) < self._wakes_at:
            self._changed.notify()

    def _take(self, line: Line, now: float) -> str | None:
        task = line.take(now)
        if task is not None and self._faults.reorder and self._faults.reorders(task):
            overtaking = line.take(now)
            if overtaking is not None:
                line.running -= 1
                line.add(task, now)
                return overtaking
        return task

    def _submit(self, line: Line, task: str) -> None:
        self._threads.submit(self._deliver, line, task)

    def _keep_time(self) -> None:
        with self._changed:
            while not self._stopping:
                for line in self._lines.values():
                    self._pump(line)
                self._start_late()
                now = time.time()
                self._wakes_at = min(self._list_wake_times(now))
                self._changed.wait(max(0.0, self._wakes_at - now))

    def _list_wake_times(self, now: float) -> Iterator[float]:
        yield now + _LONGEST_SLEEP
        yield from (line.wakes_at(now) for line in self._lines.values())
        yield from (due for due, _, _ in self._late[:1])

    def _start_late(self) -> None:
        while self._late and self._late[0][0] <= time.time():
            self._threads.submit(heapq.heappop(self._late)[2])

    def _deliver(self, line: Line, name: str) -> None:
        try:
            due = self._attempt(line, name)
        except Exception:
            _log.exception("%s: the delivery failed in the dispatcher itself", name)
            due = time.time() + _PAUSE_AFTER_A_FAULT
        with self._changed:
            line.running -= 1
            if due is not None:
                line.add(name, due)
            self._pump(line)

    def _attempt(self, line: Line, name: str) -> float | None:
        """Dispatch one task and keep what came of it; return when it is due again, if it is."""
        stored = self._store.find_task(name)
        if stored is None:
            return None
        if self._faults.drops(name, stored.dispatches):
            _log.warning("%s: lost on purpose", name)
            self._store.note_finished(name)
            return None
        record = begin_attempt(stored, time.time())
        self._store.note_attempt(record)
        task = read_task(record)
        request = make_request(record, task, self._mint)
        self._duplicate(request, record, task)
        answer = self._connections.send(request, read_deadline(task))
        if self._stopping and not answer.status:
            return None
        return self._settle(line, judge(record, task, line.policy, answer, time.time()))

    def _settle(self, line: Line, verdict: Verdict) -> float | None:
        record = verdict.record
        with self._changed:
            if verdict.slows_queue:
                line.bucket.slow_down(time.time())
            elif verdict.succeeded:
                line.bucket.speed_up()
        if verdict.succeeded or verdict.given_up:
            self._store.note_finished(record.name)
            if verdict.given_up:
                _log.error("%s given up: %s", _describe(record), record.previous_reason)
            return None
        self._store.write_attempt(record)
        wait = record.scheduled - time.time()
        _log.info("%s: %s; again in %.3f s", _describe(record), record.previous_reason, wait)
        return self._due(record)

    def _due(self, record: TaskRecord) -> float:
        return record.scheduled + self._faults.delay_of(record.name, record.dispatches)

    def _duplicate(self, request: Request, record: TaskRecord, task: Any) -> None:
        lag = self._faults.duplicate_lag(record.name, record.dispatches)
        if lag is None:
            return
        _log.warning("%s: delivered twice on purpose", _describe(record))
        with self._changed:
            entry = (
                time.time() + lag,
                next(self._numbers),
                self._send_again(request, read_deadline(task)),
            )
            heapq.heappush(self._late, entry)
            self._changed.notify()

    def _send_again(self, request: Request, deadline: float) -> Callable[[], None]:
        return lambda: _log.debug("%s", self._connections.send(request, deadline))


def _describe(record: TaskRecord) -> str:
    return f"{short_name(record.queue)}/{short_name(record.name)} attempt {record.dispatches}"
