"""No regular expression of the project accepts trailing characters."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.stack.supervisor import PROJECT

#: The parser of `re`, because the parsed form shows what a pattern means.
sre_parse: Any = vars(re)["_parser"]
sre_constants: Any = vars(re)["_constants"]

#: Trailing characters that a careless pattern may accept, for example after pasting.
TAILS = ("\n", "\r", "\r\n", "\0", "\x85", "\u2028", " \n", "\n\n", "\u0663", "\ud800")

#: Patterns that search anywhere in a text, on purpose.
ANYWHERE = {r"\S"}


class Pattern(NamedTuple):
    where: str
    text: str
    flags: int
    is_constraint: bool


def find_patterns() -> Iterator[Pattern]:
    folders = ("lib", "domain", "functions", "local", "deploy")
    files = [PROJECT / "main.py", *(f for name in folders for f in (PROJECT / name).rglob("*.py"))]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield from _patterns_of(node, path)


def _patterns_of(call: ast.Call, path: Path) -> Iterator[Pattern]:
    where = f"{path.relative_to(PROJECT)}:{call.lineno}"
    for keyword in call.keywords:
        if keyword.arg == "pattern":
            yield Pattern(where, _literal(keyword.value), 0, is_constraint=True)
    name = ast.unparse(call.func)
    if name.startswith("re.") and call.args and name != "re.escape":
        words = " ".join(ast.unparse(each) for each in [*call.args[1:], *call.keywords])
        flags = sum(getattr(re, flag) for flag in set(re.findall(r"re\.([A-Z]+)\b", words)))
        yield Pattern(where, _literal(call.args[0]), flags, is_constraint=False)


def _literal(node: ast.expr) -> str:
    """Return a pattern's text, with one letter for each inserted value."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_literal(part) for part in node.values)
    value = node.value if isinstance(node, ast.Constant) else "x"
    return value.decode() if isinstance(value, bytes) else str(value)


PATTERNS = list(find_patterns())
CONSTRAINTS = sorted({each.text for each in PATTERNS if each.is_constraint} - ANYWHERE)


def test_the_patterns_are_found() -> None:
    assert len(PATTERNS) >= 30
    assert len(CONSTRAINTS) >= 6


def ends_in_dollar(parsed: Any) -> bool:
    """Return whether a parsed pattern has a `$`, which also matches before a last newline."""
    for operation, argument in parsed:
        if (operation, argument) == (sre_constants.AT, sre_constants.AT_END):
            return True
        nested = argument if isinstance(argument, list | tuple) else [argument]
        for each in nested:
            branches = each if isinstance(each, list) else [each]
            subpatterns = [b for b in branches if isinstance(b, sre_parse.SubPattern)]
            if any(ends_in_dollar(subpattern) for subpattern in subpatterns):
                return True
    return False


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.where)
def test_no_pattern_ends_before_a_last_newline(pattern: Pattern) -> None:
    if not pattern.flags & re.MULTILINE:
        assert not ends_in_dollar(sre_parse.parse(pattern.text, pattern.flags)), pattern.text


@pytest.mark.parametrize("text", CONSTRAINTS)
@settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_a_constraint_refuses_trailing_characters(text: str, data: st.DataObject) -> None:
    assert text.startswith("^"), "msgspec searches: a constraint says where it begins"
    good = data.draw(st.from_regex(text))
    assert re.search(text, good)
    for tail in TAILS:
        assert not re.search(text, good + tail), repr(good + tail)
        assert not re.search(text, tail + good), repr(tail + good)
