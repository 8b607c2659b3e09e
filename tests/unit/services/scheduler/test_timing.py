"""When schedules fire, as tables. The expressions themselves: `tests/unit/services/test_schedule_expressions.py`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lambent.services.scheduler import timing
from lambent.services.scheduler.schedules import Timetable

MINUTE_MS = 60_000


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def utc(time_ms: int | None) -> str | None:
    return None if time_ms is None else datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def table(expression: str, zone: str = "UTC", start: str = "", end: str = "", window: int = 0) -> Timetable:
    return Timetable(expression, zone, ms(start) if start else None, ms(end) if end else None, window, True)


def nowhere() -> float:
    return 0.0


@pytest.mark.parametrize(
    ("timetable", "first"),
    [
        # a rate starts at once, or at its start
        (table("rate(5 minutes)"), "2026-03-01T10:00:30"),
        (table("rate(5 minutes)", start="2026-03-01T10:20:00"), "2026-03-01T10:20:00"),
        (table("rate(5 minutes)", start="2026-03-01T09:58:00"), "2026-03-01T10:03:00"),
        (table("rate(5 minutes)", start="2026-03-01T10:20:00", end="2026-03-01T10:10:00"), None),
        # cron waits for its time, not before its start, not after its end
        (table("cron(0 12 * * ? *)"), "2026-03-01T12:00:00"),
        (table("cron(0 12 * * ? *)", start="2026-03-01T12:00:01"), "2026-03-02T12:00:00"),
        (table("cron(0 12 * * ? *)", start="2026-03-01T12:00:00"), "2026-03-01T12:00:00"),
        (table("cron(0 12 * * ? *)", end="2026-03-01T11:00:00"), None),
        (table("cron(0 12 * * ? *)", end="2026-03-01T12:00:00"), "2026-03-01T12:00:00"),
        (table("cron(0 12 * * ? *)", "America/New_York"), "2026-03-01T17:00:00"),
        # one time ignores start and end, and may be late by a minute
        (table("at(2026-03-01T12:00:00)", start="2026-04-01T00:00:00"), "2026-03-01T12:00:00"),
        (table("at(2026-03-01T12:00:00)", end="2026-02-01T00:00:00"), "2026-03-01T12:00:00"),
        (table("at(2026-03-01T12:00:00)", "Europe/Zurich"), "2026-03-01T11:00:00"),
        (table("at(2026-03-01T10:00:00)"), "2026-03-01T10:00:00"),
        (table("at(2026-03-01T09:59:00)"), None),
    ],
)
def test_the_first_time(timetable: Timetable, first: str | None) -> None:
    plan = timing.first_plan(timetable, ms("2026-03-01T10:00:30"), nowhere)
    assert utc(plan.occurrence_ms) == first
    assert plan.due_ms == plan.occurrence_ms


def test_a_disabled_schedule_has_no_next_time() -> None:
    plan = timing.first_plan(replace(table("rate(1 minute)"), is_enabled=False), 0, nowhere)
    assert (plan.occurrence_ms, plan.due_ms) == (None, None)


def test_a_rate_is_counted_from_where_it_was_before() -> None:
    plan = timing.first_plan(table("rate(5 minutes)"), 601_000, nowhere, anchor_ms=1_000)
    assert plan.occurrence_ms == 601_000
    plan = timing.first_plan(table("rate(5 minutes)"), 601_001, nowhere, anchor_ms=1_000)
    assert plan.occurrence_ms == 901_000


@pytest.mark.parametrize(
    ("window", "fired_at", "following"),
    [
        (0, "10:00:00", "10:05:00"),
        (0, "10:04:59", "10:05:00"),
        (0, "10:05:00", "10:10:00"),
        (0, "14:02:00", "14:05:00"),  # after four hours of downtime: once, then the regular times
        (3, "10:02:30", "10:05:00"),
        (7, "10:06:00", "10:05:00"),  # windows may overlap: no occurrence is left out
        (7, "14:02:00", "14:00:00"),  # of those missed, the ones whose window is still open
    ],
)
def test_what_follows(window: int, fired_at: str, following: str) -> None:
    timetable = table("rate(5 minutes)", window=window)
    plan = timing.first_plan(timetable, ms("2026-03-01T10:00:00"), nowhere)
    plan = timing.following_plan(timetable, plan, ms(f"2026-03-01T{fired_at}"), nowhere)
    assert utc(plan.occurrence_ms) == f"2026-03-01T{following}"


def test_nothing_follows_one_time_or_the_end() -> None:
    for timetable in (table("at(2026-03-01T12:00:00)"), table("rate(1 day)", end="2026-03-02T09:00:00")):
        plan = timing.first_plan(timetable, ms("2026-03-01T10:00:00"), nowhere)
        assert plan.occurrence_ms is not None
        plan = timing.following_plan(timetable, plan, plan.occurrence_ms, nowhere)
        assert (plan.occurrence_ms, plan.due_ms) == (None, None)


@pytest.mark.parametrize(("spread", "minutes"), [(lambda: 0.0, 0), (lambda: 0.5, 5), (lambda: 0.999, 9.99)])
def test_an_occurrence_falls_somewhere_in_its_window(spread: Callable[[], float], minutes: float) -> None:
    plan = timing.first_plan(table("cron(0 12 * * ? *)", window=10), ms("2026-03-01T10:00:00"), spread)
    assert plan.occurrence_ms is not None
    assert plan.due_ms == plan.occurrence_ms + round(minutes * MINUTE_MS)


@pytest.mark.parametrize(
    ("zone", "expression", "start", "times"),
    [
        # 02:30 does not exist on 29 March: that day is left out
        (
            "Europe/Zurich", "cron(30 2 * * ? *)", "2026-03-27T12:00:00",
            ["2026-03-28T01:30:00", "2026-03-30T00:30:00", "2026-03-31T00:30:00"],
        ),
        # 01:30 comes twice on 1 November: it is worked once
        (
            "America/New_York", "cron(30 1 * * ? *)", "2026-10-31T12:00:00",
            ["2026-11-01T05:30:00", "2026-11-02T06:30:00"],
        ),
        # a rate knows no zone
        (
            "Europe/Zurich", "rate(1 day)", "2026-03-28T12:00:00",
            ["2026-03-28T12:00:00", "2026-03-29T12:00:00", "2026-03-30T12:00:00"],
        ),
    ],
)  # fmt: skip
def test_when_the_clocks_change(zone: str, expression: str, start: str, times: list[str]) -> None:
    timetable = table(expression, zone)
    plan = timing.first_plan(timetable, ms(start), nowhere)
    found = []
    for _ in times:
        assert plan.occurrence_ms is not None
        found.append(utc(plan.occurrence_ms))
        plan = timing.following_plan(timetable, plan, plan.occurrence_ms, nowhere)
    assert found == times
