"""The names and ids of sagas, steps and signals in requests."""

from typing import Annotated

from msgspec import Meta

#: The id of any saga. A child's id is its parent's id, a colon and its step's name.
SagaId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:~-]{0,999}\Z",
        description="the id of a saga: text of 1 to 1000 characters",
    ),
]
SagaName = Annotated[str, Meta(min_length=1, max_length=200)]
StepName = Annotated[str, Meta(min_length=1, max_length=100)]
