"""The mark of what is personal or secret: `name: Secret[str]`.

A saga keeps what its types mark so out of every view, text and log. The data layer shows entities
as they are: it refuses the mark where it would make a key or an index of the value.
"""

import typing
from typing import Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")

MARK = "amends-secret"

#: Marks what views, logs and errors are not to show. Every member of a marked list, dict or Struct
#: is secret.
Secret = Annotated[T, msgspec.Meta(extra={MARK: True})]


def is_secret(hint: Any) -> bool:
    """Tell whether an annotation has the mark, on itself or within its brackets."""
    metadata = getattr(hint, "__metadata__", ())
    marked = any(MARK in (getattr(each, "extra", None) or {}) for each in metadata)
    return marked or any(map(is_secret, typing.get_args(hint)))
