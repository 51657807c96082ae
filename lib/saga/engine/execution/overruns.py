"""Calls that continue after their timeout, each in a thread that cannot be stopped.

Their number is limited, because each keeps its memory and its connections. A process with too many
of them runs no more actions: the queue redelivers, to another process if there is one.
"""

import threading

from lib.errors import NotBegun
from lib.observability.logs import log
from lib.saga.engine.execution.threads import Running

#: The maximum number of calls of one process that continue after their timeout.
MAX_OVERRUNS = 50


class Overruns:
    """The threads of one process whose calls continue after their timeout."""

    def __init__(self, most: int = MAX_OVERRUNS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._calls: list[Running] = []

    @property
    def count(self) -> int:
        """The number of calls that continue now."""
        with self._lock:
            self._calls = [call for call in self._calls if call.is_alive()]
            return len(self._calls)

    def add(self, call: Running) -> None:
        """Count a call that continues after its timeout, until it ends."""
        with self._lock:
            self._calls.append(call)
        log("WARNING", "a call continues after its timeout", overruns=self.count)

    @property
    def is_full(self) -> bool:
        """Whether the maximum number of calls is reached."""
        return self.count >= self._most

    def check(self) -> None:
        """Raise NotBegun, and log an alert, if the maximum number of calls is reached."""
        count = self.count
        if count >= self._most:
            log("ERROR", "this process runs no more actions", alert="overruns", overruns=count)
            raise NotBegun(f"{count} calls of this process have outlasted their timeout")


#: The calls of this process.
OVERRUNS = Overruns()
