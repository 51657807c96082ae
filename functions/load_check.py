"""Loads every function and saga at start-up, to report what is broken."""

import sys
import traceback
from collections.abc import Mapping
from importlib import import_module

#: Frames of the import system, which say nothing about the error.
_IMPORTING = ("<frozen importlib", __file__)

_SAGAS = ("domain.sagas", "DEFINITIONS")


def load_all(module_of: Mapping[str, str]) -> None:
    """Import every function of the table, and the definitions of sagas.

    If any of them fails, prints each error as Python does and exits with code 1.
    """
    broken: dict[str, BaseException] = {}
    wanted = {_SAGAS, *((module, name) for name, module in module_of.items())}
    for module, name in sorted(wanted):
        try:
            _load(module, name)
        except BaseException as problem:  # also SystemExit: show where the module raised it
            broken.setdefault(_explain(problem), problem)
    if broken:
        print("\n".join(broken), file=sys.stderr, flush=True)
        raise SystemExit(1)


def _load(module: str, name: str) -> None:
    found = getattr(import_module(module), name)
    if (module, name) == _SAGAS:
        from lib.saga.definition.table import check_table

        check_table(found)


def _explain(problem: BaseException) -> str:
    """Return Python's own text for an error, without the frames of the import system."""
    report = traceback.TracebackException.from_exception(problem)
    relevant = [
        frame
        for frame in report.stack
        if not frame.filename.startswith(_IMPORTING) and "/importlib/" not in frame.filename
    ]
    report.stack = traceback.StackSummary.from_list(relevant)
    return "".join(report.format())
