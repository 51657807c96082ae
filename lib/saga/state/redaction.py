"""Removes what a type marks as `Secret` from views, logs and errors."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from lib.json.exact_numbers import is_too_deep
from lib.saga.definition.types.secret import REDACTED, separate

#: A shorter secret is removed only where it stands alone: "Ann" in "Ann has none", but not in
#: "cannot". There it reveals nothing, whereas "c[redacted]ot" would reveal it.
MIN_PART = 5

#: An escape of JSON, Python or a URL at the end of a text: its last letter belongs to no word.
_ESCAPE = re.compile(r"(\\[a-z]|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|%[0-9a-f]{2})\Z")


def conceal(payload: Any, kind: Any) -> Any:
    """Return a payload as plain JSON, with "[redacted]" in place of secrets.

    `payload` is plain JSON or a value of `kind`; if it does not fit `kind`, all of it is secret.
    """
    return separate(payload, kind).shown


def redact(text: str, payload: Any, kind: Any) -> str:
    """Return a text with "[redacted]" in place of any secret of the payload that it quotes.

    `payload` is plain JSON or a value of `kind`; see `Redactor`.
    """
    return Redactor(separate(payload, kind).secrets).clean_text(text)


class Redactor:
    """Removes secrets from texts and values that quote them.

    Strings and numbers are found in any case, plain or as written in JSON, Python, HTML or a URL.
    Booleans and null are not searched for.
    """

    def __init__(self, secrets: Iterable[Any]) -> None:
        self._forms = {_fold(form) for secret in secrets for form in _forms_of(secret)}

    def clean_text(self, text: str) -> str:
        """Return a text without secrets. Truncate it afterwards: half a secret is not found."""
        pieces = text.split(REDACTED)
        return REDACTED.join(_redact_piece(piece, self._forms) for piece in pieces)

    def clean_value(self, value: Any) -> Any:
        """Return plain JSON without secrets; "[redacted]" if it nests deeper than MAX_NESTING."""
        if not self._forms:
            return value
        return REDACTED if is_too_deep(value) else self._clean(value)

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.clean_text(value)
        if isinstance(value, dict):
            return {self.clean_text(name): self._clean(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._clean(each) for each in value]
        if value is None or isinstance(value, bool):
            return value
        return value if self.clean_text(str(value)) == str(value) else REDACTED


def _redact_piece(text: str, forms: set[str]) -> str:
    folded = _fold(text)
    spans = sorted(span for form in forms for span in _find(form, folded))
    pieces, end = [], 0
    for start, stop in spans:
        if start >= end:
            pieces += [text[end:start], REDACTED]
        end = max(end, stop)
    return "".join([*pieces, text[end:]])


def _forms_of(secret: Any) -> Iterator[str]:
    """Yield the forms in which a text may contain a secret."""
    if isinstance(secret, str):
        yield from (form for form in _forms_of_text(secret) if _identifies(form))
    elif isinstance(secret, int | float) and not isinstance(secret, bool):
        yield from (str(secret), f"{secret:,}")
        yield str(secret).removesuffix(".0")


def _forms_of_text(text: str) -> Iterator[str]:
    yield text
    yield text.strip()
    escaped = json.dumps(text)[1:-1]
    yield escaped
    yield escaped.replace("/", "\\/")
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    # Inside a longer literal, Python may escape a quote that it leaves as it is in this one.
    for written in (repr(text)[1:-1], ascii(text)[1:-1]):
        yield written
        yield written.replace("'", "\\'")
    yield html.escape(text)
    yield quote(text, errors="replace")
    yield quote(text, safe="", errors="replace")
    yield quote_plus(text, errors="replace")


def _identifies(form: str) -> bool:
    """Return whether a form can identify a secret: punctuation alone cannot."""
    return len(form) >= MIN_PART or any(each.isalnum() for each in form)


def _find(form: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans where a form occurs in a text; both are folded."""
    start = text.find(form)
    while start >= 0:
        stop = start + len(form)
        if len(form) >= MIN_PART or not form.isascii() or _stands_alone(text, start, stop):
            yield start, stop
        start = text.find(form, start + 1)


def _stands_alone(text: str, start: int, stop: int) -> bool:
    before, after = text[max(0, start - 6) : start], text[stop : stop + 1]
    joined_before = _are_joined(before[-1:], text[start]) and not _ESCAPE.search(before)
    return not joined_before and not _are_joined(text[stop - 1], after)


def _are_joined(left: str, right: str) -> bool:
    """Return whether two characters belong to one word or to one number."""
    return (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())


def _fold(text: str) -> str:
    """Return a text in lower case, character by character, so that it keeps its length."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := each.lower()) == 1 else each for each in text)
