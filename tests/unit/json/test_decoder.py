from typing import Any

import pytest
from msgspec import Raw, Struct

from lib.errors import Invalid, Malformed
from lib.json.decoder import convert, decode_body, decode_json


class Inner(Struct, forbid_unknown_fields=True):
    number: int


class Outer(Struct, forbid_unknown_fields=True):
    inner: list[Inner]
    name: str = ""


@pytest.mark.parametrize("raw", [b"", b"{", b"nul", b'"\xff"', b"[" * 100_000, b"{} {}"])
def test_what_is_not_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed, match="the body is not JSON"):
        decode_json(raw, Outer)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"[]", None),
        (b"{}", "inner"),
        (b'{"inner": 1}', "inner"),
        (b'{"inner": [{"number": 1}, {"number": "x"}]}', "inner[1].number"),
        (b'{"inner": [{}]}', "inner[0].number"),
        (b'{"inner": [{"number": 1, "x": 1}]}', "inner[0].x"),
        (b'{"inner": [], "x": 1}', "x"),
    ],
)
def test_what_does_not_fit_is_invalid_and_names_the_field(raw: bytes, field: str | None) -> None:
    with pytest.raises(Invalid) as caught:
        decode_json(raw, Outer)
    assert caught.value.field == field


def test_a_conversion_names_the_nested_field() -> None:
    with pytest.raises(Invalid) as caught:
        convert({"inner": [{"number": "x"}]}, Outer, field="payload")
    assert caught.value.field == "payload.inner[0].number"


def test_text_counts_as_a_number_only_without_strict() -> None:
    assert convert({"number": "5"}, Inner, strict=False) == Inner(5)
    with pytest.raises(Invalid, match="number must be a whole number"):
        convert({"number": "5"}, Inner)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"a": 1, "a": 2}', "a"),
        (b'{"a": 1, "\\u0061": 2}', "a"),
        (b'{"x": [{"a": {"b": 1, "c": 2, "b": 1}}]}', "x[0].a.b"),
        (b'{"first": {"a": 1}, "then": [0, [{"": 1, "": 2}]]}', "then[1][0]."),
        (b'{"n": 1' + b"0" * 300 + b', "a": 1e300, "a": 1}', "a"),
    ],
)
def test_a_repeated_member_is_malformed_and_named(raw: bytes, field: str) -> None:
    with pytest.raises(Malformed, match="is repeated in its object") as caught:
        decode_body(raw, Any)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]}',
        b'{"a": 1, "A": 2, "\xc3\xa4": 3, "a\xcc\x88": 4}',
        b'{"long": ' + b"1" * 5000 + b"}",
        b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}",
    ],
)
def test_equal_names_in_different_objects_are_accepted(raw: bytes) -> None:
    decode_body(raw, Raw)


@pytest.mark.parametrize(
    "half", ["\\ud800", "\\udc00", "\\udc00\\ud800", "\\ud800\\u0041", "a\\ud83d"]
)
@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('"HALF"', ""),
        ('{"name": "HALF"}', "name"),
        ('{"inner": [{"number": "HALF"}]}', "inner[0].number"),
        ('{"inner": [{"aHALF": 1}]}', "inner[0].a"),
    ],
)
def test_an_unpaired_surrogate_is_malformed_and_located(text: str, field: str, half: str) -> None:
    with pytest.raises(Malformed, match="has an unpaired surrogate: not text") as caught:
        decode_json(text.replace("HALF", half).encode(), Any)
    assert (caught.value.field or "").startswith(field)


def test_a_character_outside_the_first_plane_is_text() -> None:
    assert decode_body(b'"\\ud83d\\ude00"', str) == "\U0001f600"
