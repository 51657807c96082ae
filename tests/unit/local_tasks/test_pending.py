from typing import Any

from local.tasks.dispatch.pending_tasks import PendingTasks
from local.tasks.resources.queue_checks import complete_queue
from local.tasks.v2.messages import PAUSED, RUNNING, Queue


def make_queue(rate: float = 500, concurrent: int = 1000, state: int = RUNNING) -> Any:
    queue = Queue(name="projects/p/locations/l/queues/q", state=state)
    queue.rate_limits.max_dispatches_per_second = rate
    queue.rate_limits.max_concurrent_dispatches = concurrent
    return complete_queue(queue)


def test_tasks_are_taken_in_the_order_of_their_due_times() -> None:
    pending = PendingTasks(make_queue(), now=0)
    for task, due in (("late", 30.0), ("first", 10.0), ("second", 20.0)):
        pending.add(task, due)
    assert [pending.take(now=25), pending.take(now=25), pending.take(now=25)] == [
        "first",
        "second",
        None,
    ]
    assert pending.wakes_at(now=25) == 30


def test_a_moved_task_is_taken_once_at_its_new_time() -> None:
    pending = PendingTasks(make_queue(), now=0)
    pending.add("task", 10)
    pending.add("task", 20)
    assert pending.take(now=15) is None
    assert pending.take(now=20) == "task"
    assert pending.take(now=99) is None


def test_a_removed_task_is_not_taken() -> None:
    pending = PendingTasks(make_queue(), now=0)
    pending.add("task", 10)
    pending.remove("task")
    assert pending.take(now=10) is None
    assert pending.wakes_at(now=10) == float("inf")


def test_no_more_tasks_run_at_a_time_than_the_queue_allows() -> None:
    pending = PendingTasks(make_queue(concurrent=2), now=0)
    for number in range(3):
        pending.add(str(number), 0)
    assert [pending.take(0), pending.take(0), pending.take(0)] == ["0", "1", None]
    pending.running -= 1
    assert pending.take(0) == "2"


def test_a_paused_queue_keeps_its_tasks_until_it_is_resumed() -> None:
    pending = PendingTasks(make_queue(state=PAUSED), now=0)
    pending.add("task", 0)
    assert pending.take(now=5) is None
    assert pending.wakes_at(now=5) == float("inf")
    pending.configure(make_queue(), now=5)
    assert pending.take(now=5) == "task"


def test_a_queue_without_tokens_wakes_for_the_next_one() -> None:
    pending = PendingTasks(make_queue(rate=0.5), now=0)
    pending.add("first", 0)
    pending.add("second", 0)
    assert pending.take(now=0) == "first"
    assert pending.take(now=0) is None
    assert pending.wakes_at(now=0) == 2
