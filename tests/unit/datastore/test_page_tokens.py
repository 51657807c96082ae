"""Page tokens that are truncated, altered or of another query are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.datastore.read.page_tokens import make_token, open_token
from lib.errors import Malformed

DIGEST = b"0123456789ab"
BROKEN = "not a page token|broken, or of another query"


@given(st.binary(min_size=1, max_size=80))
def test_a_token_opens_to_its_cursor(cursor: bytes) -> None:
    assert open_token(make_token(cursor, DIGEST), DIGEST) == cursor


@pytest.mark.parametrize("cursor", [b"\0", b"c" * 5, bytes(range(60))])
def test_a_truncated_token_is_refused_wherever_it_is_cut(cursor: bytes) -> None:
    token = make_token(cursor, DIGEST)
    for end in range(len(token)):
        with pytest.raises(Malformed, match=BROKEN):
            open_token(token[:end], DIGEST)


def test_a_token_with_any_character_changed_is_refused() -> None:
    token = make_token(bytes(range(20)), DIGEST)
    for place, old in enumerate(token):
        for new in ("A", "B", "_", "=", "+", "\n", " ", "é"):
            if new != old:
                with pytest.raises(Malformed, match=BROKEN):
                    open_token(token[:place] + new + token[place + 1 :], DIGEST)


@pytest.mark.parametrize("tail", ["A", "=", "==", "\n", " ", "AAAA", "%", "\0", "."])
def test_a_token_with_something_appended_is_refused(tail: str) -> None:
    token = make_token(b"cursor", DIGEST)
    for pasted in (token + tail, tail + token):
        with pytest.raises(Malformed, match=BROKEN):
            open_token(pasted, DIGEST)


def test_a_token_of_another_query_is_refused() -> None:
    with pytest.raises(Malformed, match=BROKEN):
        open_token(make_token(b"cursor", DIGEST), b"another-one!")


def test_a_cursor_sealed_for_one_query_does_not_work_for_another() -> None:
    ours, theirs = make_token(b"cursor", DIGEST), make_token(b"other", DIGEST)
    with pytest.raises(Malformed, match=BROKEN):
        open_token(ours[:16] + theirs[16:], DIGEST)
