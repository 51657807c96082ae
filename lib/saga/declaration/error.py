"""The one error of a wrong declaration, and how it names what an author has written."""

from collections.abc import Iterable
from inspect import isroutine
from reprlib import Repr
from types import ModuleType
from typing import NoReturn

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 60


class DeclarationError(ValueError):
    """A declaration that cannot be honoured; `faults` has all that is wrong with it."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Declared:
    """What is declared, and never called: a call of it is a forgotten comma before a bracket."""

    __slots__ = ()

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Refuse to be called."""
        name = getattr(self, "name", "")
        raise DeclarationError(
            f"{type(self).__name__} {name}: it is called like a function: "
            "write a comma between it and the bracket that follows"
        )


def refuse(subject: str, faults: Iterable[str]) -> None:
    """Raise DeclarationError with every fault of a subject, if it has any."""
    found = [f"{subject}: {fault}" for fault in faults]
    if found:
        raise DeclarationError(*found)


def describe(value: object) -> str:
    """Name a value shortly, for a message."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, ModuleType):
        return f"the module {value.__name__}"
    if isroutine(value):
        return f"the function {getattr(value, '__qualname__', value)}"
    if isinstance(value, Declared):
        return f"the {type(value).__name__} {getattr(value, 'name', '')}".rstrip()
    if value is None or isinstance(value, bool):
        return str(value)
    return f"{_SHORT.repr(value)} ({type(value).__name__})"
