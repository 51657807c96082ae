"""What is known of a request's span, whether it is exported or not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Span:
    """A request's span: its own `traceparent` if it is exported, and what it ends with."""

    traceparent: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
