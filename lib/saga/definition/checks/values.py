"""Checks names, numbers, durations and flags."""

import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from lib.saga.definition.checks.error import describe

#: A name is part of keys, of children's ids and of addresses.
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,98}[A-Za-z0-9._-])?")

#: A longer wait is probably a wrong unit. The limit also keeps dates within Datastore's range.
MAX_WAIT = timedelta(days=36_500)

MAX_VERSION = 1_000_000_000


def name_for_message(name: object) -> str:
    """Return a name as messages show it: unchanged if it is valid."""
    return name if isinstance(name, str) and NAME.fullmatch(name) else describe(name)


def plain_name(name: Any) -> Any:
    """Return a member of a str enum as a plain str, because str() and repr() of it differ."""
    return str.__str__(name) if isinstance(name, str) else name


def faults_of_name(name: object) -> Iterator[str]:
    """Yield what is wrong with a name."""
    if not isinstance(name, str):
        yield f"the name is {describe(name)}: write a str"
    elif not NAME.fullmatch(name):
        yield (
            f"the name is {describe(name)}: a name has 1 to 100 letters (A to Z), digits, spaces "
            "and ._-, begins with a letter or a digit and does not end with a space"
        )


def faults_of_text(label: str, text: object) -> Iterator[str]:
    """Yield what is wrong with a short display text; it may be empty."""
    if not isinstance(text, str):
        yield f"{label} is {describe(text)}: write a str"
    elif len(text) > 100 or not text.isprintable():
        yield f"{label} is {describe(text)}: write at most 100 printable characters"


def faults_of_flag(label: str, value: object) -> Iterator[str]:
    """Yield what is wrong with a flag."""
    if not isinstance(value, bool):
        yield f"{label} is {describe(value)}: write True or False"


def faults_of_count(label: str, value: object, *, most: int, because: str) -> Iterator[str]:
    """Yield what is wrong with an integer that must be from 1 to `most`."""
    if not isinstance(value, int) or isinstance(value, bool):
        yield f"{label} is {describe(value)}: write an int from 1 to {most}"
    elif value < 1:
        yield f"{label} is {_number(value)}: {because}; write an int from 1 to {most}"
    elif value > most:
        yield f"{label} is {_number(value)}: it is at most {most}"


def faults_of_factor(label: str, value: object) -> Iterator[str]:
    """Yield what is wrong with a number that a pause is multiplied by."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield f"{label} is {describe(value)}: write a number such as 2.0"
    elif not abs(value) <= sys.float_info.max:
        yield f"{label} is {_number(value)}: write a finite number, such as 2.0"
    elif value < 1:
        yield f"{label} is {_number(value)}: a pause cannot shrink; write at least 1"


def _number(value: float) -> str:
    return str(value) if abs(value) < 10**18 or isinstance(value, float) else describe(value)


def faults_of_duration(
    label: str,
    value: object,
    *,
    most: timedelta = MAX_WAIT,
    least: timedelta = timedelta(microseconds=1),
) -> Iterator[str]:
    """Yield what is wrong with a duration that must be from `least` to `most`."""
    if not isinstance(value, timedelta):
        plain = type(value) in (int, float) and abs(value) < 10**9  # type: ignore[arg-type]
        amount = f"seconds={value}" if plain else "..."
        yield f"{label} is {describe(value)}: write a timedelta, {label}=timedelta({amount})"
    elif value < least:
        wanted = "must not be negative" if least == timedelta(0) else "must be longer than zero"
        yield f"{label} is {value}: it {wanted}, as in {label}=timedelta(seconds=30)"
    elif value > most:
        yield f"{label} is {value}: it is at most {most}"
