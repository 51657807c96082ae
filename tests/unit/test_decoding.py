import pytest
from msgspec import Struct

from lib.errors import Invalid, Malformed
from lib.json.decoder import convert, decode_json


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


def test_a_conversion_names_the_field_below_the_one_that_it_is_in() -> None:
    with pytest.raises(Invalid) as caught:
        convert({"inner": [{"number": "x"}]}, Outer, field="payload")
    assert caught.value.field == "payload.inner[0].number"


def test_text_stands_for_a_number_only_where_it_may() -> None:
    assert convert({"number": "5"}, Inner, strict=False) == Inner(5)
    with pytest.raises(Invalid, match="number must be a whole number"):
        convert({"number": "5"}, Inner)
