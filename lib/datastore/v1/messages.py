"""The raw protobuf classes of google.datastore.v1, loaded on first use and never at import."""

import functools
from typing import Any

from lib.rpc.connection import Api

PACKAGE = "google.datastore.v1"
API = Api(
    title="Datastore",
    service=f"{PACKAGE}.Datastore",
    library="google.cloud.datastore_v1",
    host="datastore.googleapis.com",
    scopes=(
        "https://www.googleapis.com/auth/cloud-platform",
        "https://www.googleapis.com/auth/datastore",
    ),
    variable="DATASTORE_EMULATOR_HOST",
)


@functools.cache
def message(name: str) -> Any:
    """Return the class of a message such as `Value` or `CommitRequest`."""
    return API.message(name)


def parse_message(name: str, raw: bytes) -> Any:
    """Parse a message; raise ValueError if the bytes are not one."""
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
