"""Each test that expects an error also checks the reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

#: Exceptions that tests raise themselves, without a text: the class is enough.
OWN = {"Killed", "ZeroDivisionError"}


def find_raises(tree: ast.Module) -> Iterator[tuple[ast.withitem, ast.Call]]:
    """Yield each `with pytest.raises(...)` and `with refuses(...)`."""
    for node in ast.walk(tree):
        for item in node.items if isinstance(node, ast.With) else ():
            call = item.context_expr
            if isinstance(call, ast.Call) and ast.unparse(call.func) in (
                "pytest.raises",
                "refuses",
            ):
                yield item, call


def states_reason(item: ast.withitem, call: ast.Call) -> bool:
    """Return whether the reason is matched, or the error is kept to be checked."""
    named = any(keyword.arg in ("match", "reason") for keyword in call.keywords)
    return named or len(call.args) > 1 or item.optional_vars is not None


def test_every_expected_error_in_a_test_has_a_match() -> None:
    bare = [
        f"{path.relative_to(TESTS)}:{call.lineno}"
        for path in sorted(TESTS.rglob("*.py"))
        for item, call in find_raises(ast.parse(path.read_text()))
        if not states_reason(item, call) and ast.unparse(call.args[0]) not in OWN
    ]
    assert bare == []


def test_an_expected_error_without_a_match_is_found() -> None:
    tree = ast.parse(
        "with pytest.raises(ValueError):\n    f()\nwith refuses(CODE, 'why'):\n    g()"
    )
    assert [states_reason(*found) for found in find_raises(tree)] == [False, True]
