"""Loading all that a process may be asked for, so that what is broken shows at the start."""

import sys
import traceback
from collections.abc import Mapping
from importlib import import_module

#: Frames that say how a module came to be imported, and nothing of what is wrong in it.
_IMPORTING = ("<frozen importlib", __file__)

_SAGAS = ("domain.sagas", "DEFINITIONS")


def load_all(module_of: Mapping[str, str]) -> None:
    """Import every function of the table, and the definitions of sagas.

    Prints each error as Python does and ends the process with exit code 1 if there are any.
    """
    broken: dict[str, BaseException] = {}
    wanted = {_SAGAS, *((module, name) for name, module in module_of.items())}
    for module, name in sorted(wanted):
        try:
            _load(module, name)
        except BaseException as problem:  # a SystemExit too: its author wants to see the place
            broken.setdefault(_explain(problem), problem)
    if broken:
        print("\n".join(broken), file=sys.stderr, flush=True)
        raise SystemExit(1)


def _load(module: str, name: str) -> None:
    found = getattr(import_module(module), name)
    if (module, name) == _SAGAS:
        from lib.saga.definition.saga import check_table

        check_table(found)


def _explain(problem: BaseException) -> str:
    """Return what Python prints of an error, from the first line that is not ours on."""
    told = traceback.TracebackException.from_exception(problem)
    relevant = [
        frame
        for frame in told.stack
        if not frame.filename.startswith(_IMPORTING) and "/importlib/" not in frame.filename
    ]
    told.stack = traceback.StackSummary.from_list(relevant)
    return "".join(told.format())
