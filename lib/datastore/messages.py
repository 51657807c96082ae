"""The raw protobuf classes of google.datastore.v1, loaded on first use and never at import.

Raw messages, not their proto-plus wrappers: wrapping costs more CPU than the whole encoding.
"""

import functools
from typing import Any

PACKAGE = "google.datastore.v1"


@functools.cache
def message(name: str) -> Any:
    """Return the class of a message such as `Value` or `CommitRequest`."""
    import google.cloud.datastore_v1.types  # noqa: F401  registers the descriptors
    from google.protobuf import descriptor_pool, message_factory

    descriptor = descriptor_pool.Default().FindMessageTypeByName(f"{PACKAGE}.{name}")
    return message_factory.GetMessageClass(descriptor)


@functools.cache
def enum_number(name: str, value: str) -> int:
    """Return the number of an enum's value: `enum_number("PropertyFilter.Operator", "EQUAL")`."""
    owner, _, enum = name.rpartition(".")
    return int(message(owner).DESCRIPTOR.enum_types_by_name[enum].values_by_name[value].number)
