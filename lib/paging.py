"""The query parameters of every function that answers in pages."""

from typing import Annotated

from msgspec import Meta

PageSize = Annotated[int, Meta(ge=1, le=200)]
PageToken = Annotated[str, Meta(max_length=4096)] | None
