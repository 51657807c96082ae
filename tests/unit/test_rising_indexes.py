"""No index has only rising values: its limit would be about 500 writes a second.

Every indexed value that can rise is in this table, with the reason why it may.
"""

import pkgutil
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from importlib import import_module
from typing import Any, get_args

import pytest

from lib.datastore import SHARDS, Query, Store, shard_of, time_mark
from lib.datastore.model.schema import Property, model_of
from lib.saga import Permanent, Saga, Step, StepContext, Timer
from lib.saga.state.records import DeadLetter, SagaRecord
from lib.saga.testing import run

#: Its values begin with a shard; a test below checks them.
SHARDED = "a mark behind a shard"

#: Tasks take 500 writes a second in total, as docs/limits.md says.
GUIDE = "the guide's own queries filter and order tasks by it"

ALLOWED = {
    ("Saga", "name"): "one of the declared sagas",
    ("Saga", "definition_version"): "one of the declared versions",
    ("Saga", "fingerprint"): "a hash",
    ("Saga", "types"): "a hash",
    ("Saga", "retries"): "counts from 0 in each saga",
    ("Saga", "due"): SHARDED,
    ("Saga", "created_mark"): SHARDED,
    ("Saga", "ended_mark"): SHARDED,
    ("DeadLetter", "name"): "one of the declared sagas",
    ("DeadLetter", "created_mark"): SHARDED,
    ("TaskList", "created_mark"): SHARDED,
    ("Task", "description"): "a person's words",
    ("Task", "priority"): "from 0 to 1000, as the caller likes",
    ("Task", "due_at"): "a time ahead of the caller's own choice",
    ("Task", "created_at"): GUIDE,
    ("Task", "deleted_at"): GUIDE,
    ("Charge", "customer_id"): "customers come in any order",
}

MARK = re.compile(r"(?:look-|purge-)?(?P<shard>\d\d)\|\d{4}-\d\d-\d\dT")


def find_kinds() -> dict[str, Any]:
    """Return every stored kind of the project by name."""
    modules = (
        import_module(each.name)
        for room in ("lib", "domain", "functions")
        for each in pkgutil.walk_packages(import_module(room).__path__, f"{room}.")
        if not each.name.endswith("__main__")
    )
    found: Iterator[Any] = (each for module in modules for each in vars(module).values())
    kinds = (each for each in found if isinstance(each, type) and "__kind__" in vars(each))
    return {model_of(kind).kind: kind for kind in kinds}


def can_rise(hint: Any) -> bool:
    """Return whether values of a type can rise: all but booleans and enums."""
    if args := [each for each in get_args(hint) if each is not type(None)]:
        return any(map(can_rise, args))
    return not (isinstance(hint, type) and issubclass(hint, bool | Enum))


def list_rising(model: Any) -> Iterator[Property]:
    """Yield the indexed properties of a model, and of what is nested in it, that can rise."""
    for each in model_of(model).properties:
        for nested in (each.hint, *get_args(each.hint)):
            if is_dataclass(nested):
                yield from list_rising(nested)
        if each.indexed and not is_dataclass(each.hint) and can_rise(each.hint):
            yield each


def test_an_index_that_can_rise_is_listed_with_its_reason() -> None:
    kinds = find_kinds()
    assert {"Saga", "SagaStep", "DeadLetter", "Task", "Effect"} <= kinds.keys()
    found = {(kind, each.stored) for kind, model in kinds.items() for each in list_rising(model)}
    assert found == ALLOWED.keys()


def test_the_guard_sees_a_rising_index_in_a_nested_value() -> None:
    assert can_rise(datetime)
    assert can_rise(datetime | None)
    assert can_rise(list[int])
    assert not can_rise(bool)


def fail(_: Any, __: StepContext) -> None:
    raise Permanent("no")


SAGAS = {
    "done": Saga("done", payload=object, steps=(Step("a", execute=lambda _, __: None),)),
    "waits": Saga("waits", payload=object, steps=(Timer("nap", after=timedelta(days=2)),)),
    "parked": Saga("parked", payload=object, steps=(
        Step("a", execute=lambda _, __: None, compensate=fail), Step("b", execute=fail))),
}  # fmt: skip


@pytest.mark.parametrize("name", SAGAS)
def test_every_indexed_time_of_a_saga_has_a_shard_in_front(name: str) -> None:
    store = run(SAGAS[name], None).store
    marks = list(read_marks(store))
    assert len(marks) >= {"done": 3, "waits": 2, "parked": 2}[name]
    for kind, field, value in marks:
        found = MARK.match(value)
        assert found is not None, f"{kind}.{field} is not behind a shard: {value}"
        assert int(found["shard"]) < SHARDS


def read_marks(store: Store) -> Iterator[tuple[str, str, str]]:
    """Yield the values of all indexed fields that should begin with a shard."""
    models: tuple[Any, ...] = (SagaRecord, DeadLetter)
    for model in models:
        for entity in store.run(Query(model)):
            for each in model_of(model).properties:
                value = getattr(entity, each.name)
                if ALLOWED.get((str(model.__kind__), each.stored)) is SHARDED and value:
                    yield model.__name__, each.name, value


def test_ids_are_spread_over_all_shards() -> None:
    assert {shard_of(f"order-{number}") for number in range(200)} == set(range(SHARDS))


def test_marks_of_one_shard_are_unique_and_in_time_order() -> None:
    start = datetime.fromisoformat("2026-01-01T23:59:59.999999+00:00")
    same = [name for name in map(str, range(200)) if shard_of(name) == 0][:3]
    marks = [time_mark(n, start + timedelta(microseconds=us)) for us in (0, 1, 2) for n in same]
    assert marks == sorted(marks, key=lambda mark: (mark[:29], same.index(mark[30:])))
    assert len(set(marks)) == 9


def test_a_mark_is_in_utc_whatever_the_time_zone() -> None:
    local = datetime.fromisoformat("2026-01-01T01:00:00+02:00")
    assert time_mark("a", local).split("|")[1] == "2025-12-31T23:00:00.000000"
