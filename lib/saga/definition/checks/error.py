"""The one error of a wrong declaration, and how it names what an author has written."""

from collections.abc import Iterable
from inspect import isbuiltin, isfunction, ismethod, signature
from reprlib import Repr
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn, get_origin

from lib.saga.definition.checks.suggestion import suggest

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 60


class DeclarationError(ValueError, TypeError):
    """A declaration that cannot be honoured; `faults` has all that is wrong with it.

    Both a ValueError and a TypeError, since one declaration may have faults of both kinds.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Declaring(type):
    """Says what there is where a declaration names what there is not."""

    # A type checker sees the parameters themselves.
    if not TYPE_CHECKING:

        def __call__(cls, *values: Any, **options: Any) -> Any:
            """Make one; DeclarationError for a parameter that there is not, or that is missing."""
            parameters = signature(cls.__init__)
            try:
                parameters.bind(None, *values, **options)
            except TypeError as problem:
                names = [each for each in parameters.parameters if each != "self"]
                name = options.get("name", *values[:1]) if "name" in names else None
                hint = suggest(cls.__name__, parameters, values, list(options))
                subject = f"{cls.__name__} {name}" if isinstance(name, str) else cls.__name__
                raise DeclarationError(f"{subject:.120}: {problem}; {hint}") from None
            return super().__call__(*values, **options)


class Declared(metaclass=Declaring):
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
    if isfunction(value) or ismethod(value) or isbuiltin(value):
        return f"the function {getattr(value, '__qualname__', value)}"
    if isinstance(value, Declared):
        return f"the {type(value).__name__} {getattr(value, 'name', '')}".rstrip()
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, list | tuple | set) and any(isinstance(each, Declared) for each in value):
        first = next(each for each in value if isinstance(each, Declared))
        return f"a {type(value).__name__} of {len(value)}, with {describe(first)} in it"
    try:
        return f"{_SHORT.repr(value)} ({type(value).__name__})"
    except ValueError:  # Python writes no int of more than 4300 digits
        return f"a very large {type(value).__name__}"


def name_type(kind: Any) -> str:
    """Name a type, for a message."""
    return kind.__name__ if isinstance(kind, type) and not get_origin(kind) else str(kind)
