"""Query parameters of functions that return pages or selected fields."""

from typing import Annotated

from msgspec import Meta

PageSize = Annotated[int, Meta(ge=1, le=200)]
PageToken = Annotated[str, Meta(max_length=4096)] | None
Fields = (
    Annotated[
        str,
        Meta(
            pattern=r"^[a-z_]+(,[a-z_]+)*\Z",
            max_length=500,
            description="names of fields, separated by commas",
        ),
    ]
    | None
)
