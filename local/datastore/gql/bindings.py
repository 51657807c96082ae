"""The arguments that a request binds to the parameters of its GQL."""

import re
from typing import Any

from local.datastore.encoding.messages import GqlQuery
from local.datastore.encoding.validation import is_reserved
from local.rpc.errors import InvalidArgument

#: Names in a request, unlike names in the text, have only characters of the basic plane.
_NAME = re.compile(r"[A-Za-z_$\x80-\uffff][A-Za-z_$0-9\x80-\uffff]*")


class Bindings:
    """The parameters of a GqlQuery. InvalidArgument if one has no value or an invalid name."""

    def __init__(self, gql: GqlQuery) -> None:
        self._named = gql.named_bindings
        self._positional = gql.positional_bindings
        self._used: set[int] = set()
        for name in self._named:
            _check_name(name)
        for parameter in (*self._named.values(), *self._positional):
            if parameter.WhichOneof("parameter_type") is None:
                raise InvalidArgument("A GQL query parameter is empty.")

    def find(self, site: str) -> Any:
        """Return the parameter of a binding site such as ``@1`` or ``@name``."""
        name = site[1:]
        if not name[0].isdigit():
            if name not in self._named:
                raise InvalidArgument(f"Absent named binding: {name}.")
            return self._named[name]
        number = int(name)
        if not 1 <= number <= len(self._positional):
            raise InvalidArgument(f"Absent positional binding: {name}.")
        self._used.add(number)
        return self._positional[number - 1]

    def check_used(self) -> None:
        """Refuse positional parameters that the text does not use."""
        for number in range(1, len(self._positional) + 1):
            if number not in self._used:
                raise InvalidArgument(f"Unused positional binding: {number}.")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidArgument(f'The GQL query parameter name "{name}" is not a name.')
    if is_reserved(name):
        raise InvalidArgument(f'The GQL query parameter name "{name}" is reserved.')
