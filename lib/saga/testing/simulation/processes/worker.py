"""A second worker, which takes turns with the first, so that runs can be repeated."""

from collections.abc import Callable
from threading import Semaphore, Thread

from lib.saga.testing.simulation.processes.exceptions import RunOver


class Worker:
    """Runs work in a thread of its own, but only while a caller waits in `resume`."""

    def __init__(self, work: Callable[[], None], *, takes_turns: bool) -> None:
        self._work = work
        #: Whether it runs to its next point whenever the first worker reaches one.
        self.takes_turns = takes_turns
        self.ended = False
        self._points: int | None = None
        self._abandoned = False
        self._problem: BaseException | None = None
        self._may_go, self._stands = Semaphore(0), Semaphore(0)
        self._thread: Thread | None = None

    def resume(self, points: int | None) -> None:
        """Run for `points` points, or to the end if None. Raises what the work raises."""
        self._points = points
        if self._thread is None:
            self._thread = Thread(target=self._run, daemon=True)
            self._thread.start()
        else:
            self._may_go.release()
        self._stands.acquire()
        if self._problem is not None:
            raise self._problem

    def come_to_point(self) -> None:
        """Wait, in the worker's own thread, if it has run for all its points."""
        if self._points is None:
            return
        self._points -= 1
        if self._points > 0:
            return
        self._stands.release()
        self._may_go.acquire()
        if self._abandoned:
            raise RunOver

    def abandon(self) -> None:
        """End the work at its point, because its run is over. Raises what the work raises then."""
        if self._thread is not None and not self.ended:
            self._abandoned, self._points = True, None
            self._may_go.release()
            self._stands.acquire()
            if self._problem is not None:
                raise self._problem

    def _run(self) -> None:
        try:
            self._work()
        except RunOver:
            pass
        except BaseException as problem:  # raised where the first worker resumes this one
            self._problem = problem
        finally:
            self.ended = True
            self._stands.release()
