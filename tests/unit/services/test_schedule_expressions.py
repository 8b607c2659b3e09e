"""Schedule expressions, by the examples of the user guides of EventBridge and EventBridge Scheduler.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html,
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.schedule_expressions import InvalidSchedule, Rate, parse

MINUTE_MS = 60_000
NEW_YORK = "America/New_York"


def ms(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def utc(time_ms: int | None) -> str | None:
    return None if time_ms is None else datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


NEXT_TIMES: list[tuple[str, str, list[str]]] = [
    # the table of the user guide; 2026-11-26 is a Thursday
    ("0 10 * * ? *", "2026-11-26T09:59:59", ["2026-11-26T10:00", "2026-11-27T10:00"]),
    ("0 10 * * ? *", "2026-11-26T10:00", ["2026-11-27T10:00"]),
    ("15 12 * * ? *", "2026-12-31T13:00", ["2027-01-01T12:15"]),
    ("0 18 ? * MON-FRI *", "2026-11-26T18:00", ["2026-11-27T18:00", "2026-11-30T18:00"]),
    ("0 8 1 * ? *", "2026-11-26T00:00", ["2026-12-01T08:00", "2027-01-01T08:00"]),
    ("0/15 * * * ? *", "2026-11-26T10:44", ["2026-11-26T10:45", "2026-11-26T11:00", "2026-11-26T11:15"]),
    ("0/10 * ? * MON-FRI *", "2026-11-27T23:50", ["2026-11-30T00:00", "2026-11-30T00:10"]),
    ("0/5 8-17 ? * MON-FRI *", "2026-11-27T17:54", ["2026-11-27T17:55", "2026-11-30T08:00"]),
    ("0/30 20-2 ? * MON-FRI *", "2026-11-27T01:59", ["2026-11-27T02:00", "2026-11-27T02:30", "2026-11-27T20:00"]),
    ("15 10 ? * 6L 2026-2027", "2026-11-26T00:00", ["2026-11-27T10:15", "2026-12-25T10:15", "2027-01-29T10:15"]),
    # the wildcards
    ("1/10 0 1 JAN,feb ? *", "2026-11-26T00:00", ["2027-01-01T00:01", "2027-01-01T00:11", "2027-01-01T00:21"]),
    ("*/20 5 1 1 ? *", "2027-01-01T05:00", ["2027-01-01T05:20", "2027-01-01T05:40", "2028-01-01T05:00"]),
    ("10-20/5,59 0 1 1 ? *", "2027-01-01T00:00", [f"2027-01-01T00:{m}" for m in (10, 15, 20, 59)]),
    ("50-10/10 3 1 1 ? *", "2027-01-01T00:00", [f"2027-01-01T03:{m}" for m in ("00", "10", "50")]),
    ("0 0 L * ? *", "2028-02-01T00:00", ["2028-02-29T00:00", "2028-03-31T00:00"]),
    ("0 0 LW * ? *", "2026-10-01T00:00", ["2026-10-30T00:00", "2026-11-30T00:00"]),
    ("0 0 3W * ? *", "2026-09-30T00:00", ["2026-10-02T00:00", "2026-11-03T00:00", "2026-12-03T00:00"]),
    ("0 0 1W * ? *", "2026-07-31T00:00", ["2026-08-03T00:00"]),
    ("0 0 31W * ? *", "2027-01-01T00:00", ["2027-01-29T00:00", "2027-03-31T00:00", "2027-05-31T00:00"]),
    ("0 0 ? * L *", "2026-11-26T00:00", ["2026-11-28T00:00", "2026-12-05T00:00"]),
    ("0 0 ? * 3#2 *", "2026-11-26T00:00", ["2026-12-08T00:00"]),
    ("0 9 ? * MON#5 *", "2026-11-26T00:00", ["2026-11-30T09:00", "2027-03-29T09:00"]),
    ("0 0 ? * FRI-MON *", "2026-11-26T00:00", [f"2026-11-{d}T00:00" for d in (27, 28, 29, 30)] + ["2026-12-04T00:00"]),
    ("0 0 ? * FRIL *", "2026-11-26T00:00", ["2026-11-27T00:00"]),
    ("0 0 29 2 ? *", "2096-12-01T00:00", ["2104-02-29T00:00"]),
    ("0 0 30 FEB ? *", "2026-11-26T00:00", []),
    ("0 0 1 1 ? 2025", "2026-11-26T00:00", []),
    ("0 0 1 1 ? 2026/2", "2026-11-26T00:00", ["2028-01-01T00:00", "2030-01-01T00:00"]),
    ("59 23 31 12 ? 2199", "2026-11-26T00:00", ["2199-12-31T23:59"]),
]


@pytest.mark.parametrize(("fields", "after", "expected"), NEXT_TIMES)
def test_cron(fields: str, after: str, expected: list[str]) -> None:
    schedule = parse(f"cron({fields})")
    time_ms: int | None = ms(after)
    for moment in expected:
        assert time_ms is not None
        time_ms = schedule.next_after(time_ms)
        assert utc(time_ms) == moment
    if not expected:
        assert schedule.next_after(ms(after)) is None


@pytest.mark.parametrize(
    ("fields", "zone", "after", "expected"),
    [
        # noon is noon in winter and in summer
        ("0 12 * * ? *", NEW_YORK, "2026-03-07T20:00", ["2026-03-08T16:00", "2026-03-09T16:00"]),
        ("0 12 * * ? *", NEW_YORK, "2026-10-31T20:00", ["2026-11-01T17:00"]),
        # half past two does not exist on 8 March 2026
        ("30 2 * * ? *", NEW_YORK, "2026-03-07T20:00", ["2026-03-09T06:30"]),
        # half past one comes twice on 1 November 2026; once is enough
        ("30 1 * * ? *", NEW_YORK, "2026-10-31T20:00", ["2026-11-01T05:30", "2026-11-02T06:30"]),
        ("0/30 * * * ? *", NEW_YORK, "2026-11-01T05:00", ["2026-11-01T05:30", "2026-11-01T07:00"]),
        ("0/30 * * * ? *", NEW_YORK, "2026-11-01T06:10", ["2026-11-01T07:00"]),
        ("0/30 * * * ? *", NEW_YORK, "2026-03-08T06:00", ["2026-03-08T06:30", "2026-03-08T07:00"]),
        # the day begins elsewhere
        ("0 0 1 * ? *", "Asia/Kolkata", "2026-11-26T00:00", ["2026-11-30T18:30"]),
        ("0 9 ? * MON *", "Australia/Lord_Howe", "2026-11-26T00:00", ["2026-11-29T22:00"]),
    ],
)
def test_cron_in_a_time_zone(fields: str, zone: str, after: str, expected: list[str]) -> None:
    time_ms: int | None = ms(after)
    for moment in expected:
        assert time_ms is not None
        time_ms = parse(f"cron({fields})").next_after(time_ms, zone)
        assert utc(time_ms) == moment


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_cron_ends_with_the_calendar(zone: str) -> None:
    """A schedule may start as late as clients can say it, in any zone."""
    start_ms = ms("9999-12-31T23:59:59")
    assert parse("cron(0 0 * * ? *)").next_after(0, zone, start_ms=start_ms) is None


def test_cron_waits_for_its_start() -> None:
    start_ms = ms("2027-01-01T10:00")
    assert parse("cron(0 10 * * ? *)").next_after(ms("2026-11-26T00:00"), start_ms=start_ms) == start_ms


@pytest.mark.parametrize(
    ("expression", "period_ms", "is_grammatical"),
    [
        ("rate(1 minute)", MINUTE_MS, True),
        ("rate(5 minutes)", 5 * MINUTE_MS, True),
        ("rate(1 hour)", 60 * MINUTE_MS, True),
        ("rate(7 days)", 7 * 24 * 60 * MINUTE_MS, True),
        ("rate(1 hours)", 60 * MINUTE_MS, False),
        ("rate(2 day)", 48 * 60 * MINUTE_MS, False),
    ],
)
def test_rate(expression: str, period_ms: int, is_grammatical: bool) -> None:
    schedule = parse(expression)
    assert schedule == Rate(period_ms, is_grammatical)
    start_ms = ms("2026-11-26T10:00:07")
    assert schedule.next_after(start_ms - 1, start_ms=start_ms) == start_ms
    assert schedule.next_after(start_ms, start_ms=start_ms) == start_ms + period_ms
    assert schedule.next_after(start_ms + period_ms - 1, start_ms=start_ms) == start_ms + period_ms
    assert schedule.next_after(start_ms + 10 * period_ms, NEW_YORK, start_ms=start_ms) == start_ms + 11 * period_ms


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-12-24T18:00:30", "UTC", "2026-12-24T18:00:30"),
        ("2026-12-24T18:00:00", "Europe/Berlin", "2026-12-24T17:00:00"),
        ("2026-03-08T02:30:00", NEW_YORK, "2026-03-08T07:30:00"),
        ("2026-11-01T01:30:00", NEW_YORK, "2026-11-01T05:30:00"),
    ],
)
def test_at(text: str, zone: str, expected: str) -> None:
    schedule, moment_ms = parse(f"at({text})"), ms(expected)
    assert schedule.next_after(moment_ms - 1, zone) == moment_ms
    assert schedule.next_after(moment_ms, zone) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hourly",
        "rate()",
        "rate( 5 minutes )",
        "rate(5)",
        "rate(0 minutes)",
        "rate(-1 minutes)",
        "rate(1.5 hours)",
        "rate(5 weeks)",
        "rate(5 minutes",
        "Rate(5 minutes)",
        "rate(1234567 days)",
        "at(2026-12-24)",
        "at(2026-12-24T18:00)",
        "at(2026-13-24T18:00:00)",
        "at(2026-12-24T18:00:00Z)",
        "cron()",
        "cron(0 10 * * *)",
        "cron(0 10 * * ? * *)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(0 10 1 * MON *)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 10 0 * ? *)",
        "cron(0 10 32 * ? *)",
        "cron(0 10 * 13 ? *)",
        "cron(0 10 ? * 8 *)",
        "cron(0 10 ? * 3#6 *)",
        "cron(0 10 ? * 3#1,6#3 *)",
        "cron(0 10 ? * MON/2 *)",
        "cron(0 10 * * ? 1969)",
        "cron(0 10 * * ? 2200)",
        "cron(0 10 * * ? 2030-2026)",
        "cron(0 10 L,15 * ? *)",
        "cron(0 10 W * ? *)",
        "cron(0 10 32W * ? *)",
        "cron(*/0 10 * * ? *)",
        "cron(*/60 10 * * ? *)",
        "cron(1-2-3 10 * * ? *)",
        "cron(, 10 * * ? *)",
        "cron(? 10 * * ? *)",
        "cron(\u0661 10 * * ? *)",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        parse(text)
    assert str(refused.value) == f"Invalid Schedule Expression {text}."


def test_an_unknown_zone_is_the_callers_to_report() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        parse("cron(0 10 * * ? *)").next_after(0, "Mars/Olympus")


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, *, has_steps: bool = True) -> tuple[str, set[int]]:
    """A field's text and the numbers it allows, worked out the slow way."""
    texts, numbers = [], set[int]()
    for _ in range(draw(st.integers(1, 2))):
        first, last = draw(st.integers(low, high)), draw(st.integers(low, high))
        step = draw(st.integers(1, high - low))
        walk = [(first - low + at) % (high - low + 1) + low for at in range((last - first) % (high - low + 1) + 1)]
        text, allowed = draw(
            st.sampled_from(
                [
                    ("*", set(range(low, high + 1))),
                    (f"{first}", {first}),
                    (f"{first}-{last}", set(walk)),
                ]
                + [
                    (f"{first}-{last}/{step}", set(walk[::step])),
                    (f"{first}/{step}", set(range(first, high + 1, step))),
                ]
                * has_steps
            )
        )
        texts.append(text)
        numbers |= allowed
    return ",".join(texts), numbers


@settings(max_examples=50)
@given(
    minutes=fields(0, 59),
    hours=fields(0, 23),
    days=fields(1, 7, has_steps=False),
    zone=st.sampled_from(["UTC", NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    start=st.sampled_from(["2026-03-08T05:00", "2026-11-01T04:00", "2026-03-29T00:00", "2026-10-25T00:00"]),
    offset=st.integers(0, 24 * 60 - 1),
)
def test_cron_is_what_walking_every_minute_finds(
    minutes: tuple[str, set[int]],
    hours: tuple[str, set[int]],
    days: tuple[str, set[int]],
    zone: str,
    start: str,
    offset: int,
) -> None:
    start_ms, place = ms(start) + offset * MINUTE_MS, ZoneInfo(zone)
    found = parse(f"cron({minutes[0]} {hours[0]} ? * {days[0]} *)").next_after(start_ms, zone)
    assert found is not None
    first = start_ms // MINUTE_MS + 1
    for minute in range(first, first + 3 * 24 * 60):
        wall = datetime.fromtimestamp(minute * 60, place)
        weekday = wall.isoweekday() % 7 + 1
        if wall.minute in minutes[1] and wall.hour in hours[1] and weekday in days[1] and not wall.fold:
            assert found == minute * MINUTE_MS
            return
    assert found >= (first + 3 * 24 * 60) * MINUTE_MS
