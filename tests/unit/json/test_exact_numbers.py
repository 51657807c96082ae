"""Numbers from JSON keep their digits until their type is known."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from functions.sagas.callers import NewSaga
from lib.errors import Invalid, Malformed
from lib.json.decoder import decode_json
from lib.json.exact_numbers import ExactNumber, encode_canonical, encode_exact, read_number
from lib.saga.machine.inputs import Result
from lib.saga.state.payload import canonical_payload, decode_payload
from tests.unit.saga.engine.test_verdict import run

LONG = "12345678901234567890.123456789012345678901"


class Amount(Struct, forbid_unknown_fields=True):
    """What an order costs."""

    cents: Decimal
    note: str = ""


def posted(payload: str) -> Any:
    """Return a payload as `start-saga` hands it over."""
    return decode_json(f'{{"name":"x","payload":{payload}}}'.encode(), NewSaga).payload


@pytest.mark.parametrize("literal", [LONG, "0.1", "1E+5", "-0.30000000000000004441", "2e-400"])
def test_a_decimal_given_as_a_number_keeps_each_digit(literal: str) -> None:
    stored = canonical_payload(posted(f'{{"cents":{literal}}}'), Amount)
    assert decode_payload(stored, Amount).cents == Decimal(literal)


def test_an_integer_of_any_size_keeps_each_digit() -> None:
    stored = canonical_payload(posted('{"cents":1234567890123456789012345678901}'), Amount)
    assert decode_payload(stored, Amount).cents == Decimal("1234567890123456789012345678901")


def test_a_float_field_gets_a_float_however_many_digits_are_sent() -> None:
    stored = canonical_payload(posted("[0.1000000000000000055511151231257827]"), list[float])
    assert decode_payload(stored, list[float]) == [0.1]


@pytest.mark.parametrize("kind", [Any, list[Any], object])
def test_without_a_type_a_step_gets_floats(kind: Any) -> None:
    [number] = decode_payload(canonical_payload(posted(f"[{LONG}]"), kind), kind)
    assert type(number) is float


def test_a_payload_that_does_not_fit_is_refused_with_its_field() -> None:
    with pytest.raises(Invalid, match="cents") as refused:
        canonical_payload(posted('{"cents":"many"}'), Amount)
    assert refused.value.field == "payload.cents"


def test_a_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(Malformed, match="out of range"):
        posted('{"cents":1e400}')


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**300), max_value=10**300))
def test_equal_numbers_are_equal_texts_and_no_digit_is_lost(number: Decimal) -> None:
    read = read_number(str(number))
    text = encode_exact(read).decode()
    assert msgspec.json.decode(text, type=Decimal) == number
    assert encode_exact(read_number(f"{number:f}")) == encode_exact(read_number(str(number)))


def test_the_hook_writes_only_exact_numbers() -> None:
    assert ExactNumber(LONG) + 1 == Decimal(LONG) + 1
    with pytest.raises(TypeError, match="a object has no form in JSON: use text, numbers"):
        encode_exact(object())


def nest(depth: int, innermost: Any = 1) -> Any:
    for number in range(depth):
        innermost = [innermost] if number % 2 else {"in": innermost}
    return innermost


@dataclass
class Rate:
    """A number that may be NaN."""

    value: float


ITSELF: dict[str, Any] = {}
ITSELF["self"] = ITSELF

NO_JSON = [
    (float("nan"), "NaN and infinity"),
    ({"rates": [1.0, float("inf")]}, "NaN and infinity"),
    ({"deep": (Rate(-float("inf")), None)}, "NaN and infinity"),
    (nest(101), "more than 100 levels"),
    (nest(450), "more than 100 levels"),
    ({1: "a", "1": "b"}, "two keys of one dict are the same key in JSON"),
    ([{"deep": ({UUID(int=1): 1, str(UUID(int=1)): 2},)}], "two keys of one dict"),
    ({"name": "\ud800"}, "a text in it has an unpaired surrogate"),
    (ITSELF, "more than 100 levels"),
    (Rate({1: 0.5, "1": 0.7}), "two keys of one dict"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("value", "why"), NO_JSON)
def test_a_value_that_could_not_be_read_back_is_refused(value: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        encode_exact(value)


class Name(str):
    __slots__ = ()


class Count(int):
    """A subclass of int, as numpy has."""


class Share(float):
    """A subclass of float, like numpy's float64."""


@pytest.mark.parametrize("write", [encode_exact, encode_canonical])
def test_a_subclass_of_a_plain_type_is_written_as_that_type(write: Any) -> None:
    value = {Name("a"): [Name("b"), Count(3), Share(0.5)]}
    assert write(value) == b'{"a":["b",3,0.5]}'
    with pytest.raises(ValueError, match="NaN and infinity"):
        write([Share("nan")])


@pytest.mark.parametrize("key", [True, None, (1, 2)])
def test_a_key_that_is_not_text_is_refused(key: Any) -> None:
    with pytest.raises(TypeError, match=r"cannot be the key of a dict in JSON: write str\(key\)"):
        encode_exact({key: 1})


@pytest.mark.parametrize("text", [b"", b"{bad", b'{"a":1}{"b":2}'])
def test_raw_text_is_written_only_if_it_is_json(text: bytes) -> None:
    with pytest.raises(ValueError, match="raw text is not JSON"):
        encode_exact(msgspec.Raw(text))


@pytest.mark.parametrize(
    "value", [nest(100), nest(100, None), [[]] * 5000, {"null": None}, None, {"1": 1, "01": 2}]
)
def test_a_value_that_can_be_read_back_is_written(value: Any) -> None:
    assert msgspec.json.decode(encode_exact(value)) == value


@pytest.mark.parametrize(("value", "why"), NO_JSON)
def test_a_payload_that_could_not_be_read_back_is_refused(value: Any, why: str) -> None:
    with pytest.raises(Invalid, match=f"the payload is not JSON: .*{why}"):
        canonical_payload(value, object)


@pytest.mark.parametrize(("value", "why"), NO_JSON)
def test_an_output_that_could_not_be_read_back_fails_its_step(value: Any, why: str) -> None:
    outcome = run(lambda: value)
    assert outcome.result is Result.INDETERMINATE
    assert f"the output cannot be stored as JSON: {why}" in outcome.error.replace(
        "it is nested ", ""
    )
