"""docs/develop.md lists exactly the environment variables that the code reads."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

from deploy.settings import Settings
from tests.docs.pages import PAGES, PROJECT

PAGE = PAGES["docs/develop.md"].split("## Environment variables")[1]
LISTED = set(re.findall(r"^\| `([A-Z_*]+)` \|", PAGE, re.MULTILINE))
CODE = ("main.py", "lib", "local", "project_files", "deploy", "functions", "domain")
NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*(_\*)?")
#: The variables of functions-framework that we set.
SERVER = ("THREADS", "WORKERS")
#: Names of mappings of variables in the code.
MAPPING = re.compile(r"(.*\.)?(environ|env|environment)")
GETTERS = re.compile(r"(.*\.)?(environ|env|environment)\.(get|pop|setdefault)|env|(.*\.)?getenv")


def find_files(*roots: str) -> list[Path]:
    paths = [PROJECT / root for root in roots]
    return [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))]


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def find_constants() -> dict[str, str]:
    """Return the text constants of modules, by which others read variables."""
    return {
        target.id: node.value.value
        for path in find_files(*CODE)
        for node in parse(path).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }


CONSTANTS = find_constants()


def name_of(node: ast.expr) -> str:
    """Return the variable that an expression names; "" if it is computed at run time."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return CONSTANTS.get(node.id, "")
    if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        return f"{ast.literal_eval(node.values[0])}*"
    return ""


def find_reads(tree: ast.Module) -> Iterator[str]:
    """Yield the variables that a module reads, and those that it sets for its processes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and GETTERS.fullmatch(ast.unparse(node.func)):
            yield name_of(node.args[0])
        elif isinstance(node, ast.Subscript) and MAPPING.fullmatch(ast.unparse(node.value)):
            yield name_of(node.slice)
        elif isinstance(node, ast.Dict) and is_environment(node):
            yield from (name_of(key) for key in node.keys if key is not None)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotEq):
            yield name_of(node.comparators[0]) if "environ" in ast.unparse(node.left) else ""


def is_environment(node: ast.Dict) -> bool:
    """Return whether a dict is passed to a process: one of its keys is a variable of ours."""
    keys = [name_of(key) for key in node.keys if key is not None]
    spread = [ast.unparse(v) for k, v in zip(node.keys, node.values, strict=True) if k is None]
    ours = any(key.startswith("AMENDS_") or key in SERVER for key in keys)
    return "os.environ" in spread or ours


@cache
def find_variables(*roots: str) -> set[str]:
    names = {name for path in find_files(*roots) for name in find_reads(parse(path))}
    return {name for name in names if NAME.fullmatch(name)}


def test_every_variable_that_the_code_reads_is_listed() -> None:
    found = find_variables(*CODE)
    assert {"AMENDS_BASE_URL", "K_SERVICE", "OTEL_EXPORTER_OTLP_TIMEOUT", "THREADS"} <= found
    assert found - LISTED == set()


def test_every_setting_of_a_deployment_is_listed() -> None:
    assert {field.name.upper() for field in fields(Settings)} - LISTED == set()


def test_every_listed_variable_is_read_somewhere() -> None:
    settings = {field.name.upper() for field in fields(Settings)}
    image = set(re.findall(r"([A-Z_]+)=\S", (PROJECT / "Dockerfile").read_text()))
    assert LISTED - settings - image - find_variables(*CODE, "tests") - {"PYTHONPATH"} == set()


def test_every_variable_of_the_demo_and_the_benchmarks_is_named() -> None:
    found = find_variables("demo", "benchmarks") - {"PATH"}
    assert "RESTATE_SERVER" in found
    named = {re.sub("^PEER_.*", "PEER_*", name) for name in found}
    assert named - set(re.findall(r"`([A-Z_*]+)`", PAGE)) == set()
