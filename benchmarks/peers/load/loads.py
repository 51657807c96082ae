"""The job in sequence, and many at once: jobs a second, and how long one takes (milliseconds)."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

#: Runs one job with this id, in variant B if told to fail, and returns how it ended.
Run = Callable[[str, bool], str]


class Load(NamedTuple):
    """What a load came to."""

    jobs: int
    per_second: float
    p50_ms: float
    p99_ms: float


def run_in_sequence(job: Callable[[], None], seconds: float, most: int = 10**9) -> Load:
    """Run one job after the other."""
    return run_at_once(job, seconds, 1, most)


def run_at_once(job: Callable[[], None], seconds: float, in_flight: int, most: int = 10**9) -> Load:
    """Keep so many jobs in flight. Raises what a job raises."""
    times: list[float] = []
    errors: list[Exception] = []
    started = time.perf_counter()

    def work() -> None:
        try:
            while time.perf_counter() < started + seconds and len(times) < most and not errors:
                begun = time.perf_counter()
                job()
                times.append((time.perf_counter() - begun) * 1000)
        except Exception as problem:  # raised again below
            errors.append(problem)

    threads = [threading.Thread(target=work) for _ in range(in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - started
    if errors:
        raise errors[0]
    return Load(len(times), len(times) / took, percentile(times, 50), percentile(times, 99))


def percentile(times: list[float], percent: int) -> float:
    """Return the time that so many percent of the jobs did not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
