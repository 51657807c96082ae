"""The store in memory refuses what Datastore refuses, and with the same errors."""

import pytest

from lib.datastore import insert, key
from lib.errors import Invalid, TooLarge
from lib.saga.definition.context import StepContext
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.testing import MemoryStore, explore
from tests.unit.explore.seats import Seats
from tests.unit.explore.test_store import Book, Shelf

MEGABYTE = "x" * 1024 * 1024


def test_a_commit_has_at_most_500_writes() -> None:
    store = MemoryStore()
    seats = [insert(Seats(id=f"s{number}", taken=0)) for number in range(501)]
    with pytest.raises(Invalid, match="at most 500 writes, not 501"):
        store.apply(*seats)
    assert store.find(key(Seats, "s0")) is None
    store.apply(*seats[:500])


def test_a_commit_has_at_most_10_mebibytes() -> None:
    shelves = [insert(Shelf(id=str(n), labels=["x" * 1_000_000])) for n in range(11)]
    with pytest.raises(TooLarge, match="one commit takes at most"):
        MemoryStore().apply(*shelves)


def test_an_entity_has_at_most_a_mebibyte() -> None:
    with pytest.raises(TooLarge, match="a Shelf is over 1048572 bytes"):
        MemoryStore().insert(Shelf(id="a", labels=["x" * 600_000, "y" * 600_000]))


@pytest.mark.parametrize("text", [MEGABYTE, "file-\udcff"])
def test_a_text_is_limited_and_valid_unicode(text: str) -> None:
    with pytest.raises(Invalid, match=r"labels.* (is over 1048487 bytes|unpaired surrogate)"):
        MemoryStore().insert(Shelf(id="a", labels=[text]))


def test_a_key_has_1_to_1500_bytes() -> None:
    for name in ("é" * 751, "", "__reserved__"):
        with pytest.raises(Invalid, match="id"):
            MemoryStore().insert(Shelf(id=name))


def test_a_value_has_the_type_of_its_field() -> None:
    with pytest.raises(Invalid, match="pages must be int"):
        MemoryStore().insert(Book(shelf_id="a", pages="many"))  # type: ignore[arg-type]


def test_a_partial_update_is_checked_as_a_whole_entity() -> None:
    store = MemoryStore()
    store.insert(Shelf(id="a", labels=["x" * 1_000_000]))
    with pytest.raises(Invalid, match="size"):
        store.update(Shelf(id="a", size=2**63), mask=["size"])


def fail_as_a_file_name_does(_: object, __: StepContext) -> None:
    raise RuntimeError("no such file: \udcff")


def test_an_unstorable_error_does_not_repeat_its_step() -> None:
    """Once the outcome was never recorded, because of its text, and the step ran forever."""
    step = Step("a", execute=fail_as_a_file_name_does, retry=RetryPolicy(attempts=2))
    ran = explore(
        Saga("file", payload=dict, steps=(step,)), {}, lambda _: True, pairs=False, may_park=False
    )
    assert ran.schedules > 50
