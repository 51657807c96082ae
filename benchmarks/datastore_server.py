"""The local Datastore in a process of its own, as the benchmarks measure it."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DatastoreServer:
    """A running server: where it listens, and its process."""

    host: str
    process: subprocess.Popen[str]


@contextmanager
def run_server(folder: Path | str, *arguments: str) -> Iterator[DatastoreServer]:
    """Run the server on a data folder and a free port; arguments are those of its command line."""
    process = start_process(folder, arguments)
    with process:
        try:
            assert process.stdout is not None  # noqa: S101
            yield DatastoreServer(process.stdout.readline().split()[-1], process)
        finally:
            process.terminate()


def start_process(folder: Path | str, arguments: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start the server; its first line of output says when it is ready and where."""
    command = [sys.executable, "-m", "local.datastore", "--port", "0", "--data", str(folder)]
    return subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)  # noqa: S603
