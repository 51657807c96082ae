"""Threads for calls of authors' code, reused: starting one costs more than most calls."""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

#: The maximum number of idle threads that one process keeps.
MAX_IDLE = 16


class Running:
    """One call in a thread of its own; `act` must never raise."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._busy = threading.Lock()
        self._busy.acquire()

    def run(self) -> None:
        """Make the call, in this thread."""
        try:
            self._act()
        finally:
            self._busy.release()

    def is_alive(self) -> bool:
        """Return whether the call is still running."""
        return self._busy.locked()

    def join(self, seconds: float) -> None:
        """Wait for the end of the call, for at most `seconds`."""
        if self._busy.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
            self._busy.release()


class Threads:
    """The threads of one process. A call that never ends blocks its thread, but no other call."""

    def __init__(self, most: int = MAX_IDLE) -> None:
        self._most = most
        self._idle: list[SimpleQueue[Running]] = []
        # A forked process does not inherit threads.
        os.register_at_fork(after_in_child=self._idle.clear)

    def start(self, act: Callable[[], object]) -> Running:
        """Make a call in a thread. Raises RuntimeError if no thread can be started."""
        running = Running(act)
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = SimpleQueue()
            threading.Thread(target=self._serve, args=(inbox,), daemon=True).start()
        inbox.put(running)
        return running

    def _serve(self, inbox: "SimpleQueue[Running]") -> None:
        while True:
            inbox.get().run()
            if len(self._idle) >= self._most:
                return
            self._idle.append(inbox)


#: The threads of this process.
THREADS = Threads()
