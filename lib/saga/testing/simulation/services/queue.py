"""The queue as a run's processes see it, with a fault point before and after each enqueue."""

from lib.errors import Unavailable
from lib.saga.state.delivery import Delivery
from lib.saga.testing.memory.queue import MemoryQueue
from lib.saga.testing.simulation.faults.kinds import LOST_ANSWER, REFUSED
from lib.saga.testing.simulation.processes.process import name_delivery
from lib.saga.testing.simulation.processes.processes import LATENCY, Processes


class FaultyQueue:
    """Accepts deliveries from the current process, which may be killed before or after."""

    def __init__(self, queue: MemoryQueue, processes: Processes) -> None:
        self._queue = queue
        self._processes = processes

    def enqueue(self, delivery: Delivery) -> None:
        """Accept a delivery; raise Unavailable if it was refused, or if the answer was lost."""
        process = self._processes.current
        process.live()
        self._processes.clock.advance(LATENCY)
        what = f"the enqueue of {name_delivery(delivery)} by {process.name}"
        if self._processes.reach(f"before {what}", REFUSED):
            raise Unavailable("the queue does not answer")
        self._queue.enqueue(delivery)
        process.moved = process.durable = True
        if self._processes.reach(f"after {what}", LOST_ANSWER):
            raise Unavailable("the queue's answer was lost")
