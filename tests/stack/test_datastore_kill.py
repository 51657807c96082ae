"""kill -9 during commits: acknowledged writes are stored, and none is stored partly.

`make test-long` makes 10,000 commits and kills ten times; `make test` makes fewer.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc

from tests.contract.wire import Wire, list_names

COMMITS, KILLS = (10_000, 10) if os.environ.get("LONG") else (600, 2)
WRITERS = 4
SHARE = COMMITS // WRITERS


@contextmanager
def run_server(data: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run the server in a separate process; yield the process and the address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local.datastore", "--port", "0", "--data", str(data)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[-1]
        process.terminate()


class Writers:
    """Concurrent writers, each with a chain of commits; the process is killed in between."""

    def __init__(self, process: "subprocess.Popen[str]", kill_after: int) -> None:
        self.answered: dict[int, int] = {}
        self._process = process
        self._kill_after = kill_after
        self._lock = threading.Lock()

    def write(self, host: str, writer: int, number: int) -> None:
        """Commit from a number on, until the server is gone or the writer is done."""
        with Wire(host, "n") as wire:
            while number < SHARE:
                number += 1
                try:
                    commit(wire, writer, number)
                except grpc.RpcError as error:
                    assert error.code() == grpc.StatusCode.UNAVAILABLE  # noqa: PT017
                    return
                self._note(writer, number)

    def _note(self, writer: int, number: int) -> None:
        with self._lock:
            self.answered[writer] = number
            self._kill_after -= 1
            if self._kill_after == 0:
                # The other writers are in the middle of commits.
                os.kill(self._process.pid, signal.SIGKILL)


def commit(wire: Wire, writer: int, number: int) -> None:
    """Make four changes in one commit: a new pair, and a link that replaces the previous one."""
    name = f"{writer}-{number}"
    wire.commit(
        wire.mutation("insert", ("Left", name), n=number),
        wire.mutation("insert", ("Right", name), n=number),
        wire.mutation("delete", ("Link", f"{writer}-{number - 1}")),
        wire.mutation("insert", ("Link", name), n=number),
        single_use=True,
    )


def list_all(wire: Wire, kind: str, order: str) -> list[str]:
    """Return the names of all entities of a kind."""
    found: list[str] = []
    cursor = b""
    while True:
        batch = wire.run(wire.query(kind, order=[order], start_cursor=cursor))
        found += map(str, list_names(batch))
        if batch.more_results != batch.NOT_FINISHED:
            return found
        cursor = batch.end_cursor


def read_state(wire: Wire) -> dict[int, int]:
    """Return how far each writer's commits are stored; fail if one is stored partly."""
    ends = dict.fromkeys(range(WRITERS), 0)
    for name in list_all(wire, "Link", "n"):
        writer, number = map(int, name.split("-"))
        assert ends[writer] == 0, "a link is still there"
        ends[writer] = number
    expected = sorted(f"{writer}-{n + 1}" for writer in ends for n in range(ends[writer]))
    for kind in ("Left", "Right"):
        assert sorted(list_all(wire, kind, "n")) == expected
        assert list_all(wire, kind, "__key__") == expected
    return ends


def test_acknowledged_writes_survive_kills(tmp_path: Path) -> None:
    stored = dict.fromkeys(range(WRITERS), 0)
    for _ in range(KILLS):
        with run_server(tmp_path) as (process, host), ThreadPoolExecutor(WRITERS) as pool:
            writers = Writers(process, kill_after=COMMITS // (KILLS + 1))
            written = [pool.submit(writers.write, host, one, stored[one]) for one in stored]
            for one in written:
                one.result()
        assert process.returncode == -signal.SIGKILL
        with run_server(tmp_path) as (_, host), Wire(host, "n") as wire:
            before, stored = stored, read_state(wire)
        for writer in range(WRITERS):
            # The last one may be stored although it was not acknowledged.
            answered = writers.answered.get(writer, before[writer])
            assert answered <= stored[writer] <= answered + 1
