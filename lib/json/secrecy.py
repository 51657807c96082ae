"""The mark for personal or secret data: `name: Secret[str]`.

A saga keeps marked values out of every view, text and log. The data layer does not hide values; it
refuses the mark on keys and indexed fields.
"""

import typing
from typing import Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")

MARK = "amends-secret"

#: Marks a value that views, logs and errors must not show. Every member of a marked list, dict or
#: Struct is secret.
Secret = Annotated[T, msgspec.Meta(extra={MARK: True})]


def is_secret(hint: Any) -> bool:
    """Return whether an annotation, or anything inside it, has the mark."""
    metadata = getattr(hint, "__metadata__", ())
    marked = any(MARK in (getattr(each, "extra", None) or {}) for each in metadata)
    return marked or any(map(is_secret, typing.get_args(hint)))
