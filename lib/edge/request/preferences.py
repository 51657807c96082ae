"""The Prefer header (RFC 7240), of which only `wait` is supported."""

import re
from datetime import timedelta

import flask

#: Longer than anybody waits: a value with more digits counts as this.
_LONGEST = timedelta(seconds=999_999_999)

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
#: One element of a list, with its comma, which a quoted text may contain too.
_ELEMENT = re.compile(rf'(?P<text>(?:[^",]|{_QUOTED})*+)(?:,|\Z)')
_PREFERENCE = re.compile(
    rf"[ \t]*(?P<name>{_WORD})(?:[ \t]*=[ \t]*(?P<value>{_WORD}|{_QUOTED}))?[ \t]*(?:;.*)?",
    re.DOTALL,
)
_SECONDS = re.compile(r"0*(?P<digits>[0-9]+)", re.ASCII)


def read_wait(request: flask.Request) -> timedelta | None:
    """Return how long the caller prefers to wait; None without such a preference.

    As RFC 7240 says, the first `wait` in any of the header's lines counts, and what cannot be
    parsed is ignored: a preference never makes a request fail.
    """
    value = read_preference(request.headers.get("Prefer", ""), "wait")
    seconds = None if value is None else _SECONDS.fullmatch(value)
    if seconds is None:
        return None
    digits = seconds["digits"]
    return _LONGEST if len(digits) > 9 else timedelta(seconds=int(digits))


def read_preference(header: str, name: str) -> str | None:
    """Return the value of the first preference named `name` (in lower case); "" if it has none.

    Returns None if there is no such preference, or if an unterminated quoted text precedes it.
    """
    place = 0
    while place < len(header) and (element := _ELEMENT.match(header, place)):
        place = element.end()
        preference = _PREFERENCE.fullmatch(element["text"])
        if preference and preference["name"].lower() == name:
            return _unquote(preference["value"] or "")
    return None


def _unquote(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
