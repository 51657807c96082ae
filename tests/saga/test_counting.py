"""Counts of sagas are as of one time: each saga is in exactly one of them."""

import threading

from lib.saga.operators.dashboard import monitor
from lib.saga.operators.view import count_sagas
from tests.saga.bench import Bench, start


def test_a_saga_that_changes_during_a_count_is_counted_once(bench: Bench) -> None:
    for number in range(5):
        start(bench, f"s-{number}")
    done = threading.Event()

    def move() -> None:
        bench.run_to_end()
        done.set()

    mover = threading.Thread(target=move)
    mover.start()
    totals = set()
    while not done.is_set():
        totals.add(sum(count_sagas(bench.engine.repository, None).values()))
        seen = monitor(bench.engine.repository, bench.now())
        ended = seen["finished_in_the_last_hour"].values()
        totals.add(sum(seen["by_status"].values()) + sum(ended))
    mover.join()
    assert totals == {5}
