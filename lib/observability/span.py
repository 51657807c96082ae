"""A request's span, exported or not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Span:
    """A request's span: its own `traceparent` if it is exported, and its final fields."""

    traceparent: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
