"""Keeps one part of the stack running: starts it, starts it again when it dies, ends it."""

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
#: How long what was killed is given to be gone, in seconds.
_DYING = 0.3
#: The waits between tries to start a part that dies before it is ready: without an end.
_STARTS = RetryConfig(
    max_attempts=-1,
    max_retry_duration=timedelta(0),
    min_backoff=timedelta(seconds=0.5),
    max_backoff=timedelta(seconds=30),
    max_doublings=6,
)
_SHORT_LIFE = 1.0
#: Seconds that a part which is to start again has to end what it has under way.
_RESTART_GRACE = 2.0
_TAIL_LINES = 40
#: Requests that wait while their part starts: more than the queues have under way at once.
_BACKLOG = 2048
#: Seconds between two looks at a part's log, and the bytes that it may have.
_LOOK_EVERY = 2.0
MAX_LOG_BYTES = 10_000_000

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack: a module, its arguments, and how to tell that it is ready.

    A part with a `port` is handed the socket that listens on it. The supervisor keeps the socket
    while it starts the part again: requests wait for the new process, as Cloud Run has them wait
    for an instance, and are not refused.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool]
    port: int | None = None


class Supervisor:
    """Runs one part in a thread of its own, which lives as long as the part is wanted.

    The thread matters: the system ends a part when the thread that started it ends. The parts of a
    stack share `last_words`, by part: what keeps several from starting is shown once.
    """

    def __init__(self, part: Part, report: Report, last_words: dict[str, str]) -> None:
        self.part = part
        self._report = report
        self._ready = threading.Event()
        self._stopping = threading.Event()
        #: Set to end a pause between two tries.
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
        """The process that runs now; it leads a process group of its own."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Begin; do not wait until the part is ready."""
        self._thread.start()

    def wait_until_ready(self, seconds: float) -> bool:
        """Wait until the part is ready, also if it was just killed; tell whether it is."""
        return self._ready.wait(min(seconds, threading.TIMEOUT_MAX))

    def kill(self) -> None:
        """End the part, and what it forked, with SIGKILL; it is started again."""
        self._ready.clear()
        self._signal(signal.SIGKILL)

    def restart(self) -> None:
        """Start the part again, with what is new in its files: asked to end, killed if it is slow.

        One that waits for its next try is tried at once.
        """
        pid = self.pid
        self._forget_failures()
        self._is_restarting = pid is not None and self._ready.is_set()
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
        """Send SIGTERM, and do not start the part again."""
        self._stopping.set()
        self._hurry.set()
        self._signal(signal.SIGTERM)
        self._close_socket()

    def stop(self, ends: float) -> None:
        """End the part for good, if it was started: asked now, killed at this time.monotonic()."""
        self.ask_to_stop()
        if self._thread.ident is None:
            return
        self._thread.join(max(0.0, ends - time.monotonic()))
        if self._thread.is_alive():
            self._signal(signal.SIGKILL)
            self._thread.join()

    def read_log(self) -> str:
        """Return the last lines of the part's log that it has written since it was started."""
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
            started = time.monotonic()
            process = self._spawn()
            was_ready = self._await_ready(process)
            code = self._watch(process)
            # What is left of the part does not hold a port that the supervisor itself listens on.
            _end_group(process.pid, 0.0 if self._socket else _DYING)
            self._ready.clear()
            if not was_ready:
                self._close_socket()
            if self._stopping.is_set():
                return
            lived = time.monotonic() - started
            self._hurry.wait(self._explain_death(code, was_ready, lived))

    def _spawn(self) -> subprocess.Popen[bytes]:
        part = self.part
        passed = self._listen()
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

    def _listen(self) -> tuple[int, ...]:
        """Return the descriptor of the part's socket, which is opened if it is not open.

        None if the part has no port, or its port is taken: then the part itself says so.
        """
        if self._socket is None and self.part.port is not None:
            with contextlib.suppress(OSError):
                self._socket = socket.create_server(("127.0.0.1", self.part.port), backlog=_BACKLOG)
        return () if self._socket is None else (self._socket.fileno(),)

    def _close_socket(self) -> None:
        """Refuse requests from now on, unless a process of the part accepts them."""
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
        """Wait for the part's end, and keep its log short meanwhile; return its exit code."""
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_LOOK_EVERY)
            _rotate_log(self.part.log)

    def _explain_death(self, code: int, was_ready: bool, lived: float) -> float:
        """Report a death, with the log if it was at start; return how long to wait after it."""
        if self._is_restarting:
            self._is_restarting = False
            return 0.0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if was_ready:
            self._forget_failures()
            self._report(f"{self.part.name} {how}; it is started again")
            return 0.0 if lived > _SHORT_LIFE else _STARTS.min_backoff.total_seconds()
        self._failures += 1
        backoff = compute_backoff(_STARTS, self._failures).total_seconds()
        end = self.read_log() or "  | (it has written nothing)"
        last = end.rstrip(" |\n").rpartition("\n")[2].removeprefix("  | ")
        is_known = end in self._last_words.values()
        told = f"as before: {last}" if is_known else f"the end of {self.part.log}:\n{end}"
        self._last_words[self.part.name] = end
        self._report(
            f"{self.part.name} {how} before it was ready; next try in {backoff:g} s; {told}"
        )
        return backoff

    def _forget_failures(self) -> None:
        self._failures = 0
        self._last_words.pop(self.part.name, None)

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)


def _end_group(leader: int, patience: float) -> None:
    """Kill what a part has forked and left behind, which may hold its port; wait for it to die.

    Not for long: if no process reaps orphans, they stay in the group as zombies.
    """
    ends = time.monotonic() + patience
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
    """Put a log that has grown too long aside, as NAME.log.1, and begin it again.

    The part goes on writing to the same file, at its end: what it writes between the copy and the
    cut is lost. If the disk is too full for the copy, the log is still cut.
    """
    with contextlib.suppress(OSError):
        if path.stat().st_size > MAX_LOG_BYTES:
            with contextlib.suppress(OSError):
                shutil.copyfile(path, path.with_suffix(".log.1"))
            os.truncate(path, 0)
