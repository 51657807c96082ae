"""The error for a wrong declaration, and how messages describe what an author wrote."""

from collections.abc import Iterable
from inspect import isbuiltin, isfunction, ismethod, signature
from reprlib import Repr
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn, get_origin

from lib.saga.definition.checks.suggestion import suggest

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 60


class DeclarationError(ValueError, TypeError):
    """A declaration is wrong; `faults` lists everything that is wrong with it.

    Both a ValueError and a TypeError, since one declaration may have faults of both kinds.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Declaring(type):
    """Gives classes an error message that says which parameter to write instead of a wrong one."""

    def __instancecheck__(cls, instance: object) -> bool:
        """Return whether something is of this class: a mock only says so, by its `__class__`."""
        return issubclass(type(instance), cls)

    # A type checker sees the parameters themselves.
    if not TYPE_CHECKING:

        def __call__(cls, *values: Any, **options: Any) -> Any:
            """Make an instance; raise DeclarationError for an unknown or a missing parameter."""
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
    """A declaration, which is never called: a call means a missing comma before a parenthesis."""

    __slots__ = ()

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Raise DeclarationError."""
        name = getattr(self, "name", "")
        raise DeclarationError(
            f"{type(self).__name__} {name}: it is called like a function: "
            "write a comma before the parenthesis that follows"
        )


def refuse(subject: str, faults: Iterable[str]) -> None:
    """Raise DeclarationError with every fault of a subject, if it has any."""
    found = [f"{subject}: {fault}" for fault in faults]
    if found:
        raise DeclarationError(*found)


def describe(value: object) -> str:
    """Describe a value briefly, for a message."""
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
    except ValueError:  # Python does not print an int of more than 4300 digits
        return f"a very large {type(value).__name__}"


def name_type(kind: Any) -> str:
    """Return the name of a type, for a message."""
    return kind.__name__ if isinstance(kind, type) and not get_origin(kind) else str(kind)
