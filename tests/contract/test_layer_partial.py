"""Masks and transforms: of fields of every kind, and the result of such a write."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any

import pytest

from lib.datastore import (
    Flatten,
    Id,
    Indexed,
    Query,
    Renamed,
    Store,
    Version,
    append_missing,
    entity,
    increment,
    insert,
    key,
    key_of,
    maximum,
    remove_all,
    server_time,
    update,
)
from lib.datastore.write.transforms import Transform
from lib.errors import Invalid, Unavailable
from tests.unit.datastore.connections import FaultyConnection

pytestmark = pytest.mark.lacks("classic", "it ignores masks and transforms")


@dataclass(slots=True, kw_only=True)
class Town:
    name: str = "?"
    code: Annotated[int, Renamed("post-code")] = 0


@dataclass(slots=True, kw_only=True)
class Addr:
    city: Indexed[str] = "?"
    town: Flatten[Town] = field(default_factory=Town)


@entity
@dataclass(slots=True, kw_only=True)
class Person:
    id: Id[str]
    addr: Flatten[Addr] = field(default_factory=Addr)
    home: Addr = field(default_factory=Addr)
    first_name: Annotated[str, Renamed("first-name")] = ""
    dotted: Annotated[str, Renamed("a.b")] = ""
    quoted: Annotated[int, Renamed("`\\`")] = 0
    spaced: Annotated[str, Renamed("été 1")] = ""
    tags: list[str] = field(default_factory=list)
    n: int = 0
    version: Version = 0


NEW: dict[str, Any] = {
    "addr": Addr(city="New", town=Town(name="Leeds", code=7)),
    "home": Addr(city="New"),
    "first_name": "Ann",
    "dotted": "new",
    "quoted": 5,
    "spaced": "new",
    "tags": ["x"],
    "n": 2,
}


@pytest.mark.parametrize("name", NEW)
def test_a_masked_field_of_any_name_is_written_and_no_other(store: Store, name: str) -> None:
    person = store.insert(Person(id="p"))
    written = store.update(replace(person, **NEW), mask=[name])
    found = store.get(key_of(person))
    assert found == written
    assert replace(found, version=0) == Person(id="p", **{name: NEW[name]})


def test_a_write_with_transforms_and_no_mask_writes_every_other_field(store: Store) -> None:
    person = store.insert(Person(id="p", n=10, quoted=1))
    changes = [increment("n", 5), increment("quoted", 1), append_missing("tags", ["y"])]
    written = store.update(replace(person, **NEW), transforms=changes)
    assert store.get(key_of(person)) == written
    expected = {**NEW, "n": 15, "quoted": 2, "tags": ["y"]}
    assert replace(written, version=0) == Person(id="p", **expected)


def test_a_partial_write_returns_the_stored_entity(store: Store, other: Store) -> None:
    seen = store.insert(Person(id="p", tags=["a"]))
    other.update(replace(seen, first_name="theirs", tags=["b"]))
    [by_mask] = store.apply(update(replace(seen, dotted="mine", n=9), mask=["dotted"]))
    assert (by_mask.first_name, by_mask.dotted, by_mask.n) == ("theirs", "mine", 0)
    by_change = store.update(seen, mask=(), transforms=[remove_all("tags", ["b"])])
    assert (by_change.first_name, by_change.tags) == ("theirs", [])
    [outcome] = store.write_multi([update(replace(seen, n=3, dotted="x"), mask=["n"])])
    assert outcome.unwrap() == store.get(key_of(seen))
    assert outcome.unwrap().dotted == "mine"


def test_a_partial_write_in_a_transaction_returns_the_stored_entity(store: Store) -> None:
    seen = store.insert(Person(id="p"))
    person = store.transact(lambda tx: tx.update(replace(seen, n=1, dotted="x"), mask=["n"]))
    assert person == store.get(key_of(seen))
    assert (person.n, person.dotted) == (1, "")


def test_a_counter_returns_its_own_value_despite_later_writes(
    store: Store, other: Store, faults: FaultyConnection
) -> None:
    seen = store.insert(Person(id="p"))

    def write_between() -> None:
        other.update(seen, mask=(), transforms=[increment("n", 10)])

    faults.meanwhile = write_between
    faults.lose("Lookup", "UNAVAILABLE")
    written = store.update(seen, mask=(), transforms=[increment("n", 1)])
    assert written.n == 1
    assert written.version < store.get(key_of(seen)).version


def test_a_partial_write_that_cannot_be_read_back_says_that_it_was_written(
    store: Store, faults: FaultyConnection
) -> None:
    seen = store.insert(Person(id="p"))
    faults.refuse("Lookup", *["UNAVAILABLE"] * 20)
    with pytest.raises(Unavailable, match="was written, but not read back"):
        store.update(replace(seen, n=1), mask=["n"])
    faults.refuse("Lookup")
    assert store.get(key_of(seen)).n == 1


@pytest.mark.parametrize("status", ["UNAVAILABLE", "INVALID_ARGUMENT", "NOT_FOUND"])
def test_a_failed_read_back_affects_only_partial_writes(
    store: Store, faults: FaultyConnection, status: str
) -> None:
    one, two = store.insert(Person(id="p")), store.insert(Person(id="q"))
    faults.refuse("Lookup", *[status] * 20)
    writes = [
        update(replace(one, n=1)),
        update(replace(two, n=2), mask=["n"]),
        insert(Person(id="r")),
    ]
    whole, partial, new = store.write_multi(writes)
    assert faults.calls["Commit"] == 3
    assert (whole.unwrap().n, new.unwrap().id) == (1, "r")
    with pytest.raises(Unavailable, match=r"Person\('q'\) was written, but not read back"):
        partial.unwrap()
    faults.refuse("Lookup")
    assert [store.get(key_of(each)).n for each in (one, two)] == [1, 2]


def test_a_chunk_that_cannot_be_diagnosed_fails_alone(
    store: Store, faults: FaultyConnection
) -> None:
    there = store.insert(Person(id="p"))
    faults.refuse("Lookup", *["UNAVAILABLE"] * 20)
    outcomes = store.write_multi([insert(there), insert(Person(id="q"))])
    assert [type(each.error) for each in outcomes] == [Unavailable, Unavailable]
    faults.refuse("Lookup")
    assert store.find(key(Person, "q")) is None


def test_only_a_partial_write_costs_a_lookup(store: Store, faults: FaultyConnection) -> None:
    seen = store.insert(Person(id="p"))
    two = store.insert(Person(id="q"))
    store.update(replace(seen, n=1))
    assert faults.calls == {"Commit": 3}
    store.apply(*(update(replace(each, n=2), mask=["n"]) for each in (seen, two)))
    assert faults.calls == {"Commit": 4, "Lookup": 1}


@pytest.mark.parametrize("name", ["addr", "nothing", "addr.city"])
def test_a_transform_of_an_unknown_field_is_refused(store: Store, name: str) -> None:
    with pytest.raises(Invalid, match=f"has no field '{name}' to change"):
        store.update(Person(id="p"), transforms=[increment(name, 1)])


@entity
@dataclass(slots=True, kw_only=True)
class Gauge:
    id: Id[str]
    tags: Annotated[list[str] | None, Indexed] = None
    level: int | None = None
    name: str = ""
    steps: tuple[int, ...] = ()
    seen_at: datetime | None = None
    anything: Any = None
    version: Version = 0


def test_an_optional_field_can_be_transformed(store: Store) -> None:
    gauge = store.insert(Gauge(id="g"))
    changes = [append_missing("tags", ["a"]), increment("level", 5), server_time("seen_at")]
    written = store.update(gauge, mask=[], transforms=changes)
    assert (written.tags, written.level) == (["a"], 5)
    assert written.seen_at is not None
    assert store.get(key_of(gauge)) == written
    assert store.run(Query(Gauge).where("tags", "=", "a")) == [written]
    assert store.run(Query(Gauge).where("tags", "=", None)) == []


UNREADABLE = [
    (append_missing("level", [1]), "level is not a list"),
    (remove_all("name", ["a"]), "name is not a list"),
    (increment("name", 1), "name is not a number"),
    (maximum("steps", 1), "steps is not a number"),
    (server_time("name"), "name is not a datetime"),
    (server_time("steps"), "steps is not a datetime"),
    (increment("level", None), "level must be int, not NoneType"),  # type: ignore[arg-type]
    (append_missing("tags", [None]), "tags must be str, not NoneType"),
    (append_missing("tags", "abc"), "tags needs a list of items"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("change", "why"), UNREADABLE)
def test_a_transform_that_would_make_the_entity_unreadable_is_refused(
    store: Store, change: Transform, why: str
) -> None:
    gauge = store.insert(Gauge(id="g"))
    with pytest.raises(Invalid, match=why):
        store.update(gauge, mask=[], transforms=[change])
    assert store.get(key_of(gauge)) == gauge


def test_a_field_of_any_type_can_be_transformed(store: Store) -> None:
    gauge = store.insert(Gauge(id="g"))
    for change in (increment("anything", 5), append_missing("anything", [7])):
        gauge = store.update(gauge, mask=[], transforms=[change])
    assert gauge.anything == [7]


def test_a_mask_that_is_a_str_is_refused(store: Store) -> None:
    with pytest.raises(TypeError, match=r"a mask is a list of names: write \['n'\]"):
        store.update(Person(id="p"), mask="n")
