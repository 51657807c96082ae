"""The queue in memory has the semantics of Cloud Tasks."""

from dataclasses import replace
from datetime import timedelta

from lib.saga.definition.phase import Phase
from lib.saga.state.delivery import Delivery
from lib.saga.testing import MemoryQueue, VirtualClock
from lib.saga.testing.memory.clock import BEGINNING

SECOND = timedelta(seconds=1)

FIRST = Delivery(
    saga_id="s",
    phase=Phase.EXECUTE,
    step=0,
    attempt=1,
    epoch=0,
    at=BEGINNING,
    timeout=30 * SECOND,
)


def make_queue(*deliveries: Delivery) -> MemoryQueue:
    queue = MemoryQueue(VirtualClock())
    for delivery in deliveries:
        queue.enqueue(delivery)
    return queue


def test_a_used_name_is_dropped_even_after_its_task_is_done() -> None:
    queue = make_queue(FIRST, FIRST)
    [task] = queue.tasks
    queue.acknowledge(task, queue.dispatch(task))
    queue.enqueue(FIRST)
    assert queue.next is None


def test_the_task_that_is_due_first_is_next() -> None:
    later = replace(FIRST, step=1, at=BEGINNING + SECOND)
    queue = make_queue(later, FIRST)
    assert queue.next is not None
    assert queue.next.delivery == FIRST


def test_a_failed_task_is_redelivered_after_twice_the_pause() -> None:
    queue = make_queue(FIRST)
    [task] = queue.tasks
    pauses = []
    for _ in range(3):
        queue.retry(task, queue.dispatch(task))
        pauses.append((task.at - BEGINNING).total_seconds())
    assert pauses == [0.1, 0.2, 0.4]
    assert queue.dispatch(task) == 4
    assert task.retries == 3


def test_an_unanswered_task_is_redelivered_and_its_late_answer_ignored() -> None:
    queue = make_queue(FIRST)
    [task] = queue.tasks
    number = queue.dispatch(task)
    assert task.at == BEGINNING + 40 * SECOND
    queue.dispatch(task)
    queue.acknowledge(task, number)
    assert queue.next is task


def test_dropped_tasks_are_gone_and_their_names_stay_in_use() -> None:
    queue = make_queue(FIRST)
    queue.drop_all()
    queue.enqueue(FIRST)
    assert queue.next is None
