"""The source of the machine is total, typed and pure."""

import ast
from pathlib import Path

import pytest

import lib.saga.machine

ROOM = Path(lib.saga.machine.__file__).parent
TREES = {path: ast.parse(path.read_text()) for path in sorted(ROOM.rglob("*.py"))}
MATCHES = [
    pytest.param(node, id=f"{path.stem}:{node.lineno}")
    for path, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.Match)
]

#: Modules that read a clock, use randomness, or do I/O.
IMPURE = {"time", "random", "secrets", "uuid", "os", "socket", "threading", "subprocess", "io"}


@pytest.mark.parametrize("node", MATCHES)
def test_every_match_ends_in_assert_never(node: ast.Match) -> None:
    last = node.cases[-1]
    assert ast.unparse(last.pattern) == "_"
    assert last.guard is None
    assert ast.unparse(last.body[-1]) == f"assert_never({ast.unparse(node.subject)})"


def test_the_machine_has_matches_to_check() -> None:
    assert len(MATCHES) >= 6


@pytest.mark.parametrize("path", TREES, ids=lambda path: path.stem)
def test_no_module_of_the_machine_names_any(path: Path) -> None:
    names = [node.id for node in ast.walk(TREES[path]) if isinstance(node, ast.Name)]
    imported = [
        alias.name
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert "Any" not in {*names, *imported}
    assert "type: ignore" not in path.read_text()


@pytest.mark.parametrize("path", TREES, ids=lambda path: path.stem)
def test_no_module_of_the_machine_reads_a_clock_or_does_io(path: Path) -> None:
    modules = [
        name
        for node in ast.walk(TREES[path])
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    ]
    assert not IMPURE & {name.partition(".")[0] for name in modules}
    calls = {ast.unparse(n.func) for n in ast.walk(TREES[path]) if isinstance(n, ast.Call)}
    assert not {"datetime.now", "datetime.utcnow", "open", "print"} & calls
