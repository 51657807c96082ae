"""The measurements of one engine, the same for all: what an engine's script runs."""

import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.peers.load.crash import Crash, measure_crash
from benchmarks.peers.load.job import new_id
from benchmarks.peers.load.loads import run_at_once, run_in_sequence
from benchmarks.peers.load.peer import Peer
from benchmarks.peers.load.processes import MemoryPeak, count_fsyncs, group_of
from benchmarks.peers.load.settings import CRASH_JOBS, IN_FLIGHT, RUNS, SECONDS, STATE

#: Jobs whose calls of fsync are counted, and the seconds that they may take.
_TRACED, _TRACED_SECONDS = 40, 10.0
_WARM_UP_SECONDS = 1.0


def run_script(peer: Peer) -> None:
    """Measure a peer and write its results, as JSON, to the file that the command line names."""
    runs = [measure_loads(peer) for _ in range(RUNS)]
    result = {"name": peer.name, **find_medians(runs), "fsyncs": _measure_fsyncs(peer)}
    result["crash"] = _crash(peer)._asdict()
    Path(sys.argv[1]).write_text(json.dumps(result, indent=1) + "\n")


def measure_loads(peer: Peer) -> dict[str, Any]:
    """Run all loads once, on fresh servers."""
    started = time.perf_counter()
    with _running(peer, {}):
        measured: dict[str, Any] = {"cold_s": time.perf_counter() - started}
        run_at_once(partial(run_one, peer), _WARM_UP_SECONDS, IN_FLIGHT)
        memory = MemoryPeak(peer.leaders)
        memory.start()
        for letter, fail in (("a", False), ("b", True)):
            job = partial(run_one, peer, fail=fail)
            measured[f"sequence_{letter}"] = run_in_sequence(job, SECONDS)._asdict()
            measured[f"at_once_{letter}"] = run_at_once(job, SECONDS, IN_FLIGHT)._asdict()
        measured["memory_mib"] = memory.stop()
    return measured


def run_one(peer: Peer, *, fail: bool = False) -> None:
    """Run one job, and check how it ended."""
    ended, expected = peer.run(new_id(), fail=fail), "compensated" if fail else "done"
    if ended != expected:
        raise RuntimeError(f"{peer.name}: {ended!r} instead of {expected!r}")


def find_medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each number, at any depth."""
    return {
        name: find_medians([run[name] for run in runs])
        if isinstance(first, dict)
        else round(statistics.median(run[name] for run in runs), 3)
        for name, first in runs[0].items()
    }


@contextmanager
def _running(peer: Peer, env: Mapping[str, str]) -> Iterator[None]:
    """Have an engine run, which has ended its first job; end all of it, whatever happens."""
    try:
        peer.start()
        peer.start_worker(env)
        run_one(peer)
        yield
    finally:
        peer.stop()


def _measure_fsyncs(peer: Peer) -> float | None:
    with _running(peer, {}):
        run_one(peer)
        return count_fsyncs(
            group_of(peer.leaders()),
            lambda: run_in_sequence(partial(run_one, peer), _TRACED_SECONDS, _TRACED).jobs,
            STATE / "strace.txt",
        )


def _crash(peer: Peer) -> Crash:
    pause, steps = STATE / "pause", STATE / f"steps-{time.time_ns()}"
    pause.write_text("0")
    env = {"PEER_STEPS": str(steps), "PEER_PAUSE": str(pause)}
    with _running(peer, env):
        return measure_crash(peer, CRASH_JOBS, pause, steps, env)
