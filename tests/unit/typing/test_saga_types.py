"""What `mypy --strict` finds in an author's saga, and what it accepts without annotations.

One run of mypy looks at all cases. It follows no imports out of lib/saga's declarations, which
takes about a second; `make lint` has it look at everything else.
"""

from pathlib import Path

import pytest
from mypy import api

from tests.docs.pages import PROJECT, find_blocks

HEADER = """
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypedDict, assert_type

from lib.saga import Child, HttpCall, Parallel, Saga, Signal, Step, StepContext, Timer
from lib.saga.definition.element import Element

@dataclass
class Order:
    total: int

@dataclass
class Trip:
    city: str

@dataclass
class Receipt:
    number: int

class Outputs(TypedDict):
    charge: Receipt

def pay(order: Order, context: StepContext) -> int:
    return order.total

def refund(order: Order, context: StepContext) -> None: ...
def book(trip: Trip, context: StepContext) -> None: ...
def notify(payload: object, context: StepContext) -> None: ...
def is_far(trip: Trip, outputs: Mapping[str, Any]) -> bool: return True
def trip_of(order: Order, outputs: Mapping[str, Any]) -> Trip: return Trip("")

WEEK = timedelta(days=7)
PAY = Step("pay", execute=pay, compensate=refund)
BOOK_TRIP = Saga("trip", Trip, [Step("book", execute=book)])
"""

FOR_ORDER = 'Cannot infer value of type parameter "P" of "Saga"'
NO_FIELD = '"Order" has no attribute "totl"'

#: Wrong code by the fault in its last line, and a part of mypy's message about that line.
WRONG = {
    "a step of another payload": (
        "Saga('a', Order, [Step('book', execute=book)])",
        FOR_ORDER,
    ),
    "a step of another payload beside a right one": (
        "Saga('a', Order, (PAY, Step('book', execute=book)))",
        FOR_ORDER,
    ),
    "a step of another payload in a group": (
        "Saga('a', Order, [Parallel(PAY, Step('book', execute=book))])",
        FOR_ORDER,
    ),
    "a step of another payload in a saga that says its own": (
        "Saga[Order]('a', Order, [Step('book', execute=book)])",
        'Argument "execute" to "Step" has incompatible type',
    ),
    "a step that is declared before": ("Saga('a', Trip, [PAY])", FOR_ORDER),
    "a step that is declared before, with its name": (
        "step: Step[Trip] = PAY",
        'has type "Step[Order]", variable has type "Step[Trip]"',
    ),
    "a compensation of another payload": (
        "Saga('a', Order, [Step('a', execute=pay, compensate=book)])",
        FOR_ORDER,
    ),
    "a condition of another payload": (
        "Saga('a', Order, [Step('a', execute=pay, when=is_far)])",
        FOR_ORDER,
    ),
    "a condition of a signal, of another payload": (
        "Saga('a', Order, [PAY, Signal('go', when=is_far)])",
        'Argument "when" to "Signal" has incompatible type',
    ),
    "a typo in a step's condition": (
        "Saga('a', Order, [Step('a', execute=pay, when=lambda order, _: order.totl > 1)])",
        NO_FIELD,
    ),
    "a typo in the condition of a step on its own": (
        "Step('a', execute=pay, when=lambda order, _: order.totl > 1)",
        NO_FIELD,
    ),
    "a typo in a timer's condition": (
        "Saga('a', Order, [PAY, Timer('t', after=WEEK, when=lambda order, _: order.totl > 1)])",
        NO_FIELD,
    ),
    "a typo in a condition in a group": (
        "Saga('a', Order, [Parallel(PAY, Signal('s', when=lambda o, _: o.totl > 1))])",
        NO_FIELD,
    ),
    "a typo in a step that is a lambda": (
        "Saga('a', Order, [PAY, Step('b', execute=lambda order, _: order.totl)])",
        NO_FIELD,
    ),
    "a typo in a child's payload": (
        "Saga('a', Order, [Child('c', saga=BOOK_TRIP, payload=lambda o, _: Trip(str(o.totl)))])",
        NO_FIELD,
    ),
    "a child's payload of another type": (
        "Saga('a', Order, [Child('c', saga=BOOK_TRIP, payload=lambda order, _: order)])",
        FOR_ORDER,
    ),
    "an unknown output": (
        "def ship(_: Order, context: StepContext[Outputs]) -> int:\n"
        "    return context.outputs['chrage'].number",
        'TypedDict "Outputs" has no key "chrage"',
    ),
    "a typo in an output": (
        "def ship(_: Order, context: StepContext[Outputs]) -> int:\n"
        "    return context.outputs['charge'].numbr",
        '"Receipt" has no attribute "numbr"',
    ),
    "an unknown output in a condition": (
        "def is_paid(_: Order, outputs: Outputs) -> bool:\n    return 'x' in outputs['chrage']",
        'TypedDict "Outputs" has no key "chrage"',
    ),
    "a misspelt parameter": ("Step('a', execute=pay, compensat=refund)", "Unexpected keyword"),
    "seconds for a timedelta": ("Step('a', execute=pay, timeout=30)", 'expected "timedelta"'),
    "a result of a condition": (
        "Saga('a', Order, [Step('a', execute=pay, when=lambda order, _: order.total)])",
        'got "int", expected "bool"',
    ),
}

#: Right code, and the type of its last line.
RIGHT = {
    "a saga with no annotation": (
        "Saga('a', Order, [Step('pay', execute=pay, compensate=refund)])",
        "Saga[Order]",
    ),
    "a saga of every kind of part": (
        "Saga('a', payload=Order, steps=(\n"
        "    PAY, Parallel(PAY, Step('n', execute=notify), Timer('t', after=WEEK)),\n"
        "    Signal('go', within=WEEK, when=lambda order, outputs: order.total > 1),\n"
        "    Child('c', saga=BOOK_TRIP, payload=trip_of),\n"
        "    Child('d', saga=BOOK_TRIP, payload=lambda order, _: Trip(str(order.total))),\n"
        "    Step('e', execute=lambda order, context: order.total),\n"
        "    Step('h', execute=HttpCall('https://pay.example'))))",
        "Saga[Order]",
    ),
    "a step on its own": ("PAY", "Step[Order]"),
    "a timer on its own": ("Timer('t', after=WEEK)", "Timer[object]"),
    "a step of any payload": ("Step('n', execute=notify)", "Step[object]"),
    "a call": ("Step('h', execute=HttpCall('https://pay.example'))", "Step[object]"),
    "a lambda that says its payload": (
        "Step[Order]('b', execute=lambda order, context: order.total)",
        "Step[Order]",
    ),
    "a saga of parts in a list": (
        "parts: list[Element[Order]] = [PAY, Timer('t', after=WEEK)]\nSaga('a', Order, parts)",
        "Saga[Order]",
    ),
    "a saga of a dict": (
        "Saga('a', dict[str, int], [Step('n', execute=notify)])",
        "Saga[dict[str, int]]",
    ),
    "a step that names its outputs": (
        "def ship(_: Order, context: StepContext[Outputs]) -> int:\n"
        "    return context.outputs['charge'].number\n"
        "def is_paid(_: Order, outputs: Outputs) -> bool: return True\n"
        "Step('ship', execute=ship, when=is_paid)",
        "Step[Order]",
    ),
    "outputs of a mapping": (
        "def ship(_: Order, context: StepContext) -> int:\n"
        "    return int(context.outputs['charge'])\n"
        "Step('ship', execute=ship)",
        "Step[Order]",
    ),
}

PAGES = ["README.md", "docs/sagas.md"]

SETTINGS = """
[mypy]
strict = true
python_version = 3.11
follow_imports = skip
disallow_subclassing_any = false
disallow_untyped_decorators = false
warn_return_any = false
[mypy-domain.*]
ignore_missing_imports = true
[mypy-msgspec.*]
follow_imports = silent
"""


def expect(code: str, kind: str) -> str:
    """Make mypy check the last statement against a type."""
    lines = code.split("\n")
    start = max(at for at, line in enumerate(lines) if line[0] not in " )")
    last = "\n".join(lines[start:])
    return "\n".join([*lines[:start], f"assert_type({last}, {kind})"])


def read_sagas(page: str) -> str:
    """Return the code of a page as one module; of the README, its sagas alone."""
    blocks = [block.code for block in find_blocks(page) if block.language == "python"]
    return "\n".join(block for block in blocks if page != "README.md" or "Saga(" in block)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """mypy's messages by case; each case is a separate file."""
    folder = tmp_path_factory.mktemp("typing")
    wrong = {what: code for what, (code, _) in WRONG.items()}
    right = {what: expect(*case) for what, case in RIGHT.items()}
    cases = {what: f"{HEADER}\n{code}\n" for what, code in (wrong | right).items()}
    cases |= {page: read_sagas(page) for page in PAGES}
    files: dict[Path, str] = {}
    for number, (what, code) in enumerate(cases.items()):
        path = folder / f"case_{number}.py"
        path.write_text(code)
        files[path] = what
    return run_mypy(folder, files)


def run_mypy(folder: Path, files: dict[Path, str]) -> dict[str, str]:
    """Return mypy's messages about files, by case."""
    (folder / "mypy.ini").write_text(SETTINGS)
    lib = PROJECT / "lib" / "saga"
    listed = [lib / "__init__.py", lib / "definition", lib / "remote" / "http_call.py", *files]
    options = ["--config-file", folder / "mypy.ini", "--cache-dir", folder / "cache"]
    output, problem, _ = api.run([*map(str, options), *map(str, listed)])
    assert not problem
    found = dict.fromkeys(files.values(), "")
    for line in output.splitlines():
        path, _, words = line.partition(":")
        if Path(path) in files:
            found[files[Path(path)]] += f"{words}\n"
    return found


@pytest.mark.parametrize("what", WRONG)
def test_mypy_finds(said: dict[str, str], what: str) -> None:
    code, words = WRONG[what]
    last = HEADER.count("\n") + code.count("\n") + 2
    errors = [line for line in said[what].splitlines() if "error:" in line]
    assert errors
    assert all(error.startswith(f"{last}: ") for error in errors), errors
    assert words in said[what]


@pytest.mark.parametrize("what", RIGHT)
def test_mypy_infers_without_annotations(said: dict[str, str], what: str) -> None:
    assert said[what] == ""


@pytest.mark.parametrize("page", PAGES)
def test_the_sagas_of_the_documentation_pass(said: dict[str, str], page: str) -> None:
    assert said[page] == ""
