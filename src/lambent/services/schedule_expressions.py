"""Schedule expressions, `at(...)`, `rate(...)` and `cron(...)`: when is the next time?

Rules of EventBridge and schedules of EventBridge Scheduler are written in them. Local time is Scheduler's: "When time
shifts forward in the spring, if a cron expression falls on a non-existent date and time, your schedule invocation is
skipped. When time shifts backwards in the fall, your schedule runs only once" (so the hour that comes twice is worked
in its first coming). A rate counts elapsed time and knows no zone.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from lambent.kit.frozen import frozen
from lambent.services import cron_expressions
from lambent.services.cron_expressions import Cron, InvalidCron

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = re.compile(r"(at|rate|cron)\((.*)\)", re.DOTALL)
_RATE = re.compile(r"([1-9][0-9]{0,5})\s+(minute|hour|day)(s?)")
_AT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_MS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


class InvalidSchedule(Exception):
    """In EventBridge Scheduler's words. Rules have a sentence of their own for it."""


class Schedule(Protocol):
    """A parsed expression."""

    def next_after(self, time_ms: int, zone: str = "UTC", *, start_ms: int = 0) -> int | None:
        """The first time later than `time_ms` and not before `start_ms`; None if there is no more.

        `zone` is a name of the IANA database (raises ZoneInfoNotFoundError or ValueError otherwise).
        """


@frozen
class At:
    """One time."""

    moment: datetime
    """Local."""

    def next_after(self, time_ms: int, zone: str = "UTC", *, start_ms: int = 0) -> int | None:
        """A local time that is skipped in spring is taken for as much later as the clock was moved."""
        moment_ms = _milliseconds(self.moment.replace(tzinfo=_place(zone)))
        return moment_ms if moment_ms > time_ms and moment_ms >= start_ms else None


@frozen
class Rate:
    """Every so often, counted from the start, which is the first time."""

    period_ms: int
    is_grammatical: bool
    """`1 minute` and `5 minutes` are, `1 minutes` and `5 minute` are not; rules insist on it, Scheduler does not."""

    def next_after(self, time_ms: int, zone: str = "UTC", *, start_ms: int = 0) -> int | None:
        del zone
        elapsed = time_ms - start_ms
        return start_ms if elapsed < 0 else start_ms + (elapsed // self.period_ms + 1) * self.period_ms


@frozen
class CronSchedule:
    """Whenever the clock on the wall shows one of these times."""

    cron: Cron

    def next_after(self, time_ms: int, zone: str = "UTC", *, start_ms: int = 0) -> int | None:
        after_ms = max(time_ms, start_ms - 1)
        place = _place(zone)
        try:
            start = _local(after_ms, place)
        except OverflowError:  # the year 10,000 on that wall
            return None
        for moment in self.cron.local_times(start):
            there = moment.replace(tzinfo=place)
            moment_ms = _milliseconds(there)
            if moment_ms > after_ms and _local(moment_ms, place) == moment:
                return moment_ms
        return None


def parse(text: str) -> Schedule:
    """Raises InvalidSchedule."""
    schedule = _read(text)
    if schedule is None:
        raise InvalidSchedule(f"Invalid Schedule Expression {text}.")
    return schedule


def _read(text: str) -> Schedule | None:
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    kind, inside = form.groups()
    match kind:
        case "at":
            return _read_at(inside)
        case "rate":
            return _read_rate(inside)
        case _:
            return _read_cron(inside)


def _read_at(inside: str) -> At | None:
    if not _AT.fullmatch(inside):
        return None
    try:
        return At(datetime.fromisoformat(inside))
    except ValueError:
        return None


def _read_rate(inside: str) -> Rate | None:
    found = _RATE.fullmatch(inside)
    if found is None:
        return None
    count, unit, plural = found.groups()
    return Rate(period_ms=int(count) * _MS[unit], is_grammatical=(count == "1") is (plural == ""))


def _read_cron(inside: str) -> CronSchedule | None:
    try:
        return CronSchedule(cron_expressions.parse(inside))
    except InvalidCron:
        return None


def _place(zone: str) -> tzinfo:
    """UTC needs no database of zones."""
    return UTC if zone == "UTC" else ZoneInfo(zone)


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _local(time_ms: int, place: tzinfo) -> datetime:
    """Without its zone and without `fold`, as clocks on walls are."""
    return (_EPOCH + timedelta(milliseconds=time_ms)).astimezone(place).replace(tzinfo=None, fold=0)
