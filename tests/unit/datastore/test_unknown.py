"""Stored data that a class does not declare survives, at every depth."""

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import flask
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.datastore import Id, Indexed, Version, entity
from lib.datastore.mapping.unknown import KeyedDict
from lib.datastore.v1.messages import message
from lib.edge.response.reply import render_result
from lib.json.exact_numbers import encode_canonical, encode_exact
from lib.saga.definition.types.secret import separate
from tests.unit.datastore.models import Everything, load, save
from tests.unit.datastore.test_save_and_load import EVERYTHING

COPIES = pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)


@dataclass(frozen=True, order=True)
class Sku:
    code: str
    size: int = 0


@dataclass(slots=True, kw_only=True)
class Line:
    sku: Sku
    quantity: Indexed[int] = 1


@entity
@dataclass(slots=True, kw_only=True)
class Basket:
    id: Id[str]
    line: Line
    lines: list[Line] = field(default_factory=list)
    by_name: dict[str, Line] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    anything: Any = None
    n: int = 0
    version: Version = 0


@entity
@dataclass(slots=True, frozen=True)
class Frozen:
    id: Id[str]


def embedded_values(properties: Any) -> Iterator[Any]:
    """Yield every embedded Value in a map of properties, the outermost first."""
    for value in properties.values():
        yield from _embedded_in(value)


def _embedded_in(value: Any) -> Iterator[Any]:
    if value.HasField("entity_value"):
        yield value
        yield from embedded_values(value.entity_value.properties)
    for item in value.array_value.values:
        yield from _embedded_in(item)


def extra_value(text: str) -> Any:
    extra = message("Value")(string_value=text)
    extra.meaning = 15
    return extra


def add_key(value: Any, name: str) -> None:
    element = value.entity_value.key.path.add()
    element.kind, element.name = "Line", name


def make_basket() -> Basket:
    line = Line(sku=Sku("a"))
    return Basket(
        id="b", line=line, lines=[line, line], by_name={"x": line}, counts={"c": 1},
        anything={"deep": [{"z": 1}]},
    )  # fmt: skip


def with_extras(result: Any) -> Any:
    """Put unknown data and a key into every embedded entity that has a class or is Any."""
    for number, value in enumerate(embedded_values(result.entity.properties)):
        add_key(value, f"k{number}")
        names = set(value.entity_value.properties)
        if names & {"sku", "code"}:
            value.entity_value.properties["extra"].CopyFrom(extra_value(f"e{number}"))
    return result


def test_unknown_data_in_a_nested_class_survives_a_change_of_another_field() -> None:
    stored = with_extras(save(make_basket()))
    loaded = load(Basket, stored)
    again = save(replace(loaded, n=2, version=0))
    again.entity.properties["n"].integer_value = 0
    assert again.entity == stored.entity


def test_unknown_data_survives_a_change_of_the_nested_value_itself() -> None:
    loaded = load(Basket, with_extras(save(make_basket())))
    loaded.lines[1] = replace(loaded.lines[1], quantity=7)
    del loaded.lines[0]
    again = save(loaded).entity.properties["lines"].array_value.values[0].entity_value
    assert again.properties["quantity"].integer_value == 7
    assert again.properties["extra"].string_value
    assert again.HasField("key")


def test_a_nested_value_with_unknown_data_compares_like_its_class() -> None:
    loaded = load(Basket, with_extras(save(make_basket())))
    plain = make_basket()
    assert loaded.line == plain.line
    assert plain.line == loaded.line
    assert loaded.line != Line(sku=Sku("b"))
    assert loaded.line.sku != 3
    assert repr(loaded.line) == repr(plain.line)
    assert isinstance(loaded.line, Line)
    assert len({loaded.line.sku, plain.line.sku}) == 1
    assert loaded.line.sku < Sku("b") > loaded.line.sku
    assert isinstance(loaded.anything, KeyedDict)
    assert loaded.anything == plain.anything


def test_a_nested_value_without_unknown_data_has_exactly_its_class() -> None:
    loaded = load(Basket, save(make_basket()))
    assert type(loaded.line) is Line
    assert type(loaded.counts) is dict
    assert msgspec.json.decode(msgspec.json.encode(loaded.line)) == {
        "sku": {"code": "a", "size": 0},
        "quantity": 1,
    }


def test_indexed_unknown_data_in_a_nested_value_stays_indexed() -> None:
    stored = save(make_basket())
    sku = stored.entity.properties["line"].entity_value.properties["sku"]
    assert sku.exclude_from_indexes
    sku.entity_value.properties["extra"].integer_value = 1
    sku.exclude_from_indexes = False
    again = save(load(Basket, stored)).entity.properties["line"].entity_value.properties["sku"]
    assert not again.exclude_from_indexes
    assert again.entity_value.properties["code"].exclude_from_indexes


@settings(deadline=None, max_examples=60)
@given(EVERYTHING, st.data())
def test_any_stored_entity_survives_a_change_of_one_field(value: Everything, data: Any) -> None:
    stored = save(value)
    known = ("sku", "name", "city")
    for number, each in enumerate(embedded_values(stored.entity.properties)):
        if data.draw(st.booleans()):
            add_key(each, f"k{number}")
        if any(name in each.entity_value.properties for name in known) and data.draw(st.booleans()):
            each.entity_value.properties["extra"].CopyFrom(extra_value("kept"))
    again = save(replace(load(Everything, stored), number=5))
    again.entity.properties["number"].CopyFrom(stored.entity.properties["number"])
    assert again.entity == stored.entity


@COPIES
def test_copies_and_pickles_keep_unknown_data(copied: Callable[[Any], Any]) -> None:
    stored = with_extras(save(make_basket()))
    basket = load(Basket, stored)
    assert save(copied(basket)) == stored
    line = copied(basket.line)
    assert line == basket.line
    assert save(replace(basket, line=line)) == stored


@pytest.mark.parametrize(
    "changed",
    [
        lambda counts: counts | {"d": 2},
        lambda counts: {"d": 2} | counts,
        lambda counts: {**counts, "d": 2},
        lambda counts: {name: number + 1 for name, number in counts.items()},
        lambda counts: counts.copy(),
    ],
)
def test_the_key_of_an_embedded_dict_survives_changes_of_the_dict(
    changed: Callable[[dict[str, int]], dict[str, int]],
) -> None:
    stored = with_extras(save(make_basket()))
    loaded = load(Basket, stored)
    counts = save(replace(loaded, counts=changed(loaded.counts))).entity.properties["counts"]
    assert counts.entity_value.key == stored.entity.properties["counts"].entity_value.key
    assert counts.entity_value.HasField("key")


def test_a_dict_in_a_dict_keeps_its_key_when_it_is_joined_or_copied() -> None:
    loaded = load(Basket, with_extras(save(make_basket())))
    [inner] = loaded.anything["deep"]
    loaded.anything["deep"] = [inner | {"y": 2}, {"y": 2} | inner, inner.copy()]
    again = save(loaded).entity.properties["anything"].entity_value.properties["deep"]
    assert [each.entity_value.HasField("key") for each in again.array_value.values] == [True] * 3


def test_a_field_whose_dict_is_gone_keeps_no_key() -> None:
    loaded = load(Basket, with_extras(save(make_basket())))
    saved = save(replace(loaded, anything=None))
    assert saved.entity.properties["anything"].HasField("null_value")


def _rendered(value: Any) -> bytes:
    with flask.Flask(__name__).app_context():
        return render_result(value, 200).get_data()


def _written_through_dicts(value: Any) -> bytes:
    return json.dumps(msgspec.to_builtins(value)).encode()


@pytest.mark.parametrize(
    "written",
    [
        encode_exact,
        _rendered,
        encode_canonical,
        msgspec.json.encode,
        _written_through_dicts,
        lambda v: msgspec.json.encode(separate(v, object).shown),
    ],
)
@pytest.mark.parametrize("shown", [lambda basket: basket, asdict, lambda basket: {"a": [basket]}])
def test_unknown_data_is_in_no_response_and_no_output(
    written: Callable[[Any], bytes], shown: Callable[[Any], Any]
) -> None:
    known = load(Basket, save(make_basket()))
    grown = load(Basket, with_extras(save(make_basket())))
    assert msgspec.json.decode(written(shown(grown))) == msgspec.json.decode(written(shown(known)))
    assert b"nknown" not in written(shown(grown))


def test_a_json_member_with_the_name_of_unknown_data_is_ordinary() -> None:
    assert encode_exact({"_unknown": 1}) == b'{"_unknown":1}'
    assert _rendered({"_unknown": 1}) == b'{"_unknown":1}\n'


def test_fields_of_a_class_and_of_its_values_are_those_declared() -> None:
    loaded = load(Basket, with_extras(save(make_basket())))
    names = ["id", "line", "lines", "by_name", "counts", "anything", "n", "version"]
    assert [each.name for each in fields(Basket)] == names
    assert [each.name for each in fields(loaded)] == names
    assert [each.name for each in fields(loaded.line)] == ["sku", "quantity"]


def test_json_cannot_set_unknown_data() -> None:
    text = b'{"id":"a","line":{"sku":{"code":"s"}},"_unknown":{"deleted":"AAAA"}}'
    saved = save(msgspec.json.decode(text, type=Basket)).entity.properties
    assert set(saved) == {"line", "lines", "by_name", "counts", "anything", "n"}


def test_a_class_derived_from_an_entity_can_be_constructed_changed_and_stored() -> None:
    @entity
    @dataclass(slots=True, kw_only=True)
    class Big(Basket):
        more: int = 0

    @dataclass(kw_only=True)
    class Loose(Basket):
        more: int = 0

    for cls in (Big, Loose):
        value = replace(cls(id="b", line=Line(sku=Sku("a"))), more=3)
        assert save(value).entity.properties["more"].integer_value == 3
    stored = with_extras(save(Big(id="b", line=Line(sku=Sku("a")))))
    stored.entity.properties["unheard of"].integer_value = 5
    again = save(replace(load(Big, stored), more=1)).entity.properties
    assert again["unheard of"].integer_value == 5


@COPIES
def test_a_frozen_entity_with_slots_is_copied_with_its_unknown_data(
    copied: Callable[[Any], Any],
) -> None:
    stored = save(Frozen(id="f"))
    stored.entity.properties["unheard of"].integer_value = 5
    assert save(copied(load(Frozen, stored))) == stored
