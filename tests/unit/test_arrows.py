"""Which package may import which: any import that is not in this table is refused.

A room is a folder or a module that the table names; a module belongs to the longest name that fits
it. Imports count wherever they stand: in a function and under TYPE_CHECKING too.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from local.stack.supervisor import PROJECT

#: What every package of lib may import.
BASE = {"lib.errors", "lib.config"}
_JSON = {"lib.json", *BASE}
_TIMING = {"lib.timing", *BASE}
_OBSERVABILITY = {"lib.observability", *BASE}
_BELOW = _JSON | _TIMING | _OBSERVABILITY
_AUTHOR = "lib.saga.author_code"
_DEFINITION = "lib.saga.definition"
_STATE = "lib.saga.state"
_BARRIER = "lib.saga.barrier"

_CALLS = "lib.rpc"
_V1 = "lib.datastore.v1"
_RPC = "lib.datastore.rpc"
_MODEL = "lib.datastore.model"
_KEYS = "lib.datastore.keys"
_MAPPING = "lib.datastore.mapping"
_READ = "lib.datastore.read"
_WRITE = "lib.datastore.write"
_TRANSACTION = "lib.datastore.transaction"
_STORE = "lib.datastore.store"

_MACHINE = "lib.saga.machine"
_EXECUTION = "lib.saga.engine.execution"
_ENGINE = "lib.saga.engine"

_MEMORY = "lib.saga.testing.memory"
_RUNS = "lib.saga.testing.simulation"

#: The public module of the data layer; its other modules are internal.
_DATA = {"lib.datastore", "lib.datastore.ids"}

#: What the simulation may import.
_TESTED = {
    _AUTHOR,
    _DEFINITION,
    _BARRIER,
    _STATE,
    _MACHINE,
    _ENGINE,
    "lib.saga.engine.sweep",
    "lib.saga.remote",
    _MEMORY,
    *_DATA,
    *_BELOW,
}

_TABLE = "deploy.table"
_CLOUD = "deploy.cloud"
_STORES = "deploy.stores"
_CLOUD_RUN = "deploy.cloud_run"
_ROLLOUT = "deploy.rollout"
_OBSERVED = "deploy.observability"
_PROJECT = "deploy.project"
_DEPLOYED = {"deploy.settings", _TABLE}

#: What each package may import, from the bottom up.
ARROWS: dict[str, set[str]] = {
    "lib.errors": set(),
    "lib.config": set(),
    "lib.json": BASE,
    "lib.timing": BASE,
    "lib.observability": BASE,
    _CALLS: BASE,
    "lib.edge.caller": {"lib.observability", *BASE},
    "lib.edge.request": {"lib.json", *BASE},
    "lib.edge.response": {"lib.edge.caller", "lib.observability", *BASE},
    "lib.edge": {"lib.edge.*", *_BELOW},
    _V1: {_CALLS, *BASE},
    _RPC: {_CALLS, _V1, *_TIMING},
    _MODEL: {_V1, *_JSON},
    _KEYS: {_V1, _MODEL, *BASE},
    _MAPPING: {_V1, _MODEL, _KEYS, *BASE},
    _READ: {_V1, _RPC, _MODEL, _KEYS, _MAPPING, *_TIMING, *_OBSERVABILITY},
    _WRITE: {_CALLS, _V1, _RPC, _KEYS, _MAPPING, _READ, *_TIMING},
    _TRANSACTION: {_CALLS, _RPC, _MODEL, _KEYS, _MAPPING, _READ, _WRITE, *_TIMING},
    _STORE: {_RPC, _KEYS, _MAPPING, _READ, _WRITE, _TRANSACTION, *BASE},
    "lib.datastore.ids": set(),
    "lib.datastore": {
        _STORE,
        _RPC,
        _MODEL,
        _KEYS,
        _MAPPING,
        _READ,
        _WRITE,
        _TRANSACTION,
        "lib.timing",
    },
    _AUTHOR: {*_OBSERVABILITY, *BASE},
    _DEFINITION: {_AUTHOR, *_DATA, *_BELOW},
    _MACHINE: {_DEFINITION, _STATE, _AUTHOR, *_BELOW},
    _STATE: {_DEFINITION, _AUTHOR, *_DATA, *_BELOW},
    _BARRIER: {_DEFINITION, _AUTHOR, *_DATA, *_BELOW},
    _EXECUTION: {_BARRIER, _AUTHOR, _DEFINITION, _STATE, _MACHINE, *_BELOW},
    _ENGINE: {_CALLS, _DEFINITION, _AUTHOR, _STATE, _MACHINE, _EXECUTION, *_DATA, *_BELOW},
    "lib.saga.engine.sweep": {
        _BARRIER,
        _DEFINITION,
        _STATE,
        _MACHINE,
        _EXECUTION,
        _ENGINE,
        *_DATA,
        *_BELOW,
    },
    "lib.saga.remote": {_DEFINITION, _AUTHOR, _STATE, *_BELOW},
    # The public module: everything that an author needs.
    "lib.saga": {_DEFINITION, _BARRIER, "lib.saga.remote"},
    "lib.saga.operators": {
        _BARRIER,
        _DEFINITION,
        _STATE,
        _MACHINE,
        _ENGINE,
        _EXECUTION,
        *_DATA,
        *_BELOW,
    },
    # Its store takes the place of Datastore below the face.
    _MEMORY: {_STATE, _ENGINE, "lib.saga.remote", _DEFINITION, "lib.datastore.*", *_BELOW},
    f"{_RUNS}.faults": set(),
    f"{_RUNS}.setting": _TESTED,
    f"{_RUNS}.state": {f"{_RUNS}.faults", *_TESTED},
    f"{_RUNS}.processes": {f"{_RUNS}.state", f"{_RUNS}.faults", f"{_RUNS}.setting", *_TESTED},
    f"{_RUNS}.services": {
        f"{_ENGINE}.execution",
        f"{_RUNS}.processes",
        f"{_RUNS}.state",
        f"{_RUNS}.faults",
        *_TESTED,
    },
    f"{_RUNS}.environment": {
        f"{_RUNS}.services",
        f"{_RUNS}.processes",
        f"{_RUNS}.state",
        f"{_RUNS}.faults",
        f"{_RUNS}.setting",
        *_TESTED,
    },
    f"{_RUNS}.events": {
        f"{_RUNS}.environment",
        f"{_RUNS}.processes",
        f"{_RUNS}.state",
        f"{_RUNS}.faults",
        f"{_RUNS}.setting",
        *_TESTED,
    },
    _RUNS: {f"{_RUNS}.*", *_BELOW},
    "lib.saga.testing": {"lib.saga.*", "lib.datastore.*", *_BELOW},
    "domain": {"lib.saga.*", *_DATA, *_BELOW},
    "functions": {"domain", "lib.saga.*", "lib.edge.*", *_DATA, *_BELOW},
    "main": set(),
    "project_files": set(),
    "local": {"project_files"},
    "deploy.settings": set(),
    _CLOUD: {"lib.timing"},
    _TABLE: {"main", "deploy.settings"},
    _STORES: {"project_files", _CLOUD, "deploy.settings"},
    _CLOUD_RUN: {"main", _STORES, _CLOUD, *_DEPLOYED},
    _ROLLOUT: {"main", "domain", "lib.saga.*", _CLOUD_RUN, _CLOUD, *_DEPLOYED},
    _OBSERVED: {_CLOUD_RUN, _CLOUD, *_DEPLOYED},
    _PROJECT: {_OBSERVED, _CLOUD_RUN, _STORES, _CLOUD, *_DEPLOYED},
    "deploy.saga_check": {"functions", "domain", "lib.*"},
    # Operators' verbs.
    "deploy": {"deploy.*"},
    "demo": {"domain", "local", "lib.datastore"},
    "model": set(),
    "benchmarks": {"main", "functions", "domain", "demo", "local", "lib.*"},
}


class Import(NamedTuple):
    """One import of a module of this project."""

    place: str
    importer: str
    imported: str


def find_modules() -> dict[str, Path]:
    """Return the project's modules, without its tests, by name."""
    roots = [PROJECT / name for name in {name.split(".")[0] for name in ARROWS}]
    files = [root.with_suffix(".py") for root in roots]
    files += [file for root in roots for file in root.rglob("*.py")]
    parts = {file: file.relative_to(PROJECT).with_suffix("").parts for file in files}
    return {
        ".".join(part for part in names if part != "__init__"): file
        for file, names in parts.items()
        if file.is_file()
    }


MODULES = find_modules()


def room_of(module: str) -> str | None:
    """Return the room that a module is in: the longest name of the table that fits it."""
    fitting = [room for room in ARROWS if module == room or module.startswith(f"{room}.")]
    return max(fitting, key=len, default=None)


def find_imports(module: str) -> Iterator[Import]:
    path = MODULES[module]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write the whole name of what you import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name if name in MODULES else str(node.module) for name in names]
        elif isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        else:
            continue
        place = f"{path.relative_to(PROJECT)}:{node.lineno}"
        yield from (Import(place, module, name) for name in found if name in MODULES)


def is_allowed(room: str, other: str) -> bool:
    allowed = ARROWS[room]
    wide = [name.removesuffix(".*") for name in allowed if name.endswith(".*")]
    return other in allowed or any(other == name or other.startswith(f"{name}.") for name in wide)


def between_rooms() -> Iterator[tuple[Import, str, str]]:
    for module in MODULES:
        for each in find_imports(module):
            room, other = room_of(each.importer), room_of(each.imported)
            if room and other and room != other:
                yield each, room, other


def test_every_module_is_in_a_room_of_the_table() -> None:
    folders = {path.parts[0] for path in (f.relative_to(PROJECT) for f in PROJECT.glob("*/*.py"))}
    modules = {*MODULES, *folders, *(path.stem for path in PROJECT.glob("*.py"))} - {"tests"}
    homeless = sorted(name for name in modules if room_of(name) is None and name != "lib")
    assert not homeless, (
        f"{homeless}: move them into a room, or give them a line in ARROWS of {__name__}: whom may "
        "they import?"
    )


def test_every_import_follows_an_arrow() -> None:
    refused = [
        f"{each.place}: {each.importer} imports {each.imported}, but {room} may import only "
        f"{', '.join(sorted(ARROWS[room])) or 'nothing'}"
        for each, room, other in between_rooms()
        if not is_allowed(room, other)
    ]
    assert not refused, "\n".join(
        [
            *refused,
            "Have it handed in as a parameter (functions/clients.py makes what is handed in), or "
            "move the code to the room that it belongs to. If the arrow is right and makes no "
            f"circle, add it to ARROWS of {__name__}.",
        ]
    )


def test_every_arrow_between_sister_rooms_is_used() -> None:
    used = {(room, other) for _, room, other in between_rooms()}
    unused = sorted(
        f"{room} -> {other}"
        for room, others in ARROWS.items()
        for other in others
        if other.startswith(f"{room.rpartition('.')[0]}.") and other.count(".") > 1
        if not other.endswith("*") and (room, other) not in used
    )
    assert not unused, f"take out of ARROWS of {__name__} what is imported no longer: {unused}"


def test_there_are_no_import_cycles() -> None:
    arrows: dict[str, set[str]] = {room: set() for room in ARROWS}
    for _, room, other in between_rooms():
        arrows[room].add(other)
    while leaves := {room for room, others in arrows.items() if not others & arrows.keys()}:
        arrows = {room: others for room, others in arrows.items() if room not in leaves}
    assert not arrows, f"these rooms import each other, or what does: {sorted(arrows)}"


@pytest.mark.parametrize(
    ("room", "other"),
    [
        ("lib.edge", "lib.saga"),
        ("lib.edge", "functions"),
        ("lib.saga.engine", "domain"),
        ("lib.saga.machine", "lib.saga.engine"),
        ("lib.saga.definition", "lib.saga.state"),
        ("lib.saga.remote", "lib.edge"),
        ("lib.json", "lib.edge"),
        ("lib.datastore.v1", "lib.datastore"),
        ("domain", "lib.datastore.read"),
        ("local", "lib.errors"),
    ],
)
def test_the_table_of_arrows_refuses(room: str, other: str) -> None:
    assert not is_allowed(room, other)
