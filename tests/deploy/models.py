"""Every kind that the functions can store."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import lib


def find_models() -> Iterator[type[Any]]:
    """Yield each dataclass of lib that is marked as an entity, once."""
    for module in pkgutil.walk_packages(lib.__path__, "lib."):
        if module.name.rpartition(".")[2] == "__main__":
            continue
        for found in vars(importlib.import_module(module.name)).values():
            is_ours = isinstance(found, type) and found.__module__ == module.name
            if is_ours and "__kind__" in vars(found):
                yield found
