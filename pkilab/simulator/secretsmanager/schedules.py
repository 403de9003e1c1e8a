"""When a secret is rotated: rate(), cron() and days between rotations. Pure: time is an argument.

Windows begin at midnight UTC where days are counted, and on the hour where hours are. A rotation
takes place as its window opens; the next rotation's date is the window's end.

Source: Secrets Manager User Guide, "Rotation schedules" and "Schedule expressions in Secrets
Manager rotation"; API Reference, RotationRulesType.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from pkilab.simulator.service import AwsError

_RATE = re.compile(r"rate\((\d{1,4}) (hours?|days?)\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_DURATION = re.compile(r"(\d{1,2})h")
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {
    name: number
    for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)
}
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_FEWEST_HOURS, _MOST_DAYS = 4, 999
_HORIZON = 5 * 366  # days to look ahead


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when a rotation may take place."""

    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class _Cron:
    hours: tuple[int, ...]
    days: frozenset[int] | None  # None: whichever the weekday says
    last_day: bool
    months: frozenset[int]
    weekdays: frozenset[int] | None
    nth: tuple[int, int] | None  # the weekday, and its which in the month; 0: the last
    years: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """RotationRules that were found to make sense.

    Attributes:
        days: between rotations; 0: the expression says.
        expression: as given; ``""``: the days say.
        duration: as given, such as ``3h``.
    """

    days: int = 0
    expression: str = ""
    duration: str = ""

    def rules(self) -> dict[str, object]:
        """Return a RotationRulesType."""
        found = {
            "AutomaticallyAfterDays": self.days or self._days_of_rate() or None,
            "Duration": self.duration or None,
            "ScheduleExpression": self.expression or None,
        }
        return {key: value for key, value in found.items() if value is not None}

    @property
    def restarts(self) -> bool:
        """Whether a new value puts the next rotation off."""
        return not self.expression

    def after(self, moment: datetime) -> Window | None:
        """Return the first window that opens after a moment; ``None``: there is none in sight.

        Args:
            moment: aware, UTC; where days or hours are counted, the rotation before.
        """
        if rate := _RATE.fullmatch(self.expression):
            number = int(rate[1])
            if rate[2].startswith("hour"):
                hour = moment.replace(minute=0, second=0, microsecond=0)
                return self._window(hour + number * _HOUR, _HOUR)
            return self._daily(moment, number)
        if self.days:
            return self._daily(moment, self.days)
        opens = _next(_cron(self.expression), moment)
        return self._window(opens, None) if opens else None

    def _daily(self, moment: datetime, days: int) -> Window:
        midnight = datetime.combine(moment.date(), time(), moment.tzinfo)
        return self._window(midnight + days * _DAY, None)

    def _window(self, opens: datetime, length: timedelta | None) -> Window:
        if found := _DURATION.fullmatch(self.duration):
            length = int(found[1]) * _HOUR
        if length is not None:
            return Window(opens, opens + length)
        end = datetime.combine(opens.date(), time(23, 59, 59), opens.tzinfo)
        return Window(opens, end)

    def _days_of_rate(self) -> int:
        rate = _RATE.fullmatch(self.expression)
        return int(rate[1]) if rate and rate[2].startswith("day") else 0


def read_schedule(rules: dict[str, object]) -> Schedule | None:
    """Read RotationRules; ``None``: they say nothing.

    Raises:
        AwsError: InvalidParameterException.
    """
    days, expression = rules.get("AutomaticallyAfterDays"), str(rules.get("ScheduleExpression", ""))
    duration = str(rules.get("Duration", ""))
    if days is not None and expression:
        raise _wrong(
            "You can set the rotation schedule in RotationRules with AutomaticallyAfterDays or "
            "ScheduleExpression, but not both."
        )
    if days is None and not expression:
        if duration:
            raise _wrong("A Duration needs a rotation schedule.")
        return None
    if duration and not _DURATION.fullmatch(duration):
        raise _wrong(f"The Duration {duration} is not a number of hours such as 3h.")
    if expression:
        _check(expression)
    return Schedule(int(str(days or 0)), expression, duration)


def _check(expression: str) -> None:
    if rate := _RATE.fullmatch(expression):
        number, hours = int(rate[1]), rate[2].startswith("hour")
        if (hours and not _FEWEST_HOURS <= number <= _MOST_DAYS * 24) or not (
            1 <= number <= (_MOST_DAYS if not hours else _MOST_DAYS * 24)
        ):
            raise _wrong(f"The rate of {expression} must be from 4 hours to 999 days.")
        return
    _cron(expression)


def _cron(expression: str) -> _Cron:
    """Read an expression: minutes (0), hours, day of month, month, day of week, year.

    Raises:
        AwsError: InvalidParameterException, also for the wildcard W, which is not modelled.
    """
    found = _CRON.fullmatch(expression)
    if found is None:
        raise _wrong(f"The schedule expression {expression} is neither a rate() nor a cron().")
    minutes, hours, day, month, weekday, year = found.groups()
    if minutes != "0":
        raise _wrong(f"The minutes of {expression} must be 0.")
    if (day == "?") == (weekday == "?"):
        raise _wrong(f"One of day of month and day of week of {expression} must be ?.")
    nth = _nth(weekday, expression)
    return _Cron(
        hours=tuple(sorted(_field(hours, range(24), {}, expression))),
        days=None if day in {"?", "L"} else _field(day, range(1, 32), {}, expression),
        last_day=day == "L",
        months=_field(month, range(1, 13), _MONTHS, expression),
        weekdays=None
        if weekday == "?" or nth
        else _field(weekday, range(1, 8), _WEEKDAYS, expression),
        nth=nth,
        years=None if year == "*" else _field(year, range(1970, 2200), {}, expression),
    )


def _nth(text: str, expression: str) -> tuple[int, int] | None:
    """Read ``6#3``, the third Friday, or ``6L``, the last one."""
    name, mark, which = text.partition("#")
    if not mark and len(text) > 1 and text.endswith("L"):
        name, mark, which = text[:-1], "#", "0"
    if not mark:
        return None
    day = _number(name, _WEEKDAYS, expression)
    if day not in range(1, 8) or which not in {"0", "1", "2", "3", "4", "5"}:
        raise _wrong(f"The day of week of {expression} is not valid.")
    return day, int(which)


def _field(text: str, allowed: range, names: dict[str, int], expression: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if span == "*" or (slash and not span):  # the guide writes /8 for */8
            low, high = allowed[0], allowed[-1]
        else:
            first, dash, last = span.partition("-")
            low = _number(first, names, expression)
            high = _number(last, names, expression) if dash else (allowed[-1] if slash else low)
        width = _number(step, {}, expression) if slash else 1
        if not (low in allowed and high in allowed and low <= high and width):
            raise _wrong(f"The part {part} of {expression} is not valid.")
        found |= set(range(low, high + 1, width))
    return frozenset(found)


def _number(text: str, names: dict[str, int], expression: str) -> int:
    if text.upper() in names:
        return names[text.upper()]
    if not (text.isascii() and text.isdigit() and len(text) <= 4):  # noqa: PLR2004 - a year's digits
        raise _wrong(f"The part {text} of {expression} is not valid.")
    return int(text)


def _next(cron: _Cron, moment: datetime) -> datetime | None:
    day = datetime.combine(moment.date(), time(), moment.tzinfo)
    for _ in range(_HORIZON):
        if _on(cron, day):
            for hour in cron.hours:
                if (opens := day + hour * _HOUR) > moment:
                    return opens
        day += _DAY
    return None


def _on(cron: _Cron, day: datetime) -> bool:
    if cron.years is not None and day.year not in cron.years:
        return False
    if day.month not in cron.months:
        return False
    last = calendar.monthrange(day.year, day.month)[1]
    if cron.last_day:
        return day.day == last
    weekday = day.isoweekday() % 7 + 1  # Sunday is 1
    if cron.nth is not None:
        which = (day.day - 1) // 7 + 1
        return weekday == cron.nth[0] and (
            which == cron.nth[1] or (cron.nth[1] == 0 and day.day + 7 > last)
        )
    fits: Collection[int] = cron.days if cron.days is not None else (cron.weekdays or ())
    return (day.day if cron.days is not None else weekday) in fits


def _wrong(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
