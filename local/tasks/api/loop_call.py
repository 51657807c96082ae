"""A call from another thread into the event loop.

`asyncio.run_coroutine_threadsafe` does the same with two futures that notify each other, which
costs more than most methods here.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from local.rpc.errors import Unavailable

#: Answers one method's request with its response; raises ServiceError.
Answer = Callable[[Any], Awaitable[Any]]


class LoopCall:
    """One call of a method."""

    def __init__(self, answer: Answer, request: Any) -> None:
        self._answer = answer
        self._request = request
        self._ended = threading.Lock()
        self._ended.acquire()
        self._task: asyncio.Task[None] | None = None
        self._response: Any = None
        self._error: Exception | None = None

    def make(self, loop: asyncio.AbstractEventLoop) -> Any:
        """Run the method in the loop, wait for it, and return what it returns.

        Raises what it raises, and Unavailable if the loop ends first.
        """
        loop.call_soon_threadsafe(self._begin)
        self._ended.acquire()
        if self._error is not None:
            raise self._error
        return self._response

    def _begin(self) -> None:
        # A loop keeps only weak references to its tasks.
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            self._response = await self._answer(self._request)
        except asyncio.CancelledError:
            self._error = Unavailable("The server is stopping.")
            raise
        except Exception as error:  # raised again in the thread that waits
            self._error = error
        finally:
            self._ended.release()
