"""Raw protobuf classes of Google's libraries, loaded on first use and never at import.

They have no proto-plus wrappers: wrapping costs more CPU than the whole encoding.
"""

import functools
import importlib
import importlib.util
import sys
import types
from typing import Any


@functools.cache
def load_message(library: str, name: str) -> Any:
    """Return a message's class by its full name; `library` is the package that declares it."""
    from google.protobuf import descriptor_pool, message_factory

    _register(library)
    descriptor = descriptor_pool.Default().FindMessageTypeByName(name)
    return message_factory.GetMessageClass(descriptor)


@functools.cache
def _register(library: str) -> None:
    """Import a library's message types, which registers their descriptors.

    The library's own __init__ also imports its clients for gRPC, asyncio and REST, which take two
    thirds of a cold start. An empty package replaces it here; a later import gets the real one.
    """
    if library in sys.modules:
        importlib.import_module(f"{library}.types")
        return
    spec = importlib.util.find_spec(library)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"{library} is not installed")
    stand_in = types.ModuleType(library)
    stand_in.__path__ = list(spec.submodule_search_locations)
    sys.modules[library] = stand_in
    try:
        importlib.import_module(f"{library}.types")
    finally:
        # Remove both, so that the real package gets its `types` attribute when it is imported.
        del sys.modules[library]
        sys.modules.pop(f"{library}.types", None)
