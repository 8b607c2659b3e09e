"""Rules that fire by the clock: on time, once, late rather than never."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from delivery.event_stage import ACCOUNT, Stage, in_stage, stage
from delivery.scene import until
from delivery.schedule_stage import SettableClock
from lambent.kit.clock import VirtualClock
from lambent.services.events.rules import State

#: 2026-11-26T10:00:30Z
START = datetime(2026, 11, 26, 10, 0, 30, tzinfo=UTC).timestamp()


def test_a_rate(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        arn = await stage.rule("tick", {}, schedule="rate(5 minutes)")
        await stage.advance(299)
        assert stage.bodies() == []
        await stage.advance(1)
        await until(lambda: len(stage.bodies()) == 1)
        [event] = stage.documents()
        event.pop("id")
        assert event == {
            "version": "0",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": "2026-11-26T10:05:30Z",
            "region": "us-east-1",
            "resources": [arn],
            "detail": {},
        }
        await stage.advance(300)
        await until(lambda: len(stage.bodies()) == 2)

    in_stage(body, tmp_path, clock=VirtualClock(START))


def test_cron_and_an_earlier_one_that_comes_later(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.rule("noon", {"Input": '"noon"'}, schedule="cron(0 12 * * ? *)")
        await stage.rule("eleven", {"Input": '"eleven"'}, schedule="cron(0 11 * * ? *)")
        await stage.advance(3600)
        await until(lambda: stage.documents() == ["eleven"])
        await stage.advance(3600)
        await until(lambda: stage.documents() == ["eleven", "noon"])

    in_stage(body, tmp_path, clock=VirtualClock(START))


def test_only_the_rule_itself_is_fired(tmp_path: Path) -> None:
    """A pattern beside the schedule is asked of other events, not of this one; nor are other rules."""

    async def body(stage: Stage) -> None:
        await stage.rule("both", {"Input": '"both"'}, schedule="rate(1 minute)", pattern='{"source": ["orders"]}')
        await stage.rule("all", {"Input": '"all"'}, pattern='{"source": [{"prefix": ""}]}')
        await stage.advance(60)
        await until(lambda: stage.documents() == ["both"])
        await stage.put()
        await until(lambda: sorted(stage.documents()) == ["all", "both", "both"])

    in_stage(body, tmp_path, clock=VirtualClock(START))


def test_disabled_fires_nothing(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.rule("tick", {}, schedule="rate(1 minute)")
        await stage.rule("tick", {}, schedule="rate(1 minute)", state=State.DISABLED)
        await stage.advance(300)
        assert stage.bodies() == []

    in_stage(body, tmp_path, clock=VirtualClock(START))


def test_what_fell_due_while_nobody_ran_fires_once_and_goes_on_in_its_rhythm(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with stage(tmp_path, clock=VirtualClock(START)) as one:
            await one.rule("tick", {}, schedule="rate(5 minutes)")
            await one.advance(300)
            await until(lambda: len(one.bodies()) == 1)
        later = VirtualClock(START + 300 + 3 * 300 + 40)
        async with stage(tmp_path, clock=later) as one:
            await until(lambda: len(one.bodies()) == 2)
            assert [event["time"] for event in one.documents()] == ["2026-11-26T10:05:30Z", "2026-11-26T10:10:30Z"]
            await one.advance(259)
            assert len(one.bodies()) == 2
            await one.advance(1)
            await until(lambda: len(one.bodies()) == 3)

    asyncio.run(scenario())


def test_a_wall_clock_that_is_set_forward_makes_what_it_skipped_late_at_most_a_minute(tmp_path: Path) -> None:
    clock = SettableClock(START)

    async def body(stage: Stage) -> None:
        await stage.rule("noon", {"Input": '"noon"'}, schedule="cron(0 12 * * ? *)")
        await stage.advance(1)
        clock.error_seconds = 3 * 3600
        await stage.advance(60)
        await until(lambda: stage.documents() == ["noon"])

    in_stage(body, tmp_path, clock=clock)


@pytest.mark.parametrize("schedule", ["rate(1 hour)", "cron(30 10 * * ? *)"])
def test_a_wall_clock_that_was_years_ahead_wedges_nothing(tmp_path: Path, schedule: str) -> None:
    clock = SettableClock(START)
    clock.error_seconds = 4 * 365 * 86_400

    async def body(stage: Stage) -> None:
        await stage.rule("r", {"Input": '"on"'}, schedule=schedule)
        await stage.advance(1)
        clock.error_seconds = 0
        await stage.advance(60)
        await stage.advance(3600)
        await until(lambda: stage.documents() == ["on"])

    in_stage(body, tmp_path, clock=clock)


@pytest.mark.parametrize("schedule", ["rate(1 minute)", "rate(1 hour)"])
def test_a_rule_that_meets_a_bug_holds_up_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, schedule: str
) -> None:
    """When it is due, or when it is planned anew at a start."""
    clock = SettableClock(START)

    async def scenario() -> None:
        async with stage(tmp_path, clock=clock) as first:
            await first.rule("bad", {"Input": '"bad"'}, schedule=schedule)
            await first.rule("good", {"Input": '"good"'}, schedule="rate(1 minute)")
            await first.database.write(
                lambda tx: tx.execute("UPDATE event_rule SET schedule = 'nonsense' WHERE name = 'bad'")
            )
        async with stage(tmp_path, clock=clock) as second:
            await second.advance(60)
            await until(lambda: second.documents() == ["good"])
            await second.database.write(
                lambda tx: tx.execute("UPDATE event_rule SET schedule = ? WHERE name = 'bad'", (schedule,))
            )
            await second.advance(3600)
            await until(lambda: "bad" in second.documents())

    asyncio.run(scenario())
    assert "rule/bad" in caplog.text
