"""Calls that have outlasted their time-out and go on, each in a thread that nobody can end.

They are bounded, for each keeps its memory and its connections: a process with too many runs no
more actions, and its deliveries come again, to another one if there is one.
"""

import threading

from lib.errors import NotBegun
from lib.observability.logs import log

#: So many calls may go on in one process.
MAX_OVERRUNS = 50


class Overruns:
    """The threads of one process whose calls go on after their time-out."""

    def __init__(self, most: int = MAX_OVERRUNS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    @property
    def count(self) -> int:
        """How many calls go on now."""
        with self._lock:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            return len(self._threads)

    def add(self, thread: threading.Thread) -> None:
        """Count a call that has outlasted its time-out, until it ends."""
        with self._lock:
            self._threads.append(thread)
        log("WARNING", "a call goes on after its time-out", overruns=self.count)

    def check(self) -> None:
        """Raise NotBegun where as many calls go on as may, and alert."""
        count = self.count
        if count >= self._most:
            log("ERROR", "this process runs no more actions", alert="overruns", overruns=count)
            raise NotBegun(f"{count} calls of this process have outlasted their time-out")


#: Those of this process.
OVERRUNS = Overruns()
