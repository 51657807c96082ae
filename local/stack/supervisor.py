"""Keeps one part of the stack running: starts it, restarts it when it dies, stops it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from local.http.retry import RetryConfig, compute_backoff

PROJECT = Path(__file__).resolve().parents[2]

_PROBE_EVERY = 0.03
#: How long to wait for killed processes to disappear.
_DYING = timedelta(seconds=0.3)
#: The waits between attempts to start a part that dies before it is ready, without a limit.
_STARTS = RetryConfig(
    max_attempts=-1,
    max_retry_duration=timedelta(0),
    min_backoff=timedelta(seconds=0.5),
    max_backoff=timedelta(seconds=30),
    max_doublings=6,
)
_SHORT_LIFE = 1.0
#: Seconds that a part has to finish its requests before it restarts.
_RESTART_GRACE = 2.0
_TAIL_LINES = 40
#: Requests that can wait while their part starts: more than the queues dispatch concurrently.
_BACKLOG = 2048
#: Seconds between two checks of a part's log, and its maximum size in bytes.
_CHECK_EVERY = 2.0
MAX_LOG_BYTES = 10_000_000

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack: a module, its arguments, and a readiness probe.

    A part with a `port` inherits the socket that listens on it. The supervisor keeps the socket
    open while the part restarts, so requests wait for the new process, as they wait for an instance
    on Cloud Run.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool]
    port: int | None = None


class Supervisor:
    """Runs one part, in a thread that lives until the part is stopped.

    The thread must live that long: the operating system ends a part when the thread that started it
    ends. The parts of a stack share `last_words`, the last log lines by part, so that an error
    which prevents several parts from starting is shown only once.
    """

    def __init__(self, part: Part, report: Report, last_words: dict[str, str]) -> None:
        self.part = part
        self._report = report
        self._ready = threading.Event()
        self._stopping = threading.Event()
        #: Set to end the wait before the next attempt.
        self._hurry = threading.Event()
        self._is_restarting = False
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._failures = 0
        self._log_began = 0
        self._last_words = last_words
        self._thread = threading.Thread(target=self._run, name=part.name, daemon=True)

    @property
    def pid(self) -> int | None:
        """The running process, which leads its own process group; None if there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the part; do not wait until it is ready."""
        self._thread.start()

    def wait_until_ready(self, within: timedelta) -> bool:
        """Wait until the part is ready, also after a kill; return whether it is."""
        return self._ready.wait(max(0.0, min(within.total_seconds(), threading.TIMEOUT_MAX)))

    def kill(self) -> None:
        """Kill the part and its forks with SIGKILL; it restarts."""
        self._ready.clear()
        self._signal(signal.SIGKILL)

    def restart(self) -> None:
        """Restart the part with its current files: SIGTERM first, SIGKILL if it takes too long.

        A part that waits for its next attempt starts immediately.
        """
        pid = self.pid
        self._forget_failures()
        self._is_restarting = pid is not None
        self._ready.clear()
        self._hurry.set()
        self._signal(signal.SIGTERM)
        slow = threading.Timer(_RESTART_GRACE, lambda: self._kill_if(pid))
        slow.daemon = True
        slow.start()

    def _kill_if(self, pid: int | None) -> None:
        if pid is not None and self.pid == pid:
            self._signal(signal.SIGKILL)

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and do not restart the part."""
        self._stopping.set()
        self._hurry.set()
        self._signal(signal.SIGTERM)
        self._close_socket()

    def stop(self, ends: float) -> None:
        """Stop the part: SIGTERM now, SIGKILL when time.monotonic() reaches `ends`."""
        self.ask_to_stop()
        if self._thread.ident is None:
            return
        self._thread.join(max(0.0, ends - time.monotonic()))
        if self._thread.is_alive():
            self._signal(signal.SIGKILL)
            self._thread.join()

    def read_log(self) -> str:
        """Return the last lines that the part has logged since it started."""
        with contextlib.suppress(OSError):
            written = self.part.log.read_bytes()
            if len(written) >= self._log_began:
                written = written[self._log_began :]
            lines = written.decode(errors="replace").splitlines()
            return "\n".join(f"  | {line}" for line in lines[-_TAIL_LINES:])
        return ""

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._hurry.clear()
            if not self._listen():
                self._hurry.wait(self._explain_taken_port())
                continue
            started = time.monotonic()
            process = self._spawn()
            was_ready = self._await_ready(process)
            code = self._watch(process)
            # If the supervisor itself listens on the port, the part's forks cannot block it.
            _end_group(process.pid, timedelta() if self._socket else _DYING)
            self._ready.clear()
            if not was_ready:
                self._close_socket()
            if self._stopping.is_set():
                return
            lived = time.monotonic() - started
            self._hurry.wait(self._explain_death(code, was_ready, lived))

    def _spawn(self) -> subprocess.Popen[bytes]:
        part = self.part
        passed = () if self._socket is None else (self._socket.fileno(),)
        command = [sys.executable, "-m", "local.stack.part", str(os.getpid())]
        command += [str(passed[0]) if passed else "-", part.module]
        with _open_log(part.log) as log:
            self._log_began = log.tell()
            process = subprocess.Popen(  # noqa: S603
                [*command, *part.arguments],
                cwd=PROJECT,
                env=dict(part.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=passed,
            )
        self._process = process
        if self._stopping.is_set():
            process.terminate()
        return process

    def _listen(self) -> bool:
        """Open the part's socket, if it has a port; return whether the port is ours.

        Another program on the port would answer the readiness probe in the part's place.
        """
        if self._socket is None and self.part.port is not None:
            with contextlib.suppress(OSError):
                self._socket = socket.create_server(("127.0.0.1", self.part.port), backlog=_BACKLOG)
        return self._socket is not None or self.part.port is None

    def _explain_taken_port(self) -> float:
        """Report and log that the part's port is taken; return the seconds until the next try."""
        self._failures += 1
        backoff = compute_backoff(_STARTS, self._failures).total_seconds()
        reason = f"{self.part.name} cannot start: port {self.part.port} is taken"
        with _open_log(self.part.log) as log:
            self._log_began = log.tell()
            log.write(f"{reason}\n".encode())
        self._report(f"{reason}; next attempt in {backoff:g} s")
        return backoff

    def _close_socket(self) -> None:
        """Stop listening; requests are refused unless a process of the part accepts them."""
        listening, self._socket = self._socket, None
        if listening is not None:
            listening.close()

    def _await_ready(self, process: subprocess.Popen[bytes]) -> bool:
        while process.poll() is None and not self._stopping.is_set():
            if self.part.is_ready():
                self._ready.set()
                return True
            time.sleep(_PROBE_EVERY)
        return False

    def _watch(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for the part to end, and limit its log meanwhile; return its exit code."""
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_CHECK_EVERY)
            _rotate_log(self.part.log)

    def _explain_death(self, code: int, was_ready: bool, lived: float) -> float:
        """Report the end of the part; return how many seconds to wait before the next start.

        If it ended before it was ready, the report contains the end of its log.
        """
        if self._is_restarting:
            self._is_restarting = False
            return 0.0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if was_ready:
            self._forget_failures()
            self._report(f"{self.part.name} {how}; restarting it")
            return 0.0 if lived > _SHORT_LIFE else _STARTS.min_backoff.total_seconds()
        self._failures += 1
        backoff = compute_backoff(_STARTS, self._failures).total_seconds()
        end = self.read_log() or "  | (its log is empty)"
        last = end.rstrip(" |\n").rpartition("\n")[2].removeprefix("  | ")
        is_known = end in self._last_words.values()
        shown = f"as before: {last}" if is_known else f"the end of {self.part.log}:\n{end}"
        self._last_words[self.part.name] = end
        self._report(
            f"{self.part.name} {how} before it was ready; next attempt in {backoff:g} s; {shown}"
        )
        return backoff

    def _forget_failures(self) -> None:
        self._failures = 0
        self._last_words.pop(self.part.name, None)

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)


def _end_group(leader: int, patience: timedelta) -> None:
    """Kill the forks that a part has left behind, which may hold its port, and wait for their end.

    The wait is short: if no process reaps orphans, they stay in the group as zombies.
    """
    ends = time.monotonic() + patience.total_seconds()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
        while time.monotonic() < ends:
            time.sleep(_PROBE_EVERY)
            os.killpg(leader, signal.SIGKILL)


def _open_log(path: Path) -> BinaryIO:
    """Open a log to append to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def _rotate_log(path: Path) -> None:
    """Copy a log that is too long to NAME.log.1, and truncate it.

    The part keeps appending to the same file: what it writes between the copy and the truncation is
    lost. If the disk is too full for the copy, the log is truncated anyway.
    """
    with contextlib.suppress(OSError):
        if path.stat().st_size > MAX_LOG_BYTES:
            with contextlib.suppress(OSError):
                shutil.copyfile(path, path.with_suffix(".log.1"))
            os.truncate(path, 0)
