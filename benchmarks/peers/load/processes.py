"""Processes of peers: started in groups of their own, killed, and looked at through /proc."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

_KIB = 1024
_FSYNCS = ("fsync", "fdatasync", "sync_file_range", "msync")


def spawn(
    command: list[str], log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Start a process that leads a group of its own and writes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )


def check_free(*ports: int) -> None:
    """Raise RuntimeError if a port is taken: a client would talk to another server."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as problem:
                raise RuntimeError(f"port {port} is needed, but {problem.strerror}") from problem


def end(process: "subprocess.Popen[bytes] | None", number: signal.Signals) -> None:
    """Send a signal to the group that we started, and wait; after ten seconds it is killed."""
    if process is None or process.poll() is not None:
        return
    os.killpg(process.pid, number)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def group_of(leaders: Iterable[int]) -> list[int]:
    """Return the processes of these groups."""
    wanted = set(leaders)
    return [pid for pid in _list_pids() if _group(pid) in wanted]


def memory_of(pids: Iterable[int]) -> float:
    """Return MiB of memory, what is shared counted once (PSS)."""
    return sum(_pss(pid) for pid in pids) / _KIB


class MemoryPeak(threading.Thread):
    """Looks once a second at what processes use; `peak` is the most, in MiB."""

    def __init__(self, leaders: Callable[[], Iterable[int]]) -> None:
        super().__init__(daemon=True)
        self._leaders = leaders
        self._over = threading.Event()
        self.peak = 0.0

    def run(self) -> None:
        """Look until `stop`."""
        while not self._over.wait(1.0):
            self.peak = max(self.peak, memory_of(group_of(self._leaders())))

    def stop(self) -> float:
        """Look no longer, and return the peak."""
        self._over.set()
        self.join()
        return self.peak


def count_fsyncs(pids: Iterable[int], work: Callable[[], int], report: Path) -> float | None:
    """Return calls of the fsync family for each job that `work` says it did; None without strace.

    Never taken while times are: strace slows what it looks at.
    """
    if not shutil.which("strace"):
        return None
    command = ["strace", "-f", "-c", "-o", str(report), "-e", f"trace={','.join(_FSYNCS)}"]
    for pid in pids:
        command += ["-p", str(pid)]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1.0)
    done = work()
    tracer.send_signal(signal.SIGINT)
    tracer.wait(10)
    rows = [line.split() for line in report.read_text().splitlines()]
    return sum(int(row[3]) for row in rows if row and row[-1] in _FSYNCS) / max(done, 1)


def _list_pids() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
