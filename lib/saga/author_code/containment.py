"""Limits the effect of an exception from an author's code to its own call."""

from collections.abc import Callable
from typing import TypeVar

from lib.errors import AmendsError
from lib.observability.stack_traces import name_type
from lib.saga.author_code.recursion_guard import guard_recursion

T = TypeVar("T")


class Escaped(Exception):
    """The called code raised an exception that would have ended the worker, such as SystemExit.

    That exception is the `__cause__`.
    """


class Unstorable(Exception):
    """An action has run, but its result cannot be stored."""


def contain(action: Callable[[], T], passing: tuple[type[BaseException], ...] = ()) -> T:
    """Call an action; raise Escaped for exceptions that would end the thread, except `passing`."""
    try:
        with guard_recursion():
            return action()
    except BaseException as problem:
        # By its real type: `__class__` may say anything.
        if issubclass(type(problem), (Exception, *passing)):
            raise
        raise Escaped(
            f"{describe_exception(problem)} (it would have ended the worker)"
        ) from problem


def exception_text(problem: BaseException) -> str:
    """Return an exception's text, even if `__str__` raises; for an AmendsError, its detail."""
    try:
        text = str(problem.detail if isinstance(problem, AmendsError) else problem)
        return str.__str__(text)  # a subclass of str cannot be stored
    except BaseException as trouble:  # an author's `__str__` may raise anything, SystemExit too
        return f"(a {name_type(problem)} whose text raises {name_type(trouble)})"


def describe_exception(problem: BaseException) -> str:
    """Return an exception's type and, if it has one, its text."""
    return f"{name_type(problem)}: {exception_text(problem)}".removesuffix(": ")
