"""Redaction removes every secret of a payload from a text, and little else."""

import html
import json
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from lib.json.exact_numbers import MAX_NESTING
from lib.saga.definition.types.secret import REDACTED, Secret
from lib.saga.state.redaction import Redactor, conceal, redact

#: The forms in which a text may quote a secret, without revealing text around it.
WRITINGS = (
    str,
    repr,
    ascii,
    json.dumps,
    lambda text: json.dumps(text, ensure_ascii=False),
    lambda text: json.dumps([text]).replace("/", "\\/"),
    lambda text: msgspec.json.encode(text).decode(),
    lambda text: repr([text, "'"]),
    lambda text: repr(f"{text}'\"")[1:-3],
    html.escape,
    quote,
    quote_plus,
    lambda text: quote(text, safe=""),
)


class Customer(Struct):
    name: Secret[str] = ""
    pins: Secret[list[int]] = []
    country: str = ""


def clean(text: str, *, name: str = "", pins: tuple[int, ...] = ()) -> str:
    return redact(text, {"name": name, "pins": pins}, Customer)


#: Characters that some forms escape, and sometimes any others.
characters = st.one_of(
    st.sampled_from("aB1 '\"/\\&<%+~\n\té李"), st.characters(exclude_categories=["Cs"])
)

telling_names = st.text(characters, min_size=5, max_size=12).filter(
    lambda name: len(name.strip()) >= 5 and any(each.isalnum() for each in name)
)


def check_taken_out(name: str, write: Any) -> None:
    cleaned = clean(f"<{write(name)}>", name=name)
    # Which quotes Python uses depends on the text.
    wanted = f"<{write('X').replace('X', REDACTED)}>"
    assert cleaned.replace('"', "'") == wanted.replace('"', "'")


@pytest.mark.parametrize("write", WRITINGS)
@pytest.mark.parametrize(
    "name", ["Zoë/Lee\n", "Zoë O'Hara\n", 'Zoë "O\'Hara"\n', "Zoë & <Li>/100%", "a\\b\tcde"]
)
def test_a_secret_is_removed_whatever_is_escaped_in_it(name: str, write: Any) -> None:
    check_taken_out(name, write)


@given(telling_names, st.sampled_from(WRITINGS))
@settings(max_examples=200, deadline=None)
def test_a_secret_is_removed_however_it_is_written(name: str, write: Any) -> None:
    check_taken_out(name, write)


@given(st.lists(telling_names, min_size=2, max_size=4), st.text(max_size=5))
@settings(max_examples=150, deadline=None)
@example(["abcdef", "defghi"], "")
@example(["ΑΒΓΔΣ", "ΓΔΕΖΗ"], "")
def test_adjacent_secrets_are_all_removed(names: list[str], between: str) -> None:
    cleaned = redact(between.join([*names, *names]), names, list[Secret[str]])
    assert not any(name in piece for name in names for piece in cleaned.split(REDACTED))


@given(st.integers(-(2**63), 2**63 - 1))
@settings(max_examples=100, deadline=None)
def test_a_secret_number_is_removed(number: int) -> None:
    assert (
        clean(f"take {number}, or {number:,}", pins=(number,)) == f"take {REDACTED}, or {REDACTED}"
    )


def test_a_secret_is_removed_in_any_case() -> None:
    assert clean("ANN LEE and ÉVA", name="Ann Lee") == f"{REDACTED} and ÉVA"
    assert clean("ANN LEE and ÉVA", name="Éva") == f"ANN LEE and {REDACTED}"


@given(st.text(), telling_names)
@settings(max_examples=100, deadline=None)
@example("see ", "redact")
def test_redacting_twice_changes_nothing(text: str, name: str) -> None:
    cleaned = clean(text + name, name=name)
    assert clean(cleaned, name=name) == cleaned


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_a_text_without_secrets_is_unchanged(text: str) -> None:
    assert redact(text, {"country": "GB"}, Customer) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Al has no credit", f"{REDACTED} has no credit"),
        ("AL: no credit", f"{REDACTED}: no credit"),
        ("name='Al'", f"name='{REDACTED}'"),
        ("Also illegal", "Also illegal"),
        ("x_Al_y", f"x_{REDACTED}_y"),
        ("Al7 7al", f"{REDACTED}7 7{REDACTED}"),
        ("a%2CAl%2C", f"a%2C{REDACTED}%2C"),
        (r"a\nAl\u00eaAl\xeaAl", rf"a\n{REDACTED}\u00ea{REDACTED}\xea{REDACTED}"),
    ],
)
def test_a_short_secret_is_removed_where_it_stands_alone(text: str, cleaned: str) -> None:
    assert clean(text, name="Al") == cleaned


def test_a_short_name_in_a_script_without_spaces_is_removed_anywhere() -> None:
    assert clean("客户李明没有余额", name="李明") == f"客户{REDACTED}没有余额"


@pytest.mark.parametrize("name", ["", " ", "\n", "-", "'", ". "])
def test_a_secret_of_punctuation_removes_nothing(name: str) -> None:
    text = "it's - well - a text.\n And another"
    assert clean(text, name=name) == text


def test_a_name_is_found_without_the_spaces_around_it() -> None:
    assert clean("(Ann Lee)", name=" Ann Lee ") == f"({REDACTED})"


def test_numbers_are_found_as_people_write_them() -> None:
    cleaned = clean("5000 or 5,000 of 42, not 142", pins=(5000, 42))
    assert cleaned == f"{REDACTED} or {REDACTED} of {REDACTED}, not 142"


@pytest.mark.parametrize(
    "names", [["abcdef", "efghi"], ["abcdefghi", "cdefg"], ["cdefg", "abcdefghi"]]
)
def test_secrets_that_overlap_leave_nothing_of_either(names: list[str]) -> None:
    assert redact("see abcdefghi!", names, list[Secret[str]]) == f"see {REDACTED}!"


def test_a_secret_that_overlaps_itself_leaves_nothing() -> None:
    assert clean("see abcdabcdabcd!", name="abcdabcd") == f"see {REDACTED}!"


def test_the_longest_secret_is_taken_out_whole() -> None:
    cleaned = redact("1 High Street, Leeds", ["1 High", "1 High Street"], list[Secret[str]])
    assert cleaned == f"{REDACTED}, Leeds"


def test_what_is_not_marked_is_left() -> None:
    value = {"name": "Ann", "country": "GB"}
    assert redact("Ann of GB", value, Customer) == f"{REDACTED} of GB"
    assert conceal(value, Customer) == {"name": REDACTED, "country": "GB"}


def test_a_payload_that_does_not_fit_is_redacted_as_a_whole() -> None:
    value = {"name": "Ann", "country": 5000}
    assert redact("Ann of 5000 is wrong", value, Customer) == f"{REDACTED} of {REDACTED} is wrong"
    assert conceal(value, Customer) == REDACTED


@pytest.mark.parametrize(("levels", "looked_through"), [(MAX_NESTING, True), (1000, False)])
def test_a_value_nested_too_deeply_is_redacted_as_a_whole(
    levels: int, looked_through: bool
) -> None:
    value: Any = "of Ann Brown"
    for _ in range(levels):
        value = [value]
    cleaned = Redactor(["Ann Brown"]).clean_value(value)
    while isinstance(cleaned, list):
        cleaned = cleaned[0]
    assert cleaned == (f"of {REDACTED}" if looked_through else REDACTED)
