"""`Prefer: wait=N` of RFC 7240: what cannot be parsed is ignored, and nothing fails."""

import time
from datetime import timedelta

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from lib.edge.request.preferences import read_preference, read_wait


def wait_of(*lines: str) -> float | None:
    headers = Headers([("Prefer", line) for line in lines])
    with flask.Flask("x").test_request_context(headers=headers) as context:
        found = read_wait(context.request)
    return None if found is None else found.total_seconds()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=5", 5),
        ("wait=0", 0),
        ("wait=007", 7),
        ("WAIT=5", 5),
        ("Wait = 5", 5),
        ("\twait\t=\t5\t", 5),
        ('wait="5"', 5),
        (r'wait="\5"', 5),
        ("wait=5;foo", 5),
        ("wait=5; foo=bar; baz", 5),
        ("wait=5 ; wait=9", 5),
        ("respond-async, wait=5", 5),
        ("return=minimal;x=y,wait=5", 5),
        ('foo="a, wait=9", wait=5', 5),
        (r'foo="a\", wait=9", wait=5', 5),
        (", ,, wait=5,", 5),
        ("not a preference, wait=5", 5),
        ("=, wait=5", 5),
        ("wait=5, wait=9", 5),
        ("wait=1000000000", 999_999_999),
        ("wait=" + "9" * 5000, 999_999_999),
        ("wait=" + "0" * 5000 + "3", 3),
    ],
)
def test_a_wait_is_read_among_other_preferences(header: str, seconds: int) -> None:
    assert wait_of(header) == seconds


@pytest.mark.parametrize(
    "header",
    [
        "", ",", "wait", "wait=", 'wait=""', "wait=-1", "wait=+1", "wait=1.5", "wait=1e9",
        "wait=soon", "wait=٣", "wait=5s", "wait=1_0", 'wait="5', "waiting=5", "x-wait=5",
        "respond-async", "foo; wait=5", 'foo="wait=5"', 'foo="bar, wait=5',
    ],
)  # fmt: skip
def test_an_invalid_wait_is_ignored(header: str) -> None:
    assert wait_of(header) is None


@pytest.mark.parametrize("first", ["wait", "wait=soon", "wait=-1", 'wait=""'])
def test_the_first_wait_counts_even_if_it_cannot_be_parsed(first: str) -> None:
    assert wait_of(f"{first}, wait=5") is None


def test_several_header_lines_are_one_list() -> None:
    assert wait_of("respond-async, foo=bar", "wait=5", "wait=9") == 5


@given(st.text(alphabet='wait=5,;" \\x\t', max_size=40))
def test_no_header_makes_a_request_fail(header: str) -> None:
    found = read_preference(header, "wait")
    assert found is None or isinstance(found, str)


def test_a_long_header_is_parsed_quickly() -> None:
    began = time.process_time()
    for hostile in ('"' * 16_001, 'a="' + "\\" * 16_001, "a;" * 8000 + '"', 'a"b"' * 4000 + '"'):
        assert read_preference(hostile, "wait") is None
    assert time.process_time() - began < 0.5


def test_the_longest_wait_is_a_time() -> None:
    assert wait_of("wait=999999999") == timedelta(seconds=999_999_999).total_seconds()
