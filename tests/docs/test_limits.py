"""docs/limits.md says what the code says."""

import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any, get_args

import msgspec
import pytest

from local.supervisor import PROJECT

PAGE = (PROJECT / "docs" / "limits.md").read_text()
ROWS = re.findall(r"^\|[^|]+\| ([^|]+) \| (`[^|]+`) \|$", PAGE, re.MULTILINE)
NUMBERS = [(told, place) for told, places in ROWS for place in re.findall(r"`([^`]+)`", places)]
SIZES = {"KiB": 1024, "MiB": 1024**2}


def read(told: str) -> float:
    """Return a number of the page: bytes, seconds, or how many."""
    number, _, unit = told.partition(" ")
    lengths = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
    return float(number) * SIZES.get(unit, lengths.get(unit.removesuffix("s"), 1))


def look_up(place: str) -> float:
    """Return what the code has at `module:NAME.attribute`, in the same units."""
    module, _, path = place.partition(":")
    found: Any = import_module(module)
    for name in path.split("."):
        found = getattr(next(_marks_of(found), found), name)
    return found.total_seconds() if isinstance(found, timedelta) else float(found)


def _marks_of(hint: Any) -> Iterator[msgspec.Meta]:
    """Yield what an annotation says of its type, if it is an annotation."""
    for each in get_args(hint):
        if isinstance(each, msgspec.Meta):
            yield each
        else:
            yield from _marks_of(each)


@pytest.mark.parametrize(("told", "place"), NUMBERS)
def test_a_limit_is_what_the_code_says(told: str, place: str) -> None:
    assert read(told) == look_up(place)


def test_every_row_of_a_table_names_its_constant() -> None:
    assert len(ROWS) > 50
    assert len(ROWS) == PAGE.count("\n| ") - PAGE.count("| what |")
