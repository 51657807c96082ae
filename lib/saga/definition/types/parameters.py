"""What type checkers infer from a declaration: a saga's payload, and what its elements accept.

A bare `Saga` has any payload. A bare `Step` accepts every payload, as a timer does. An element that
accepts an order fits only into a saga of orders.
"""

import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Python has defaults of type parameters from 3.13 on; type checkers know them in each version.
    from typing_extensions import TypeVar

    #: A saga's payload.
    P = TypeVar("P", default=Any)

    #: The payload that an element accepts.
    TakenP = TypeVar("TakenP", contravariant=True, default=object)

    #: The payload of a child saga.
    ChildP = TypeVar("ChildP", default=Any)

    #: The outputs of earlier steps by name: the author's TypedDict, or any mapping.
    OutputsT = TypeVar(
        "OutputsT", bound=Mapping[str, Any], covariant=True, default=Mapping[str, Any]
    )
else:
    P = typing.TypeVar("P")
    TakenP = typing.TypeVar("TakenP", contravariant=True)
    ChildP = typing.TypeVar("ChildP")
    OutputsT = typing.TypeVar("OutputsT", bound=Mapping[str, Any], covariant=True)
