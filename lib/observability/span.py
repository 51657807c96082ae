"""A request's span, exported or not."""

from collections.abc import Mapping
from typing import Any


class Span:
    """A request's span: its own `traceparent` if it is exported, and its final fields."""

    def __init__(self, traceparent: str = "") -> None:
        self.traceparent = traceparent
        self.fields: Mapping[str, Any] = {}
