"""Cron expressions of AWS: six fields, minutes to years; which local times they name.

The fields, their values and wildcards are those of "Setting a schedule pattern",
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html. What a field allows is a set of
numbers; a day is a test, because what the last weekday is depends on the month. Time zones are `schedule_expressions`'.
"""

import calendar
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from itertools import dropwhile

from lambent.kit.frozen import frozen

YEARS = range(1970, 2200)

_MONTHS = {"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6, "JUL": 7, "AUG": 8}
_MONTHS |= {"SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12}
_WEEKDAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}

DayTest = Callable[[date], bool]


class InvalidCron(Exception):
    """Not what AWS calls a cron expression; says which part."""


@frozen
class Cron:
    """Which minutes are meant; all sequences ascend."""

    minutes: Sequence[int]
    hours: Sequence[int]
    has_day: DayTest
    months: frozenset[int]
    years: Sequence[int]

    def local_times(self, start: datetime) -> Iterator[datetime]:
        """From `start` on, without a time zone, in order."""
        for day in self._days(start.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    moment = datetime.combine(day, time(hour, minute))
                    if moment >= start:
                        yield moment

    def _days(self, start: date) -> Iterator[date]:
        for year in dropwhile(lambda year: year < start.year, self.years):
            for month in sorted(self.months):
                if (year, month) < (start.year, start.month):
                    continue
                for number in range(1, calendar.monthrange(year, month)[1] + 1):
                    day = date(year, month, number)
                    if day >= start and self.has_day(day):
                        yield day


def parse(fields: str) -> Cron:
    """What stands between the parentheses. Raises InvalidCron."""
    parts = fields.split()
    if len(parts) != 6:
        raise InvalidCron("a cron expression has six fields")
    minutes, hours, day_of_month, month, day_of_week, year = parts
    return Cron(
        minutes=sorted(_numbers(minutes, range(60))),
        hours=sorted(_numbers(hours, range(24))),
        has_day=_day(day_of_month, day_of_week.upper()),
        months=_numbers(month, range(1, 13), _MONTHS),
        years=sorted(_numbers(year, YEARS)),
    )


def _day(day_of_month: str, day_of_week: str) -> DayTest:
    """AWS: "If you specify a value or a * in one of the fields, you must use a ? in the other"."""
    if (day_of_month == "?") is (day_of_week == "?"):
        raise InvalidCron("one of day-of-month and day-of-week must be ?")
    return _in_month(day_of_month.upper()) if day_of_week == "?" else _in_week(day_of_week)


def _in_month(field: str) -> DayTest:
    if field == "L":
        return lambda day: day.day == _month_length(day)
    if field == "LW":
        return lambda day: day.day == _nearest_weekday(day, _month_length(day))
    if found := re.fullmatch(r"(\d+)W", field):
        wanted = _number(found[1], range(1, 32))
        return lambda day: wanted <= _month_length(day) and day.day == _nearest_weekday(day, wanted)
    numbers = _numbers(field, range(1, 32))
    return lambda day: day.day in numbers


def _in_week(field: str) -> DayTest:
    """`L` alone is the last day of the week, `6L` the last Friday of the month, `3#2` its second Tuesday."""
    if "/" in field:
        raise InvalidCron("/ is none of the wildcards of day-of-week")
    if field == "L":
        return lambda day: _weekday(day) == _WEEKDAYS["SAT"]
    if found := re.fullmatch(r"(\w+)L", field):
        last = _number(found[1], range(1, 8), _WEEKDAYS)
        return lambda day: _weekday(day) == last and day.day > _month_length(day) - 7
    if found := re.fullmatch(r"(\w+)#([1-5])", field):
        wanted, instance = _number(found[1], range(1, 8), _WEEKDAYS), int(found[2])
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == instance
    numbers = _numbers(field, range(1, 8), _WEEKDAYS)
    return lambda day: _weekday(day) in numbers


def _weekday(day: date) -> int:
    """1 is Sunday."""
    return day.isoweekday() % 7 + 1


def _month_length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> int:
    """The day of the month, Monday to Friday, that is nearest to `wanted` without leaving the month."""
    match day.replace(day=wanted).isoweekday():
        case 6:
            return wanted - 1 if wanted > 1 else wanted + 2
        case 7:
            return wanted + 1 if wanted < _month_length(day) else wanted - 2
        case _:
            return wanted


def _numbers(field: str, allowed: range, names: Mapping[str, int] | None = None) -> frozenset[int]:
    """Of a list of `*`, values, ranges and increments."""
    return frozenset(number for part in field.split(",") for number in _part(part, allowed, names or {}))


def _part(part: str, allowed: range, names: Mapping[str, int]) -> Iterator[int]:
    """`5`, `*`, `1-5`, `22-2` (over the end of the day), `*/5`, `1/10`, `10-40/5`."""
    span, slash, increment = part.partition("/")
    step = _number(increment, range(1, len(allowed))) if slash else 1
    if span == "*":
        yield from allowed[::step]
        return
    first_text, dash, last_text = span.partition("-")
    first = _number(first_text, allowed, names)
    last = _number(last_text, allowed, names) if dash else (allowed[-1] if slash else first)
    if last < first:
        last = _around(last, allowed)
    yield from ((number - allowed[0]) % len(allowed) + allowed[0] for number in range(first, last + 1, step))


def _around(last: int, allowed: range) -> int:
    """Where a range ends that passes the end of the day, week or year: `20-2` is one of AWS's own examples."""
    if allowed is YEARS:
        raise InvalidCron("years do not begin again")
    return last + len(allowed)


def _number(text: str, allowed: range, names: Mapping[str, int] | None = None) -> int:
    number = (names or {}).get(text.upper())
    if number is None and re.fullmatch(r"[0-9]{1,4}", text):
        number = int(text)
    if number is None or number not in allowed:
        raise InvalidCron(f"{text} is not between {allowed[0]} and {allowed[-1]}")
    return number
