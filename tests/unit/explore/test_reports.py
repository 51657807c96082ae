"""What an author is told when an exploration finds something."""

import pytest

from lib.datastore import Store
from lib.saga.testing import explore
from tests.unit.explore.seats import add_seats, make_saga


def test_a_broken_invariant_is_told_with_the_schedule_and_what_happened() -> None:
    calls = []

    def breaks_the_second_time(store: Store) -> bool:
        calls.append(store)
        return len(calls) < 2

    with pytest.raises(AssertionError) as found:
        explore(make_saga("ab"), {}, breaks_the_second_time, prepare=add_seats)
    assert str(found.value).splitlines() == [
        "the invariant does not hold of a saga that is COMPLETED",
        "The schedule that shows it: crash before the commit of the start.",
        "What happened:",
        "     0.001 s    here: crash before the commit of the start",
        "     0.001 s  the start: killed",
        "     1.003 s  the start: started",
        "     1.009 s  delivery execute/1/1: done",
        "     1.014 s  delivery execute/2/1: done",
    ]


def test_an_exploration_of_the_same_saga_is_the_same() -> None:
    tales = []
    for _ in range(2):
        with pytest.raises(AssertionError) as found:
            explore(make_saga("ab", {"b": SystemError("x")}), {}, lambda _: False)
        tales.append(str(found.value))
    assert tales[0] == tales[1]
