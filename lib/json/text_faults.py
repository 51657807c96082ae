"""Faults of a JSON text, whatever its type: a repeated member, an unpaired surrogate.

msgspec silently takes the last of two members with the same name. In `{"units":1,"units":9}` a
proxy may have checked the first.
"""

import json
from collections.abc import Iterator
from typing import Any

from lib.errors import FieldError, Path

#: How much of an unknown name is quoted.
MAX_NAME = 100


class _Repeated(Exception):
    """An object has two members with the same name."""


class _Members(list[tuple[str, Any]]):
    """All members of an object, including repeated ones."""


def find_repeated(raw: bytes) -> FieldError | None:
    """Return the first member that its object repeats; None if there is none."""
    try:
        json.loads(raw, object_pairs_hook=_check_members, parse_int=_skip, parse_float=_skip)
    except _Repeated:
        return next((each for each in _walk(raw) if each.detail.startswith("is repeated")), None)
    except (ValueError, RecursionError):
        return None
    return None


def find_half_character(raw: bytes) -> FieldError | None:
    """Return the first text with an unpaired surrogate, which UTF-8 cannot encode."""
    try:
        return next(
            (each for each in _walk(raw) if each.detail.startswith("has an unpaired")), None
        )
    except (ValueError, RecursionError):
        return None


def _check_members(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) != len(members):
        raise _Repeated


def _skip(_: str) -> None:
    """Ignore a number: Python refuses to convert very long ones."""


def _walk(raw: bytes) -> Iterator[FieldError]:
    """Yield what is wrong with the names and texts of a JSON text, in order."""
    parsed = json.loads(raw, object_pairs_hook=_Members, parse_int=_skip, parse_float=_skip)
    ahead: list[tuple[Path, Any]] = [((), parsed)]
    while ahead:
        path, node = ahead.pop()
        if isinstance(node, str) and not _is_text(node):
            yield FieldError(path, "has an unpaired surrogate: not text")
        elif isinstance(node, _Members):
            yield from _faults_of_names(node, path)
            ahead += [((*path, _shown(name)), each) for name, each in reversed(node)]
        elif isinstance(node, list):
            ahead += [((*path, index), each) for index, each in reversed([*enumerate(node)])]


def _faults_of_names(members: _Members, path: Path) -> Iterator[FieldError]:
    seen = set()
    for name, _ in members:
        if name in seen:
            yield FieldError((*path, _shown(name)), "is repeated in its object")
        if not _is_text(name):
            yield FieldError((*path, _shown(name)), "has an unpaired surrogate: not text")
        seen.add(name)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    return name[:MAX_NAME].encode(errors="replace").decode()
