"""Calls from threads into the event loop of the local Cloud Tasks."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from local.rpc.errors import NotFound, Unavailable
from local.tasks.api.loop_call import Answer, LoopCall
from local.tasks.storage.database import Database


async def call_in_thread(answer: Answer, request: Any) -> Any:
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(LoopCall(answer, request).make, loop)


async def double(request: int) -> int:
    await asyncio.sleep(0)
    return 2 * request


async def refuse(_: Any) -> None:
    raise NotFound("no queue")


def test_a_thread_gets_what_the_method_returns_or_raises() -> None:
    assert asyncio.run(call_in_thread(double, 21)) == 42
    with pytest.raises(NotFound, match="no queue"):
        asyncio.run(call_in_thread(refuse, None))


def test_a_call_that_the_end_of_the_loop_cuts_off_is_unavailable() -> None:
    outcome: list[Exception] = []
    begun = threading.Event()

    async def never(_: Any) -> None:
        begun.set()
        await asyncio.sleep(60)

    def make(loop: asyncio.AbstractEventLoop) -> None:
        try:
            LoopCall(never, None).make(loop)
        except Exception as problem:  # checked below
            outcome.append(problem)

    async def serve() -> None:
        thread.start()
        await asyncio.to_thread(begun.wait)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=make, args=(loop,))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(serve())
    thread.join(10)
    assert [type(each) for each in outcome] == [Unavailable]


def test_a_caller_that_gives_up_takes_no_other_callers_commit_along(tmp_path: Path) -> None:
    async def write() -> bool:
        database = Database(tmp_path / "x.db", "CREATE TABLE t (n INT)")
        database.change("INSERT INTO t VALUES (1)")
        first, second = (asyncio.ensure_future(database.sync()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await second
        database.close()
        return first.cancelled()

    assert asyncio.run(write())
