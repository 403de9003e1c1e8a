"""Schedules of rules: rate and cron expressions, in UTC.

Source: EventBridge User Guide, "Setting a schedule pattern for scheduled rules".
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pkilab.simulator.service import AwsError

_RATE = re.compile(r"rate\(([1-9][0-9]{0,8}) (minute|minutes|hour|hours|day|days)\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS = 6
_YEARS = (1970, 2199)
_WEEK = 7
_On = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a rule falls due.

    Attributes:
        following: gives the first moment after one; None: there is no more.
    """

    following: Callable[[datetime], datetime | None]


def read_schedule(expression: str) -> Schedule:
    """Read a schedule expression.

    Raises:
        AwsError: ValidationException.
    """
    if (rate := _RATE.fullmatch(expression)) and rate[2].endswith("s") == (rate[1] != "1"):
        unit = rate[2].rstrip("s") + "s"
        try:
            every = timedelta(**{unit: int(rate[1])})
        except OverflowError as error:
            raise _invalid() from error
        return Schedule(lambda after: _later(after, every))
    if cron := _CRON.fullmatch(expression):
        try:
            return Schedule(_Cron(cron[1].split(" ")).following)
        except ValueError as error:
            raise _invalid() from error
    raise _invalid()


def _invalid() -> AwsError:
    return AwsError("ValidationException", "Parameter ScheduleExpression is not valid.")


def _later(after: datetime, every: timedelta) -> datetime | None:
    try:
        return after + every
    except OverflowError:
        return None


class _Cron:
    """Six fields: minutes, hours, day of month, month, day of week, year.

    Raises:
        ValueError: they are not those.
    """

    def __init__(self, fields: list[str]) -> None:
        if len(fields) != _FIELDS:
            raise ValueError(fields)
        minutes, hours, day, month, weekday, year = fields
        self._minutes = sorted(_numbers(minutes, 0, 59))
        self._hours = sorted(_numbers(hours, 0, 23))
        self._months = _numbers(month, 1, 12, _MONTHS)
        self._years = _numbers(year, *_YEARS)
        if (day == "?") == (weekday == "?"):  # one of the two says nothing
            raise ValueError(fields)
        self._on = _by_day(day) if weekday == "?" else _by_weekday(weekday)

    def following(self, after: datetime) -> datetime | None:
        """Return the first moment after one."""
        start = after.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        day = start.date()
        while day.year <= _YEARS[1]:
            if day.year not in self._years:
                day = date(day.year + 1, 1, 1)
            elif day.month not in self._months:
                day = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
            else:
                if self._on(day) and (found := self._time(day, start)) is not None:
                    return found
                day += timedelta(days=1)
        return None

    def _time(self, day: date, start: datetime) -> datetime | None:
        for hour in self._hours:
            for minute in self._minutes:
                found = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                if found >= start:
                    return found
        return None


def _numbers(text: str, least: int, most: int, names: list[str] | None = None) -> set[int]:
    """Return the numbers of a field: ``*``, ``1,3``, ``1-5``, ``0/15``, names."""
    found: set[int] = set()
    for part in text.split(","):
        value, slash, step = part.partition("/")
        if slash and not (step.isascii() and step.isdigit() and int(step) > 0):
            raise ValueError(text)
        if value == "*":
            first, last = least, most
        else:
            low, dash, high = value.partition("-")
            first = _number(low, least, most, names)
            last = _number(high, least, most, names) if dash else (most if slash else first)
        if first > last:
            raise ValueError(text)
        found.update(range(first, last + 1, int(step) if slash else 1))
    return found


def _number(text: str, least: int, most: int, names: list[str] | None) -> int:
    if names and text.upper() in names:
        return names.index(text.upper()) + least
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    if not least <= (found := int(text)) <= most:
        raise ValueError(text)
    return found


def _by_day(text: str) -> _On:
    """Return the test of a day-of-month field: besides numbers ``L`` and ``15W``."""
    if text == "L":
        return lambda day: day.day == _last(day)
    if text.endswith("W"):
        wanted = _number(text[:-1], 1, 31, None)
        return lambda day: day.day == _nearest_weekday(day, wanted)
    numbers = _numbers(text, 1, 31)
    return lambda day: day.day in numbers


def _by_weekday(text: str) -> _On:
    """Return the test of a day-of-week field: besides numbers ``3#2``, ``5L`` and ``L``."""
    if text == "L":
        return lambda day: _weekday(day) == _WEEK
    if text.endswith("L"):
        wanted = _number(text[:-1], 1, 7, _DAYS)
        return lambda day: _weekday(day) == wanted and day.day + _WEEK > _last(day)
    if "#" in text:
        name, _, ordinal = text.partition("#")
        wanted, which = _number(name, 1, 7, _DAYS), _number(ordinal, 1, 5, None)
        return lambda day: _weekday(day) == wanted and (day.day - 1) // _WEEK + 1 == which
    numbers = _numbers(text, 1, 7, _DAYS)
    return lambda day: _weekday(day) in numbers


def _last(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _weekday(day: date) -> int:
    """Return 1 for Sunday to 7 for Saturday."""
    return day.isoweekday() % _WEEK + 1


def _nearest_weekday(day: date, wanted: int) -> int:
    """Return the weekday of a month that is nearest to a day of it, within the month."""
    last = _last(day)
    if wanted > last:
        return 0
    kind = day.replace(day=wanted).isoweekday()
    if kind == 6:  # noqa: PLR2004 - Saturday
        return wanted - 1 if wanted > 1 else wanted + 2
    if kind == _WEEK:
        return wanted + 1 if wanted < last else wanted - 2
    return wanted
