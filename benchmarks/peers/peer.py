"""What a peer's script fills in, and the measurements that are the same for all."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.peers.crash import Crash, measure_crash
from benchmarks.peers.job import new_id
from benchmarks.peers.load import run_at_once, run_in_sequence
from benchmarks.peers.processes import MemoryPeak, count_fsyncs, end, group_of

STATE = Path(os.environ.get("PEER_STATE", "/tmp/amends-peers"))  # noqa: S108  one's own machine
#: Seconds of each load, runs of all of them, and jobs in flight in the load of many at once.
SECONDS = float(os.environ.get("PEER_SECONDS", "3"))
RUNS = int(os.environ.get("PEER_RUNS", "2"))
IN_FLIGHT = int(os.environ.get("PEER_IN_FLIGHT", "32"))
CRASH_JOBS = int(os.environ.get("PEER_CRASH_JOBS", "200"))
_TRACED = 40


class Peer:
    """An engine with its servers and its worker."""

    name = "?"
    processes: "list[subprocess.Popen[bytes]]"
    worker: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start the servers, with no data of before."""
        raise NotImplementedError

    def start_worker(self, env: dict[str, str] | None = None) -> None:
        """Start what runs the steps."""
        raise NotImplementedError

    def run(self, order_id: str, *, fail: bool) -> str:
        """Run one job to its end: `done`, or `compensated`."""
        raise NotImplementedError

    def submit(self, order_id: str) -> None:
        """Have one job accepted; do not wait for it."""
        raise NotImplementedError

    def stop(self) -> None:
        """End everything that was started."""
        end(self.worker, signal.SIGKILL)
        for process in reversed(self.processes):
            end(process, signal.SIGTERM)

    def kill_worker(self) -> None:
        """Kill what runs the steps, with -9."""
        end(self.worker, signal.SIGKILL)

    def revive_worker(self, env: dict[str, str]) -> None:
        """Have the worker started again after a kill."""
        self.start_worker(env)

    def leaders(self) -> list[int]:
        """Return the groups of processes that belong to the peer."""
        worker = [self.worker.pid] if self.worker else []
        return [*(process.pid for process in self.processes), *worker]


def run_script(peer: Peer) -> None:
    """Measure a peer and write its results, as JSON, to the file that the command line names."""
    runs = [measure_loads(peer) for _ in range(RUNS)]
    result = {"name": peer.name, **_median(runs), **_measure_fsyncs(peer)}
    result["crash"] = _crash(peer)._asdict()
    Path(sys.argv[1]).write_text(json.dumps(result, indent=1) + "\n")


def measure_loads(peer: Peer) -> dict[str, Any]:
    """Run all loads once, on fresh servers."""
    started = time.perf_counter()
    _begin(peer)
    measured: dict[str, Any] = {"cold_s": time.perf_counter() - started}
    try:
        run_at_once(lambda: one(peer), 1.0, IN_FLIGHT)
        memory = MemoryPeak(peer.leaders)
        memory.start()
        for letter, fail in (("a", False), ("b", True)):
            job = _Job(peer, fail=fail)
            measured[f"sequence_{letter}"] = run_in_sequence(job, SECONDS)._asdict()
            measured[f"at_once_{letter}"] = run_at_once(job, SECONDS, IN_FLIGHT)._asdict()
        measured["memory_mib"] = memory.stop()
    finally:
        peer.stop()
    return measured


class _Job:
    def __init__(self, peer: Peer, *, fail: bool) -> None:
        self._peer, self._fail = peer, fail

    def __call__(self) -> None:
        one(self._peer, fail=self._fail)


def one(peer: Peer, *, fail: bool = False) -> None:
    """Run one job, and check how it ended."""
    ended, expected = peer.run(new_id(), fail=fail), "compensated" if fail else "done"
    if ended != expected:
        raise RuntimeError(f"{peer.name}: {ended!r} instead of {expected!r}")


def _begin(peer: Peer, env: dict[str, str] | None = None) -> None:
    peer.start()
    peer.start_worker(env)
    one(peer)


def _measure_fsyncs(peer: Peer) -> dict[str, float | None]:
    _begin(peer)
    try:
        one(peer)
        counted = count_fsyncs(
            group_of(peer.leaders()),
            lambda: run_in_sequence(lambda: one(peer), 10.0, _TRACED).jobs,
            STATE / "strace.txt",
        )
    finally:
        peer.stop()
    return {"fsyncs": counted}


def _crash(peer: Peer) -> Crash:
    pause, steps = STATE / "pause", STATE / f"steps-{time.time_ns()}"
    pause.write_text("0")
    env = {"PEER_STEPS": str(steps), "PEER_PAUSE": str(pause)}
    _begin(peer, env)
    try:
        return measure_crash(peer, CRASH_JOBS, pause, steps, env)
    finally:
        peer.stop()


def _median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each number."""
    return {
        name: _median([run[name] for run in runs])
        if isinstance(first, dict)
        else round(statistics.median(run[name] for run in runs), 3)
        for name, first in runs[0].items()
    }
