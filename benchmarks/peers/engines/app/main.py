"""The table of functions as it is deployed, with the peers' sagas instead of the sample's."""

import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

from benchmarks.peers.engines import amends_sagas

_TABLE = Path(__file__).resolve().parents[4] / "main.py"

sys.modules["domain.sagas"] = amends_sagas
_loader = SourceFileLoader("table", str(_TABLE))
_table = module_from_spec(ModuleSpec("table", _loader))
_loader.exec_module(_table)


def __getattr__(name: str) -> Any:
    return getattr(_table, name)
