"""Compares a resource with its description; the API may format values differently."""

import re
from typing import Any

from deploy.table import bytes_of


def agrees(stated: Any, found: Any, name: str = "") -> bool:
    """Tell whether the resource has everything in the description; it may have more fields.

    The API leaves out empty and false values, and may format a quantity or a duration differently.
    Lists must have the same length: an additional variable is a difference.
    """
    if isinstance(stated, dict):
        return isinstance(found or {}, dict) and all(
            agrees(value, (found or {}).get(key), key) for key, value in stated.items()
        )
    if isinstance(stated, list):
        return len(stated) == len(found or []) and all(
            agrees(one, other) for one, other in zip(_sorted(stated), _sorted(found), strict=True)
        )
    if not stated and not found:
        return True
    return bool(_canonical(stated, name) == _canonical(found, name))


def _sorted(items: list[Any] | None) -> list[Any]:
    """Return a list sorted by its items' names, because the order of variables has no meaning."""
    return sorted(
        items or [],
        key=lambda item: str(item.get("name", "") if isinstance(item, dict) else item),
    )


def _canonical(value: Any, name: str) -> Any:
    text = str(value)
    if name == "cpu":
        return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
    if name == "memory" and re.fullmatch(r"\d+([KMG]i?)?", text):
        return bytes_of(text)
    if name == "timeout":
        return float(text.rstrip("s"))
    return value
