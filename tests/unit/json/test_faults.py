"""All faults of a body are reported at once, in English, and their number is limited."""

import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType

from lib.edge.response.problems import describe_problem
from lib.errors import Invalid
from lib.json.decoder import convert, decode_json
from lib.json.faults import MAX_FAULTS, find_faults

Count = Annotated[int, Meta(ge=1, le=9)]


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Item(Struct, forbid_unknown_fields=True):
    sku: Annotated[str, Meta(min_length=2, description="a product's number")]
    count: Count


@dataclass
class Place:
    city: str
    zip: int = 0


class Wanted(Struct, forbid_unknown_fields=True, rename="camel"):
    item_list: Annotated[list[Item], Meta(min_length=1)]
    color: Color
    size: Literal["s", "m"] | None = None
    place: Place | None = None
    by_name: dict[str, Count] = {}
    price: Decimal | UnsetType = UNSET
    due: datetime | None = None


FIELDS = ("itemList", "color", "size", "place", "byName", "price", "due")
GOOD: dict[str, Any] = {"itemList": [{"sku": "ab", "count": 1}], "color": "red"}


def reported(plain: Any) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.detail) for fault in find_faults(plain, Wanted)]


def test_a_value_that_fits_has_no_fault() -> None:
    assert reported(GOOD) == []


def test_all_faults_of_a_body_are_reported_with_their_pointers() -> None:
    wrong = {
        "itemList": [{"sku": "a", "count": 0}, {"sku": "ab", "x": 1}, 7],
        "color": "green",
        "size": "xl",
        "place": {"zip": "x"},
        "byName": {"a/b~c": 99},
        "price": [],
        "due": "soon",
        "extra": 1,
    }
    assert reported(wrong) == [
        (
            "#/extra",
            "is not known; the fields are itemList, color, size, place, byName, price, due",
        ),
        ("#/itemList/0/sku", "must be a product's number"),
        ("#/itemList/0/count", "must be a whole number from 1 to 9"),
        ("#/itemList/1/x", "is not known; the fields are sku, count"),
        ("#/itemList/1/count", "is missing: a whole number from 1 to 9"),
        ("#/itemList/2", "must be an object"),
        ("#/color", "must be one of red, blue"),
        ("#/size", "must be one of s, m or null"),
        ("#/place/city", "is missing: text"),
        ("#/place/zip", "must be a whole number"),
        ("#/byName/a~1b~0c", "must be a whole number from 1 to 9"),
        ("#/price", "must be a decimal number"),
        ("#/due", "must be a time such as 2026-01-31T12:00:00Z or null"),
    ]


def test_a_short_list_and_a_wrong_object_are_reported() -> None:
    assert reported({**GOOD, "itemList": []}) == [
        ("#/itemList", "must be a list of at least 1 items")
    ]
    assert reported({**GOOD, "itemList": None}) == [
        ("#/itemList", "must be a list of at least 1 items")
    ]
    assert reported([]) == [("#", "must be an object")]


def test_an_answer_has_errors_with_pointer_detail_and_the_allowed_values() -> None:
    with pytest.raises(Invalid, match="color must be one of red, blue") as caught:
        decode_json(b'{"itemList": [], "color": 5}', Wanted)
    body = describe_problem(caught.value)
    assert body["field"] == "itemList"
    assert body["errors"][1] == {
        "pointer": "#/color",
        "field": "color",
        "detail": "must be one of red, blue",
        "allowed": ["red", "blue"],
    }


def test_faults_below_a_field_are_named_below_it() -> None:
    with pytest.raises(Invalid, match=r"payload\.count must be") as caught:
        convert({"sku": 1, "count": "x"}, Item, field="payload")
    errors = describe_problem(caught.value)["errors"]
    assert [each["pointer"] for each in errors] == ["#/payload/sku", "#/payload/count"]


def test_all_wrong_query_parameters_are_reported() -> None:
    with pytest.raises(Invalid, match="count must be") as caught:
        convert({"count": "10", "color": "x"}, Item, strict=False)
    assert [fault.field for fault in caught.value.faults] == ["color", "sku", "count"]


def test_long_unknown_names_are_truncated() -> None:
    faults = find_faults({"x" * 10_000: 1, **GOOD}, Wanted)
    assert len(faults[0].field) == 100
    with pytest.raises(Invalid, match="is not known") as caught:
        decode_json(msgspec.json.encode({"y" * 10_000: "z" * 10_000}), Wanted)
    assert len(caught.value.detail) < 1000
    assert "zzz" not in str(describe_problem(caught.value))


def test_a_body_full_of_faults_is_answered_quickly_with_some_of_them() -> None:
    many = {**GOOD, "itemList": [{"sku": "ab", "count": 1}] * 100_000 + [{}] * 1000}
    started = time.process_time()
    faults = find_faults(many, Wanted)
    assert len(faults) == MAX_FAULTS
    assert time.process_time() - started < 2


class Nest(Struct):
    inner: "list[Nest]" = []
    number: int = 0


def test_a_deep_fault_is_reported_in_bounded_time() -> None:
    plain: Any = {"number": "x"}
    for _ in range(400):
        plain = {"inner": [plain]}
    started = time.process_time()
    assert len(find_faults(plain, Nest)) == 1
    assert time.process_time() - started < 1


class Checked(Struct):
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


def test_the_message_of_a_classs_own_check_is_reported() -> None:
    [fault] = find_faults({"low": 2, "high": 1}, Checked)
    assert fault.detail == "low is above high"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 12) | st.floats() | st.text("abm", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["itemList", "color", "sku", "count", "place"]), inner)
    ),
    max_leaves=8,
)


@given(ANYTHING)
def test_there_are_faults_exactly_if_a_value_does_not_fit(plain: Any) -> None:
    for changed in (plain, {**GOOD, "itemList": plain}, {**GOOD, "place": plain, "byName": plain}):
        try:
            msgspec.convert(changed, Wanted)
            fits = True
        except msgspec.ValidationError:
            fits = False
        assert (find_faults(changed, Wanted) == []) == fits


class Cash(Struct, tag="cash", forbid_unknown_fields=True):
    coins: list[int]


class Card(Struct, tag="card", forbid_unknown_fields=True):
    number: str


class Span(NamedTuple):
    start: int
    end: int


class Size(TypedDict):
    width: int
    unit: NotRequired[Literal["cm", "in"]]


class Pair(Struct, array_like=True):
    first: int
    second: str


class Assorted(Struct, forbid_unknown_fields=True, kw_only=True):
    paid: list[Cash | Card] = []
    numbers: tuple[Count, ...] = ()
    fixed: tuple[int, str] = (1, "")
    span: Span | None = None
    size: Size | None = None
    pair: Pair | None = None
    many: list[int] | str = ""
    few: Annotated[list[Count], Meta(max_length=2)] = []
    named: dict[Annotated[str, Meta(max_length=2)], int] = {}
    by_number: dict[int, Color] = {}
    share: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    choice: Literal["a", None] = None


#: What is sent, and its faults: place and text.
TOLD: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"paid": [{"type": "cash", "coins": ["x"]}]}, {"#/paid/0/coins/0": "must be a whole number"}),
    ({"paid": [{"type": "card", "x": 1}]}, {"#/paid/0/x": "fields are", "#/paid/0/number": "text"}),
    ({"paid": [{"type": "cheque"}]}, {"#/paid/0/type": "must be one of cash, card"}),
    ({"paid": [{}]}, {"#/paid/0/type": "is missing: one of cash, card"}),
    (
        {"paid": [{"type": {}}, 5]},
        {"#/paid/0/type": "must be one", "#/paid/1": "must be an object"},
    ),
    ({"numbers": [0, 1, "x"]}, {"#/numbers/0": "from 1 to 9", "#/numbers/2": "from 1 to 9"}),
    ({"fixed": ["x", 5]}, {"#/fixed/0": "must be a whole number", "#/fixed/1": "must be text"}),
    ({"fixed": [1]}, {"#/fixed": "must be a list of 2 items"}),
    ({"span": [1, "x"]}, {"#/span/1": "must be a whole number"}),
    ({"span": [1]}, {"#/span": "must be a list of 2 items or null"}),
    ({"size": {"unit": "m"}}, {"#/size/width": "is missing", "#/size/unit": "one of cm, in"}),
    ({"pair": ["x", 5]}, {"#/pair/0": "must be a whole number", "#/pair/1": "must be text"}),
    ({"many": ["x"]}, {"#/many/0": "must be a whole number"}),
    ({"few": [0, 1, 2]}, {"#/few": "must be a list of at most 2 items", "#/few/0": "from 1 to 9"}),
    ({"named": {"long": 1}}, {"#/named/long": "does not fit: it must be text of at most 2"}),
    ({"by_number": {"x": "red"}}, {"#/by_number/x": "does not fit: it must be a whole number"}),
    ({"share": 1}, {"#/share": "must be a number above 0 and below 1"}),
    ({"choice": "b"}, {"#/choice": "must be one of a, null"}),
]


@pytest.mark.parametrize(("sent", "expected"), TOLD)
def test_a_fault_is_located_in_types_of_every_shape(
    sent: dict[str, Any], expected: dict[str, str]
) -> None:
    found = {fault.pointer: fault.detail for fault in find_faults(sent, Assorted)}
    assert found.keys() == expected.keys()
    assert all(words in found[place] for place, words in expected.items()), found


@given(st.sampled_from(sorted(Assorted.__struct_fields__)), ANYTHING)
def test_types_of_every_shape_have_faults_exactly_if_a_value_does_not_fit(
    name: str, plain: Any
) -> None:
    for value in (plain, [plain], {"type": "cash", "coins": plain}, [{"type": plain, "x": plain}]):
        try:
            msgspec.convert({name: value}, Assorted, str_keys=True)
            fits = True
        except msgspec.ValidationError:
            fits = False
        assert (find_faults({name: value}, Assorted) == []) == fits
