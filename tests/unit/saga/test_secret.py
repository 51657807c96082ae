"""The secrets of a payload, wherever its type has marks."""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple, TypedDict, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from msgspec import Meta, Struct

from lib.json.exact_numbers import MAX_NESTING
from lib.saga.definition.types.secret import REDACTED, Secret, separate
from tests.unit.saga.marked import Sample, samples

T = TypeVar("T")


class Person(Struct):
    name: Secret[Annotated[str, Meta(min_length=1)]]
    born: Secret[int | None] = None
    city: str = ""
    friend: "Person | None" = None


class Parcel(Struct, tag=True, rename="camel"):
    street_name: Secret[str]
    kilos: int = 0


class Letter(Struct, tag=True, rename="camel"):
    street_name: str


class Pair(Struct, Generic[T]):
    first: T
    second: str


class Box(Struct):
    any: Secret[Any]


class Row(Struct, array_like=True, tag="row"):
    name: Secret[str]
    city: str


class Point(NamedTuple):
    name: Secret[str]
    city: str


class Loose(TypedDict):
    name: Secret[str]
    city: str


@dataclass
class Plain:
    name: Secret[str]
    city: str


def found(value: Any, kind: Any) -> tuple[Any, list[Any]]:
    separated = separate(value, kind)
    return separated.shown, separated.secrets


@given(samples())
@settings(max_examples=150, deadline=None)
def test_only_marked_values_are_secret(sample: Sample) -> None:
    shown, secrets = found(sample.value, sample.kind)
    assert shown == sample.shown
    assert Counter(map(repr, secrets)) == Counter(map(repr, sample.secrets))


@pytest.mark.parametrize("kind", [Person, Plain, Loose])
def test_a_marked_field_of_an_object_is_secret(kind: Any) -> None:
    value = {"name": "Ann", "city": "Leeds"}
    assert found(value, kind) == ({"name": REDACTED, "city": "Leeds"}, ["Ann"])


def test_a_value_of_the_type_is_treated_like_its_json() -> None:
    person = Person("Ann", born=1990, friend=Person("Bob"))
    assert found(person, Person) == found(msgspec.to_builtins(person), Person)
    assert found(person, Person)[1] == ["Ann", 1990, "Bob", None]


@pytest.mark.parametrize(
    ("kind", "value"), [(Row, ["row", "Ann", "Leeds"]), (Point, ["Ann", "Leeds"])]
)
def test_a_marked_field_of_an_array_like_struct_is_secret(kind: Any, value: Any) -> None:
    assert found(value, kind) == ([*value[:-2], REDACTED, "Leeds"], ["Ann"])


def test_the_type_of_a_generic_may_be_marked() -> None:
    value = {"first": "Ann", "second": "Leeds"}
    assert found(value, Pair[Secret[str]])[1] == ["Ann"]
    assert found(value, Pair[str])[1] == []


def test_a_missing_field_is_not_secret() -> None:
    assert found({"name": "Ann"}, Person) == ({"name": REDACTED}, ["Ann"])


def test_the_tag_decides_the_member_of_a_union() -> None:
    parcel = {"type": "Parcel", "streetName": "High St", "kilos": 1}
    letter = {"type": "Letter", "streetName": "High St"}
    assert found(parcel, Parcel | Letter) == ({**parcel, "streetName": REDACTED}, ["High St"])
    assert found(letter, Parcel | Letter) == (letter, [])


def test_a_value_that_may_be_a_marked_union_member_is_secret() -> None:
    kind = Secret[str] | list[str] | None
    assert found("Ann", kind) == (REDACTED, ["Ann"])
    assert found(["Ann"], kind) == (["Ann"], [])
    assert found(None, kind) == (None, [])
    assert found(5, str | Secret[int]) == (REDACTED, [5])


def test_all_values_in_a_marked_object_are_secret_but_not_its_field_names() -> None:
    assert found({"first": "Ann", "second": "Leeds"}, Secret[Pair[str]]) == (
        REDACTED,
        ["Ann", "Leeds"],
    )


def test_all_values_and_keys_of_a_marked_dict_are_secret() -> None:
    assert found({"ann@x.example": 1}, Secret[dict[str, int]]) == (REDACTED, ["ann@x.example", 1])
    shown, secrets = found({"any": {"ann@x.example": [{"a": 1}]}}, Box)
    assert shown == {"any": REDACTED}
    assert sorted(map(str, secrets)) == ["1", "a", "ann@x.example"]


def test_another_mark_inside_changes_nothing() -> None:
    titled = Annotated[str, Meta(title="a name")]
    assert found(["Ann"], Secret[list[titled]]) == (REDACTED, ["Ann"])


def test_a_dict_whose_keys_are_secret_is_not_shown() -> None:
    assert found({"ann@x.example": 1}, dict[Secret[str], int]) == (REDACTED, ["ann@x.example"])


def test_a_field_that_the_type_does_not_know_is_secret() -> None:
    value = {"name": "Ann", "city": "Leeds", "phone": {"home": "555"}}
    shown, secrets = found(value, Person)
    assert shown == {"name": REDACTED, "city": "Leeds", "phone": REDACTED}
    assert sorted(secrets) == ["555", "Ann", "home"]


def test_a_value_that_does_not_fit_its_type_is_secret_as_a_whole() -> None:
    shown, secrets = found({"name": "Ann", "city": 5}, Person)
    assert shown == REDACTED
    assert sorted(map(str, secrets)) == ["5", "Ann", "city", "name"]


def nest_people(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"name": "Ann"}
    for _ in range(levels - 1):
        value = {"name": "Bob", "friend": value}
    return value


def test_a_value_nested_too_deeply_is_secret_as_a_whole() -> None:
    shown, secrets = found(nest_people(MAX_NESTING + 1), Person)
    assert shown == REDACTED
    assert {"Ann", "Bob"} <= set(secrets)


def test_a_value_with_the_maximum_nesting_is_searched() -> None:
    shown, secrets = found(nest_people(MAX_NESTING), Person)
    for _ in range(MAX_NESTING - 1):
        assert shown["name"] == REDACTED
        shown = shown["friend"]
    assert shown == {"name": REDACTED}
    assert Counter(secrets) == {"Bob": MAX_NESTING - 1, "Ann": 1}
