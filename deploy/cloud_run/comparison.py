"""Whether a resource is as it was stated, though its API spells it in its own way."""

import re
from typing import Any

from deploy.table import bytes_of


def agrees(stated: Any, found: Any, name: str = "") -> bool:
    """Tell whether everything that was stated is found; what was not stated is the service's own.

    The API leaves out what is empty or false, and may spell a quantity or a duration otherwise.
    A list has to be the same in length too: a variable that somebody has added is a difference.
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
    """Return a list in the order of its items' names: of variables, the order means nothing."""
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
