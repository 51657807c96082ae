"""The one error of a wrong declaration, and how it names what an author has written."""

from collections.abc import Iterable
from inspect import Parameter, Signature, isbuiltin, isfunction, ismethod, signature
from reprlib import Repr
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

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
                subject = f"{cls.__name__} {name}" if isinstance(name, str) else cls.__name__
                raise DeclarationError(
                    f"{subject:.120}: {problem}; {_suggest(cls.__name__, parameters, options)}"
                ) from None
            return super().__call__(*values, **options)


def _suggest(kind: str, called: Signature, options: Iterable[str]) -> str:
    from difflib import get_close_matches  # for a mistake alone: no cold start pays for it

    parameters = [each for each in called.parameters.values() if each.name != "self"]
    if any(each.kind is Parameter.VAR_POSITIONAL for each in parameters):
        return f"write {kind}(a, b), without names"
    names = [each.name for each in parameters]
    unknown = [each for each in options if each not in names]
    close = get_close_matches(unknown[0], names, n=1, cutoff=0.5) if unknown else []
    if close:
        return f"write {close[0]}="
    by_name = [each for each in parameters if each.kind is Parameter.KEYWORD_ONLY]
    # What must be there comes first: it is what was meant most often.
    by_name.sort(key=lambda each: each.default is not Parameter.empty)
    hint = f"; write {by_name[0].name}=... with its name" if by_name else ""
    return f"it takes {', '.join(names)}{hint}"


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
    try:
        return f"{_SHORT.repr(value)} ({type(value).__name__})"
    except ValueError:  # Python writes no int of more than 4300 digits
        return f"a very large {type(value).__name__}"
