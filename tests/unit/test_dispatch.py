"""Which queue a saga's tasks go to."""

from collections import Counter

from lib.saga.dispatch import choose_queue

QUEUES = ["q", "q-2", "q-3", "q-4"]


def test_a_saga_always_has_the_same_queue() -> None:
    assert {choose_queue(QUEUES, "order-1") for _ in range(10)} == {choose_queue(QUEUES, "order-1")}


def test_sagas_are_spread_evenly_however_their_ids_rise() -> None:
    counts = Counter(choose_queue(QUEUES, f"order-{number}") for number in range(4000))
    assert set(counts) == set(QUEUES)
    assert all(800 < count < 1200 for count in counts.values()), counts


def test_one_queue_takes_every_saga() -> None:
    assert choose_queue(["q"], "order-1") == "q"
