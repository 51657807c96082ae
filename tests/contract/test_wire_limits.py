"""What the service refuses, and its limits to the byte."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from grpc import StatusCode

from tests.contract.wire import Path, Unindexed, Wire, refuses


def nest(depth: int) -> Any:
    """Return a value with this number of nested entities."""
    return {"in": nest(depth - 1)} if depth else 1


ALLOWED: dict[str, dict[str, Any]] = {
    "an indexed string of 1500 bytes": {"v": "x" * 1500},
    "an indexed blob of 1500 bytes": {"v": b"x" * 1500},
    "a value of 1,000,000 bytes": {"v": Unindexed("x" * 1_000_000)},
    "a name of 1500 bytes": {"v" * 1500: 1},
    "nesting 20 deep": {"v": nest(20)},
    "not a number": {"v": math.nan},
}
REFUSED: dict[str, dict[str, Any]] = {
    "an indexed string of 1501 bytes": {"v": "x" * 1501},
    "an indexed string of 1501 bytes in UTF-8": {"v": "é" * 751},
    "an indexed string of 1501 bytes in a list": {"v": ["x" * 1501]},
    "an indexed string of 1501 bytes in an entity": {"v": {"w": "x" * 1501}},
    "an indexed blob of 1501 bytes": {"v": b"x" * 1501},
    "a name of 1501 bytes": {"v" * 1501: 1},
    "an empty name": {"": 1},
    "a reserved name": {"__v__": 1},
    "nesting 21 deep": {"v": nest(21)},
    "a list in a list": {"v": [[1]]},
}


#: The messages of the three servers.
WORDS = {
    "an indexed string of 1501 bytes": '"v" is longer than 1500 bytes',
    "an indexed string of 1501 bytes in UTF-8": '"v" is longer than 1500 bytes',
    "an indexed string of 1501 bytes in a list": '"v" is longer than 1500 bytes',
    "an indexed string of 1501 bytes in an entity": '"w" is longer than 1500 bytes',
    "an indexed blob of 1501 bytes": '"v" is longer than 1500 bytes',
    "a name of 1501 bytes": "property.name is longer than 1500 bytes",
    "an empty name": "property.name is the empty string",
    "a reserved name": 'property.name "__v__" is reserved',
    "nesting 21 deep": "nested",
    "a list in a list": "cannot contain a Value containing another list_value",
}


@pytest.mark.parametrize("name", ALLOWED)
def test_an_entity_within_the_limits_is_kept(wire: Wire, name: str) -> None:
    wire.put("K", 1, **ALLOWED[name])
    assert wire.look_up(("K", 1)).found


@pytest.mark.parametrize("name", REFUSED)
def test_an_entity_beyond_a_limit_is_refused(wire: Wire, name: str) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, WORDS[name]):
        wire.put("K", 1, **REFUSED[name])
    assert wire.get("K", 1) is None


@pytest.mark.deviation("classic", "it takes entities of several MB")
def test_a_value_over_its_size_is_refused(wire: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "longer than 1048487 bytes"):
        wire.put("K", 1, v=Unindexed("x" * 1_048_488))


@pytest.mark.deviation("classic", "it takes entities of several MB")
def test_an_entity_over_its_size_is_refused(wire: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "larger than 1048572 bytes|maximum entity size"):
        wire.put("K", 1, v=Unindexed("x" * 600_000), w=Unindexed("x" * 600_000))


KEYS: dict[str, Path] = {
    "an empty kind": ("", 1),
    "an empty name": ("K", ""),
    "id zero": ("K", 0),
    "a reserved kind": ("__k__", 1),
    "a reserved name": ("K", "__n__"),
    "a kind of 1501 bytes": ("k" * 1501, 1),
    "a name of 1501 bytes": ("K", "n" * 1501),
    "a path of 101": tuple(x for n in range(101) for x in ("K", n + 1)),
}


KEY_WORDS = {
    "an empty kind": "kind is the empty string",
    "an empty name": "name is the empty string",
    "id zero": "[Kk]ey (path )?id is .*zero",
    "a reserved kind": 'kind "__k__" is reserved',
    "a reserved name": 'name "__n__" is reserved',
    "a kind of 1501 bytes": "kind is longer than 1500 bytes",
    "a name of 1501 bytes": "name is longer than 1500 bytes",
    "a path of 101": "100 elements",
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_cannot_be_is_refused(wire: Wire, name: str) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, KEY_WORDS[name]):
        wire.put(*KEYS[name])


def test_a_key_at_its_limits_is_taken(wire: Wire) -> None:
    longest: Path = tuple(x for n in range(100) for x in ("K", n + 1))
    paths: list[Path] = [("k" * 1500, 1), ("K", "n" * 1500), longest]
    for path in paths:
        wire.put(*path)
        assert wire.look_up(path).found


def test_an_incomplete_key_names_no_entity(wire: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "must not be incomplete"):
        wire.look_up(("K",))
    with refuses(StatusCode.INVALID_ARGUMENT, "must not be incomplete"):
        wire.commit(wire.mutation("update", ("K",)))
    with refuses(StatusCode.INVALID_ARGUMENT, "must not be incomplete"):
        wire.commit(wire.mutation("delete", ("K",)))
    with refuses(StatusCode.INVALID_ARGUMENT, "must not be incomplete"):
        wire.look_up(("Parent", "p", "K"))


POINTS: dict[str, Callable[[Any], None]] = {
    "latitude": lambda value: setattr(value.geo_point_value, "latitude", 90.5),
    "longitude": lambda value: setattr(value.geo_point_value, "longitude", -180.5),
}


@pytest.mark.parametrize("name", POINTS)
def test_a_point_off_the_globe_is_refused(wire: Wire, name: str) -> None:
    value = wire.value(None)
    POINTS[name](value)
    with refuses(StatusCode.INVALID_ARGUMENT, "out of range|outside permitted range"):
        wire.put("K", 1, v=value)


def test_a_lookup_takes_a_thousand_keys(local_wire: Wire) -> None:
    assert len(local_wire.look_up(*(("K", n + 1) for n in range(1000))).missing) == 1000
    with refuses(StatusCode.INVALID_ARGUMENT, "at most 1000 keys"):
        local_wire.look_up(*(("K", n + 1) for n in range(1001)))


def test_an_entity_has_at_most_20000_index_entries(local_wire: Wire) -> None:
    local_wire.put("Wide", 1, v=list(range(19_998)))
    with refuses(StatusCode.INVALID_ARGUMENT, "too many index entries"):
        local_wire.put("Wide", 1, v=list(range(20_001)))


def test_an_exploding_index_is_refused_before_it_explodes(local_wire: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "too many index entries"):
        local_wire.put("K", 1, p=list(range(2000)), q=list(range(2000)))
