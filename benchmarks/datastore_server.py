"""The local Datastore in its own process, for benchmarks."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DatastoreServer:
    """A running server: its host and port, and its process."""

    host: str
    process: subprocess.Popen[str]


@contextmanager
def run_server(folder: Path | str, *arguments: str) -> Iterator[DatastoreServer]:
    """Run the server on a data folder and a free port, with more command line arguments."""
    process = start_process(folder, arguments)
    with process:
        try:
            assert process.stdout is not None  # noqa: S101
            yield DatastoreServer(process.stdout.readline().split()[-1], process)
        finally:
            process.terminate()


def start_process(folder: Path | str, arguments: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start the server; it prints its address in its first line when it is ready."""
    command = [sys.executable, "-m", "local.datastore", "--port", "0", "--data", str(folder)]
    return subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)  # noqa: S603
