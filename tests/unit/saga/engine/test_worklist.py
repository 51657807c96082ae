"""Many sagas are worked on side by side, and none of them is counted twice or lost."""

from dataclasses import dataclass
from threading import Barrier

import pytest

from lib.errors import Unavailable, Unreadable
from lib.saga.engine.sweep.worklist import WorkOutcome, process_all


@dataclass
class Item:
    id: str


ITEMS = [Item(str(number)) for number in range(30)]


def test_as_many_items_as_there_are_threads_are_worked_on_side_by_side() -> None:
    together = Barrier(3, timeout=10)

    def act(_: Item) -> bool:
        together.wait()
        return True

    worked = process_all(ITEMS, act, threads=3, may_go_on=lambda: True)
    assert worked.is_complete
    assert worked.counts == {WorkOutcome.DONE: len(ITEMS)}


@pytest.mark.parametrize("threads", [1, 6])
def test_each_item_is_counted_once_by_what_became_of_it(threads: int) -> None:
    def act(item: Item) -> bool:
        match int(item.id) % 5:
            case 0:
                raise Unavailable("away")
            case 1:
                raise Unreadable("newer", kind="Saga", key=item.id)
            case 2:
                raise ValueError("a bug")
            case rest:
                return rest == 3

    worked = process_all(ITEMS, act, threads=threads, may_go_on=lambda: True)
    assert worked.counts == dict.fromkeys(WorkOutcome, len(ITEMS) // 5)
