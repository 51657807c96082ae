"""What type checkers infer of a declaration: the payload of a saga, and what its elements take.

A bare `Saga` is a saga of any payload. A bare `Step` is one that takes every payload, as a timer
does. An element that takes an order may stand in a saga of orders alone.
"""

import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Python has defaults of type parameters from 3.13 on; type checkers know them in each version.
    from typing_extensions import TypeVar

    #: A saga's payload.
    P = TypeVar("P", default=Any)

    #: The payload that an element takes.
    TakenP = TypeVar("TakenP", contravariant=True, default=object)

    #: The payload of a child saga.
    ChildP = TypeVar("ChildP", default=Any)

    #: The outputs of earlier steps by name: a TypedDict of its author, or any mapping.
    OutputsT = TypeVar(
        "OutputsT", bound=Mapping[str, Any], covariant=True, default=Mapping[str, Any]
    )
else:
    P = typing.TypeVar("P")
    TakenP = typing.TypeVar("TakenP", contravariant=True)
    ChildP = typing.TypeVar("ChildP")
    OutputsT = typing.TypeVar("OutputsT", bound=Mapping[str, Any], covariant=True)
