"""docs/limits.md matches the code."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from local.stack.supervisor import PROJECT

PAGE = (PROJECT / "docs" / "limits.md").read_text()
ROWS = re.findall(r"^\|[^|]+\| ([^|]+) \| (`[^|]+`) \|$", PAGE, re.MULTILINE)
NUMBERS = [(limit, place) for limit, places in ROWS for place in re.findall(r"`([^`]+)`", places)]
#: Modules whose constants are all limits, except those that only help to compute one.
LIMITS = ("lib.saga.state.limits", "lib.datastore.v1.limits", "local.datastore.encoding.validation")
NO_LIMITS = {"INT64"}
SIZES = {"KiB": 1024, "MiB": 1024**2}


def read(limit: str) -> float:
    """Return a number of the page: bytes, seconds, or how many."""
    number, _, unit = limit.partition(" ")
    lengths = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
    return float(number) * SIZES.get(unit, lengths.get(unit.removesuffix("s"), 1))


def look_up(place: str) -> float:
    """Return the value of `module:NAME.attribute` in the code, in the same units."""
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


@pytest.mark.parametrize(("limit", "place"), NUMBERS)
def test_every_limit_matches_the_code(limit: str, place: str) -> None:
    assert read(limit) == look_up(place)


def test_every_row_of_a_table_names_its_constant() -> None:
    assert len(ROWS) > 50
    assert len(ROWS) == PAGE.count("\n| ") - PAGE.count("| what |")


@pytest.mark.parametrize("module", LIMITS)
def test_no_limit_is_left_out(module: str) -> None:
    text = Path(str(import_module(module).__file__)).read_text()
    names = set(re.findall(r"^([A-Z][A-Z0-9_]+)\b.* = ", text, re.MULTILINE)) - NO_LIMITS
    assert names
    assert {f"{module}:{name}" for name in names} <= {place for _, place in NUMBERS}


def test_a_page_that_refreshes_asks_neither_a_function_nor_the_datastore() -> None:
    """Counts and sums take longer with more data, so no page may request them by itself."""
    code = [
        path
        for room in ("lib", "domain", "functions", "local")
        for path in (PROJECT / room).rglob("*")
    ]
    refreshing = [
        path
        for path in code
        if path.suffix in (".py", ".html", ".js")
        and re.search(r"setInterval|http-equiv=.?refresh|hx-trigger", path.read_text())
    ]
    assert refreshing
    for path in refreshing:
        room = PROJECT / Path(*path.relative_to(PROJECT).parts[:2])
        assert set(re.findall(r"fetch\((.+?)\)", path.read_text())) == {'"/"'}
        assert not _imported_by(room) & {"lib", "domain", "functions", "local.datastore"}, room


def _imported_by(room: Path) -> set[str]:
    """Return what a room's modules import, as `lib` or as `local.datastore`."""
    trees = [ast.parse(path.read_text()) for path in room.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    parts = [name.split(".") for name in names]
    return {each[0] for each in parts} | {".".join(each[:2]) for each in parts}
