"""Schedules: unix-cron with five fields, or ``every N seconds`` (also minutes and hours)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_EVERY = re.compile(r"every ([0-9]+) (second|minute|hour)s?")
_UNITS = {"second": 1, "minute": 60, "hour": 3600}
#: Long enough to find 29 February across a century that is no leap year.
_SEARCH = timedelta(days=366 * 9)

#: Returns the first time to run after a given time.
Schedule = Callable[[datetime], datetime]


class BrokenSchedule(ValueError):
    """A schedule is invalid or never comes; the message says which part."""


def parse_schedule(text: str) -> Schedule:
    """Return the schedule of a text; it works in the time zone of the time that it is given."""
    match = _EVERY.fullmatch(text.strip().lower())
    if match is not None:
        period = int(match[1]) * _UNITS[match[2]]
        if period == 0:
            raise BrokenSchedule(f"{text!r}: the period must not be zero")
        return lambda after: after + timedelta(seconds=period)
    cron = _parse_cron(text)
    return cron.next_after


@dataclass(frozen=True, slots=True)
class _Cron:
    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def next_after(self, after: datetime) -> datetime:
        moment = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = moment + _SEARCH
        while moment < end:
            if moment.month not in self.months or not self._has_day(moment):
                moment = moment.replace(hour=0, minute=0) + timedelta(days=1)
            elif moment.hour not in self.hours:
                moment = moment.replace(minute=0) + timedelta(hours=1)
            elif moment.minute not in self.minutes:
                moment += timedelta(minutes=1)
            else:
                return moment
        raise BrokenSchedule(f"{self.text!r} never comes")

    def _has_day(self, moment: datetime) -> bool:
        """As in cron: if both a day of the month and of the week are given, either is enough."""
        in_month = moment.day in self.days
        in_week = moment.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return in_month and in_week
        return in_month or in_week


def _parse_cron(text: str) -> _Cron:
    fields = text.lower().split()
    if len(fields) != 5:
        raise BrokenSchedule(f"{text!r}: expected five fields, or `every N seconds`")
    return _Cron(
        text=text,
        minutes=_parse_field(fields[0], 0, 59),
        hours=_parse_field(fields[1], 0, 23),
        days=_parse_field(fields[2], 1, 31),
        months=_parse_field(fields[3], 1, 12, _MONTHS),
        weekdays=frozenset(day % 7 for day in _parse_field(fields[4], 0, 7, _DAYS)),
        any_day=fields[2].startswith("*"),
        any_weekday=fields[4].startswith("*"),
    )


def _parse_field(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        values.update(_parse_part(part, low, high, names))
    return frozenset(values)


def _parse_part(part: str, low: int, high: int, names: tuple[str, ...]) -> range:
    span, slash, step_text = part.partition("/")
    step = _parse_number(step_text, 1, high, ()) if slash else 1
    if span == "*":
        return range(low, high + 1, step)
    first_text, dash, last_text = span.partition("-")
    first = _parse_number(first_text, low, high, names)
    last = _parse_number(last_text, low, high, names) if dash else (high if slash else first)
    if last < first:
        raise BrokenSchedule(f"{part!r}: the range ends before it begins")
    return range(first, last + 1, step)


def _parse_number(text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + low
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise BrokenSchedule(f"{text!r}: expected a number from {low} to {high}")
    return int(text)
