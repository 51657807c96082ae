"""The raw protobuf classes of google.datastore.v1, loaded on first use and never at import.

Raw messages, not their proto-plus wrappers: wrapping costs more CPU than the whole encoding.
"""

import functools
import importlib
import importlib.util
import sys
import types
from typing import Any

PACKAGE = "google.datastore.v1"
_LIBRARY = "google.cloud.datastore_v1"


@functools.cache
def message(name: str) -> Any:
    """Return the class of a message such as `Value` or `CommitRequest`."""
    from google.protobuf import descriptor_pool, message_factory

    _register()
    descriptor = descriptor_pool.Default().FindMessageTypeByName(f"{PACKAGE}.{name}")
    return message_factory.GetMessageClass(descriptor)


def parse_message(name: str, raw: bytes) -> Any:
    """Return the message that the bytes are; raise ValueError if they are none."""
    from google.protobuf.message import DecodeError

    try:
        return message(name).FromString(raw)
    except DecodeError:
        raise ValueError(f"not a {name}") from None


@functools.cache
def enum_number(name: str, value: str) -> int:
    """Return the number of an enum's value: `enum_number("PropertyFilter.Operator", "EQUAL")`."""
    owner, _, enum = name.rpartition(".")
    return int(message(owner).DESCRIPTOR.enum_types_by_name[enum].values_by_name[value].number)


@functools.cache
def _register() -> None:
    """Import the library's message types, which registers their descriptors.

    The library's own __init__ also imports its clients for gRPC, asyncio and REST: two thirds of a
    cold start. An empty package stands in for it meanwhile; a later import gets the real one.
    """
    if _LIBRARY in sys.modules:
        importlib.import_module(f"{_LIBRARY}.types")
        return
    spec = importlib.util.find_spec(_LIBRARY)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"{_LIBRARY} is not installed")
    stand_in = types.ModuleType(_LIBRARY)
    stand_in.__path__ = list(spec.submodule_search_locations)
    sys.modules[_LIBRARY] = stand_in
    try:
        importlib.import_module(f"{_LIBRARY}.types")
    finally:
        # Both, so that the real package is given its `types` attribute when it is imported.
        del sys.modules[_LIBRARY]
        sys.modules.pop(f"{_LIBRARY}.types", None)
