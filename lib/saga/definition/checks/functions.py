"""The functions that an author hands over: whether they can be called as they will be."""

import inspect
from collections.abc import Callable, Iterator

from lib.saga.author_code.deferred_work import refuse_deferred
from lib.saga.definition.checks.error import Declared, describe

ACTION = ("payload", "context")
PURE = ("payload", "outputs")


def faults_of_function(label: str, function: object, parameters: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with a function that is called with these values, by position.

    What cannot be looked into, such as a builtin, is taken as right.
    """
    called_with = f"({', '.join(parameters)})"
    write = f"write {label}=f, where f is def f{called_with}"
    if isinstance(function, type):
        yield f"{label} is {describe(function)}: a call of it only makes an object; {write}"
    elif isinstance(function, Declared) or not callable(function):
        yield f"{label} is {describe(function)}, not a function: {write}, without calling it"
    elif hasattr(function, "cache_info"):
        # Its effects would be left out for a second saga of equal payload.
        yield f"{label} is a cached function, which does not run on each call: remove the cache"
    else:
        try:
            refuse_deferred(function, label)
        except ValueError as problem:
            yield str(problem)
        if misfit := _misfit(function, parameters):
            yield (
                f"{label} is {describe(function)}: {called_with} does not fit it, {misfit}; {write}"
            )


def _misfit(function: Callable[..., object], parameters: tuple[str, ...]) -> str:
    """Say why a call with these parameters would fail; empty if nothing speaks against it.

    Not through `functools.wraps`: what is called is the wrapper, and it may add arguments.
    """
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except (ValueError, TypeError):
        return ""
    try:
        signature.bind(*parameters)
    except TypeError as problem:
        hint = ": take the method of an instance" if "self" in signature.parameters else ""
        return f"it takes {signature} ({problem}){hint}"
    return ""
