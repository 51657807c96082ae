"""Reads queues.yaml: each queue by its id, in the shape of the API's Queue resource.

Only what such a file needs of YAML is read: nested mappings by indentation, plain or quoted
scalars, comments. Nothing but Python is needed to do so.
"""

from pathlib import Path
from typing import Any


class BrokenQueuesFile(ValueError):
    """The file cannot be read as queues; the message names it and the place."""


def read_queue_settings(path: Path, copies: int = 1) -> dict[str, dict[str, Any]]:
    """Return the settings of each queue by its id, in the order of the file.

    With more copies than one, each queue `NAME` is followed by `NAME-2`, `NAME-3` and so on.
    """
    return {
        queue_id if copy == 1 else f"{queue_id}-{copy}": settings or {}
        for queue_id, settings in _read_mapping(path).items()
        for copy in range(1, copies + 1)
    }


def _read_mapping(path: Path) -> dict[str, Any]:
    root: dict[str, Any] = {}
    open_mappings: list[tuple[int, dict[str, Any]]] = [(-1, root)]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.split(" #")[0].rstrip()
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        indent = len(text) - len(text.lstrip(" "))
        key, colon, value = text.strip().partition(":")
        if not colon or key.startswith("-") or "\t" in text:
            raise BrokenQueuesFile(f"{path}: line {number}: expected `key: value` or `key:`")
        while indent <= open_mappings[-1][0]:
            open_mappings.pop()
        _put(open_mappings, indent, key.strip(), value.strip())
    return root


def _put(
    open_mappings: list[tuple[int, dict[str, Any]]], indent: int, key: str, value: str
) -> None:
    mapping = open_mappings[-1][1]
    if value:
        mapping[key] = _read_scalar(value)
        return
    mapping[key] = {}
    open_mappings.append((indent, mapping[key]))


def _read_scalar(text: str) -> object:
    if text[0] in "\"'" and text[-1] == text[0]:
        return text[1:-1]
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
