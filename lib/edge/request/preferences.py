"""The Prefer header (RFC 7240), as far as we know a preference: `wait`."""

import re
from datetime import timedelta

import flask

#: What is longer than anybody waits; more digits are not read.
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
    """Return how long the caller prefers to wait; None if it has no such preference.

    As RFC 7240 says, the first `wait` counts, on whichever line it stands, and what cannot be
    read is ignored: a preference never makes a request fail.
    """
    value = read_preference(request.headers.get("Prefer", ""), "wait")
    seconds = None if value is None else _SECONDS.fullmatch(value)
    if seconds is None:
        return None
    digits = seconds["digits"]
    return _LONGEST if len(digits) > 9 else timedelta(seconds=int(digits))


def read_preference(header: str, name: str) -> str | None:
    """Return the value of the first preference of a name, in lower case; "" if it has no value.

    Returns None if there is none, or if what stands before it is a quoted text without an end.
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
