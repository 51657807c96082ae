"""Property paths: how a mask or a transform names a stored property.

In a path a dot leads into an embedded entity. A name with a dot, such as that of a flattened field,
is quoted, and so is any other name that is not an identifier (google.datastore.v1 PropertyMask).
"""

import re

_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def property_path(stored: str) -> str:
    """Return the path of a property of the entity itself."""
    if _SIMPLE.fullmatch(stored):
        return stored
    escaped = stored.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
