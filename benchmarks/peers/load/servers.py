"""The processes of an engine that consists of servers and a worker."""

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from benchmarks.peers.load.processes import end, spawn


class Servers:
    """Servers, and the worker that runs the steps, each leading a group of processes of its own."""

    def __init__(self) -> None:
        self._servers: list[subprocess.Popen[bytes]] = []
        self._worker: subprocess.Popen[bytes] | None = None

    @property
    def has_worker(self) -> bool:
        """Whether a worker was started as a process of its own."""
        return self._worker is not None

    def add(self, command: list[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        """Start a server that writes to `log`."""
        self._servers.append(spawn(command, log, env))

    def set_worker(self, command: list[str], log: Path, env: Mapping[str, str]) -> None:
        """Start the worker, which writes to `log`."""
        self._worker = spawn(command, log, env)

    def kill_worker(self) -> None:
        """Kill the worker with -9."""
        end(self._worker, signal.SIGKILL)

    @property
    def leaders(self) -> list[int]:
        """The groups of processes."""
        worker = [self._worker] if self._worker else []
        return [process.pid for process in (*self._servers, *worker)]

    def stop(self) -> None:
        """End all of them."""
        end(self._worker, signal.SIGKILL)
        for process in reversed(self._servers):
            end(process, signal.SIGTERM)
        self._servers, self._worker = [], None
