"""kill -9 of the worker with many jobs in flight: how many end, and how soon after."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from benchmarks.peers.load.job import new_id

#: Seconds that a step takes before the kill, so that all jobs are in flight, and after it.
_BEFORE, _AFTER = "0.5", "0.05"
#: Seconds between the last acceptance and the kill.
_LEAD = 1.0
_PATIENCE = 60.0
_LAST = "notify"


class Victim(Protocol):
    """What accepts jobs, and whose worker is killed: a Peer."""

    def submit(self, order_id: str) -> None:
        """Have one job accepted; do not wait for it."""

    def kill_worker(self) -> None:
        """Kill what runs the steps, with -9."""

    def revive_worker(self, env: Mapping[str, str]) -> None:
        """Have the worker started again after a kill."""


class Crash(NamedTuple):
    """What came of it; `last_after_s` counts from the restart, and is None if none was left."""

    accepted: int
    submit_s: float
    unfinished_at_kill: int
    finished: int
    last_after_s: float | None
    steps_run_again: int


def measure_crash(
    victim: Victim, jobs: int, pause: Path, steps: Path, env: Mapping[str, str]
) -> Crash:
    """Submit so many jobs, kill the worker a second later, and wait for all of them."""
    pause.write_text(_BEFORE)
    ids = [new_id() for _ in range(jobs)]
    started = time.time()
    for each in ids:
        victim.submit(each)
    submitted = time.time()
    time.sleep(_LEAD)
    victim.kill_worker()
    pause.write_text(_AFTER)
    finished_before = len(_ends(steps, ids))
    restarted = time.time()
    victim.revive_worker(env)
    while len(_ends(steps, ids)) < jobs and time.time() < restarted + _PATIENCE:
        time.sleep(0.05)
    ends, lines = _ends(steps, ids), _read(steps, ids)
    late = [at for at in ends.values() if at > restarted]
    return Crash(
        accepted=jobs,
        submit_s=round(submitted - started, 2),
        unfinished_at_kill=jobs - finished_before,
        finished=len(ends),
        last_after_s=round(max(late) - restarted, 2) if late else None,
        steps_run_again=len(lines) - len({(job, step) for job, step, _ in lines}),
    )


def _ends(steps: Path, ids: list[str]) -> dict[str, float]:
    return {job: at for job, step, at in _read(steps, ids) if step == _LAST}


def _read(steps: Path, ids: list[str]) -> list[tuple[str, str, float]]:
    wanted = set(ids)
    lines = [line.split() for line in steps.read_text().splitlines()]
    return [(row[0], row[1], float(row[2])) for row in lines if len(row) == 3 and row[0] in wanted]
