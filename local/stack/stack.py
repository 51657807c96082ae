"""The whole system on one machine, as an object: start it, kill parts of it, stop it."""

import contextlib
import os
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from local.host.folder_lock import FolderInUse, lock_folder
from local.host.ports import choose_port, claim_port, prefer_port
from local.stack.parts import PROJECT_ID, Plan, list_elements
from local.stack.supervisor import PROJECT, Report, Supervisor
from local.tasks.dispatch.faults import Faults

_MAX_START = timedelta(minutes=1)
_STOP_GRACE = 2.0
_DATASTORE_GRACE = 1.0


class StackFailed(RuntimeError):
    """A part was not ready in time; the message contains the end of its log."""


class Stack:
    """Datastore, Cloud Tasks with the scheduler, the callers' functions, and the worker.

    Each is a separate process, so a slow step does not delay callers. As a context manager it
    starts everything and waits until it is ready, and stops everything at the end. A part that dies
    restarts on the same port. Several stacks can run at the same time, each with its own `data`
    folder. If DATASTORE_EMULATOR_HOST is set, the stack uses that Datastore.

    With a `port`, the next three ports belong to the Datastore, the page of the queues and the
    worker, unless they are taken. A folder's worker keeps its port, because stored tasks contain
    its URL. `env` is added to the parts' environment. `faults` are the fields of
    local.tasks.dispatch.faults.Faults. `report` is called with a line for each event of a part.
    `queue_copies` is the number of copies of each queue in queues.yaml.
    """

    def __init__(
        self,
        *,
        data: Path,
        port: int = 0,
        source: Path = PROJECT / "main.py",
        env: Mapping[str, str] | None = None,
        sweep_every: timedelta = timedelta(seconds=10),
        queue_copies: int = 1,
        report: Report = lambda _: None,
        **faults: Any,
    ) -> None:
        self._worker_mark = data.resolve() / "worker.port"
        self.plan = Plan(
            data=data.resolve(),
            source=source.resolve(),
            port=port or choose_port(),
            worker_port=prefer_port(self._read_worker_port() or (port + 3 if port else 0)),
            tasks_port=choose_port(),
            page_port=prefer_port(port + 2) if port else choose_port(),
            datastore_port=prefer_port(port + 1) if port else choose_port(),
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            sweep_every=sweep_every,
            queue_copies=queue_copies,
            faults=Faults(**faults),
        )
        self.project = PROJECT_ID
        self.url = self.plan.url
        self.datastore_host = self.plan.datastore_host
        self.tasks_host = f"127.0.0.1:{self.plan.tasks_port}"
        self.tasks_page = f"http://127.0.0.1:{self.plan.page_port}/"
        self.logs = self.plan.data / "logs"
        last_words: dict[str, str] = {}
        self._supervisors = {
            part.name: Supervisor(part, report, last_words) for part in list_elements(self.plan)
        }
        self._lock: TextIO | None = None

    @property
    def pids(self) -> dict[str, int]:
        """The running processes by part; each leads its own process group."""
        pids = {name: supervisor.pid for name, supervisor in self._supervisors.items()}
        return {name: pid for name, pid in pids.items() if pid is not None}

    def start(self) -> None:
        """Start every part without waiting; raise FolderInUse or PortTaken before any starts."""
        try:
            self._lock = lock_folder(self.plan.data, "stack")
        except FolderInUse as error:
            raise FolderInUse(f"{self.plan.data} is in use by another stack") from error
        try:
            claim_port(self.plan.port)
            self._worker_mark.write_text(f"{self.plan.worker_port}\n")
        except BaseException:
            self._release_folder()
            raise
        for supervisor in self._supervisors.values():
            supervisor.start()

    def wait_until_ready(self, within: timedelta = _MAX_START) -> None:
        """Wait until every part is ready; StackFailed, with the logs, if one is not in time."""
        ends = time.monotonic() + within.total_seconds()
        late = [
            f"{name} is not ready after {within.total_seconds():g} s:\n{supervisor.read_log()}"
            for name, supervisor in self._supervisors.items()
            if not supervisor.wait_until_ready(timedelta(seconds=ends - time.monotonic()))
        ]
        if late:
            raise StackFailed("\n".join(late))

    def kill(self, part: str) -> None:
        """Kill a part (datastore, tasks, worker or functions) with SIGKILL; it restarts."""
        self._supervisors[part].kill()

    def restart(self, part: str) -> None:
        """Restart a part once its requests in progress have ended, but within two seconds."""
        self._supervisors[part].restart()

    def stop(self) -> None:
        """Stop every part within 5 seconds, the Datastore last so that the others can finish."""
        callers = [s for name, s in self._supervisors.items() if name != "datastore"]
        for supervisor in callers:
            supervisor.ask_to_stop()
        ends = time.monotonic() + _STOP_GRACE
        for supervisor in callers:
            supervisor.stop(ends)
        if "datastore" in self._supervisors:
            self._supervisors["datastore"].stop(time.monotonic() + _DATASTORE_GRACE)
        self._release_folder()

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _read_worker_port(self) -> int:
        """Return the port of the folder's last worker; 0 if there was none."""
        with contextlib.suppress(OSError, ValueError):
            return int(self._worker_mark.read_text())
        return 0

    def _release_folder(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None
