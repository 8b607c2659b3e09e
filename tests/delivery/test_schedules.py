"""Schedules: each occurrence is sent once, at its time, whatever happens to the platform, the target or the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from delivery.schedule_stage import CALLED, CALLER, DEAD, TARGET, Outside, Stage, clock_at, clock_text, stage
from lambent.services.scheduler import store
from lambent.services.scheduler.schedules import ScheduleKey

HOUR, DAY = 3_600.0, 86_400.0


def play(path: Path, start: str, act: Callable[[Stage], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with stage(path, Outside(clock_at(start)), **options) as world:
            await act(world)

    asyncio.run(main())


def test_one_time_a_rate_and_cron(tmp_path: Path) -> None:
    async def act(world: Stage) -> None:
        await world.create("once", "at(2026-03-01T10:02:10)")
        await world.create("rate", "rate(2 minutes)")
        await world.create("cron", "cron(0/5 * * * ? *)")
        await world.pass_time(400)
        assert world.sent() == [
            ("rate 2026-03-01T10:00:30Z", "01T10:00:30"),
            ("once 2026-03-01T10:02:10Z", "01T10:02:10"),
            ("rate 2026-03-01T10:02:30Z", "01T10:02:30"),
            ("rate 2026-03-01T10:04:30Z", "01T10:04:30"),
            ("cron 2026-03-01T10:05:00Z", "01T10:05:00"),
            ("rate 2026-03-01T10:06:30Z", "01T10:06:30"),
        ]
        once = world.find("once")
        assert once is not None
        assert once.plan.due_ms is None

    play(tmp_path, "2026-03-01T10:00:30", act)


def test_times_are_local_and_noon_stays_noon_when_the_clocks_change(tmp_path: Path) -> None:
    async def act(world: Stage) -> None:
        await world.create("noon", "cron(0 12 * * ? *)", ScheduleExpressionTimezone="Europe/Zurich")
        await world.create("night", "cron(30 2 * * ? *)", ScheduleExpressionTimezone="Europe/Zurich")
        await world.pass_time(2 * DAY)
        assert world.bodies() == [
            "night 2026-03-28T01:30:00Z",
            "noon 2026-03-28T11:00:00Z",
            "noon 2026-03-29T10:00:00Z",  # and no 02:30 on this day
        ]

    play(tmp_path, "2026-03-27T23:00:00", act)


def test_a_flexible_window_spreads_what_is_sent_and_keeps_what_was_scheduled(tmp_path: Path) -> None:
    numbers = iter([0.1, 0.9, 0.0, 0.5])

    async def act(world: Stage) -> None:
        await world.create("s", "cron(0 * * * ? *)", Window=30)
        await world.pass_time(2.8 * HOUR)
        assert world.sent() == [
            ("s 2026-03-01T11:00:00Z", "01T11:03:00"),
            ("s 2026-03-01T12:00:00Z", "01T12:27:00"),
        ]

    play(tmp_path, "2026-03-01T10:00:01", act, spread=lambda: next(numbers))


def test_start_and_end(tmp_path: Path) -> None:
    async def act(world: Stage) -> None:
        await world.create("s", "rate(1 hour)", StartDate="2026-03-01T12:30:00", EndDate="2026-03-01T14:30:00")
        await world.pass_time(8 * HOUR)
        assert world.bodies() == [f"s 2026-03-01T{hour}:30:00Z" for hour in (12, 13, 14)]
        assert world.find("s") is not None

    play(tmp_path, "2026-03-01T10:00:00", act)


def test_completion_deletes_what_is_to_be_deleted_then(tmp_path: Path) -> None:
    async def act(world: Stage) -> None:
        await world.create("once", "at(2026-03-01T11:00:00)", ActionAfterCompletion="DELETE")
        await world.create("twice", "rate(1 hour)", EndDate="2026-03-01T11:30:00", ActionAfterCompletion="DELETE")
        await world.pass_time(0.5 * HOUR)
        assert world.find("once") is not None
        await world.pass_time(0.5 * HOUR)
        assert world.find("once") is None
        assert world.find("twice") is None
        assert len(world.sent()) == 3

    play(tmp_path, "2026-03-01T10:00:00", act)


def test_changes_take_effect_at_once(tmp_path: Path) -> None:
    async def act(world: Stage) -> None:
        await world.create("s", "rate(1 hour)")
        await world.update("s", "rate(1 hour)", Description="the times stay")
        await world.pass_time(1.5 * HOUR)
        assert [when for _, when in world.sent()] == ["01T10:00:00", "01T11:00:00"]
        await world.update("s", "rate(1 hour)", State="DISABLED")
        await world.pass_time(2 * HOUR)
        await world.update("s", "rate(1 hour)")
        await world.pass_time(1 * HOUR)
        assert [when for _, when in world.sent()][2:] == ["01T14:00:00"]
        await world.update("s", "at(2026-03-01T14:45:00)")
        await world.pass_time(1 * HOUR)
        assert [when for _, when in world.sent()][3:] == ["01T14:45:00"]
        await world.operations.delete_schedule(CALLER, {"Name": "s"})
        await world.pass_time(1 * HOUR)
        assert len(world.sent()) == 4

    play(tmp_path, "2026-03-01T10:00:00", act)


def test_what_fell_due_while_the_platform_was_down_fires_once_and_late(tmp_path: Path) -> None:
    async def main() -> None:
        outside = Outside(clock_at("2026-03-01T10:00:00"))
        async with stage(tmp_path, outside) as world:
            await world.create("once", "at(2026-03-01T11:00:00)")
            await world.create("rate", "rate(10 minutes)")
            await world.create("cron", "cron(30 * * * ? *)")
        await outside.clock.advance(4 * HOUR + 5 * 60)
        async with stage(tmp_path, outside) as world:
            await world.settle()
            late = world.sent()[1:]
            assert sorted(late) == [
                ("cron 2026-03-01T10:30:00Z", "01T14:05:00"),
                ("once 2026-03-01T11:00:00Z", "01T14:05:00"),
                ("rate 2026-03-01T10:10:00Z", "01T14:05:00"),
            ]
            await world.pass_time(10 * 60)
            assert world.sent()[4:] == [("rate 2026-03-01T14:10:00Z", "01T14:10:00")]

    asyncio.run(main())


def test_what_is_refused_is_tried_again_with_its_number_and_ends_as_a_dead_letter(tmp_path: Path) -> None:
    async def act(world: Stage) -> None:
        world.outside.refusing.add(TARGET)
        text = "<aws.scheduler.scheduled-time> <aws.scheduler.attempt-number>"
        retries = {"MaximumRetryAttempts": 2}
        await world.create(
            "s", "at(2026-03-01T10:00:00)",
            Target={"Input": text, "RetryPolicy": retries, "DeadLetterConfig": {"Arn": DEAD}},
        )  # fmt: skip
        await world.create("healed", "at(2026-03-01T10:01:00)", Target={"Input": text})
        await world.pass_time(61)
        assert world.sent() == []
        assert world.bodies(DEAD) == ["2026-03-01T10:00:00Z 3"]
        [letter] = world.rest(DEAD)
        assert {name: value for name, value in letter["attributes"].items() if name != "EXECUTION_ID"} == {
            "ERROR_CODE": "Throttled",
            "ERROR_MESSAGE": "not now",
            "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": "2",
            "SCHEDULED_TIME": "2026-03-01T10:00:00Z",
            "SCHEDULE_ARN": "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s",
            "TARGET_ARN": TARGET,
        }
        assert len(letter["attributes"]["EXECUTION_ID"]) == 16
        world.outside.refusing.clear()
        await world.pass_time(60)
        assert world.bodies() == ["2026-03-01T10:01:00Z 3"]
        assert world.waiting() == 0

    play(tmp_path, "2026-03-01T10:00:00", act)


def test_an_old_event_and_a_final_refusal_end_as_well(tmp_path: Path) -> None:
    async def act(world: Stage) -> None:
        world.outside.refusing.add(TARGET)
        dead = {"DeadLetterConfig": {"Arn": DEAD}}
        await world.create(
            "old", "at(2026-03-01T10:00:00)", Target={**dead, "RetryPolicy": {"MaximumEventAgeInSeconds": 60}}
        )
        await world.pass_time(90)
        world.outside.is_final = True
        await world.create("final", "rate(1 day)", Target=dead)
        conditions = [one["attributes"].get("EXHAUSTED_RETRY_CONDITION") for one in world.rest(DEAD)]
        assert conditions == ["MaximumEventAgeInSeconds", None]
        assert world.waiting() == 0

    play(tmp_path, "2026-03-01T10:00:00", act)


def test_what_is_counted(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html, "List of metrics"."""

    async def act(world: Stage) -> None:
        await world.create("good", "rate(1 day)")
        world.outside.refusing |= {TARGET, CALLED}
        once = {"RetryPolicy": {"MaximumRetryAttempts": 1}}
        await world.create("buried", "rate(1 day)", Target={**once, "DeadLetterConfig": {"Arn": DEAD}})
        call = {"Arn": CALLED, "Input": "{}", **once}
        await world.create("lost", "rate(1 day)", Target=call)
        await world.pass_time(10)
        world.outside.refusing.add(DEAD)
        await world.create("unburied", "rate(1 day)", Target={**call, "DeadLetterConfig": {"Arn": DEAD}})
        await world.pass_time(10)
        totals = [one for one in world.outside.meter.totals() if one.series.namespace == "AWS/Scheduler"]
        assert {one.series.dimension_sets for one in totals} == {((("ScheduleGroup", "default"),), ())}
        assert {one.series.metric: one.total for one in totals} == {
            "InvocationAttemptCount": 1 + 2 + 2 + 2,
            "TargetErrorThrottledCount": 6,
            "InvocationDroppedCount": 3,
            "InvocationsSentToDeadLetterCount": 1,
            "InvocationsFailedToBeSentToDeadLetterCount": 1,
        }

    play(tmp_path, "2026-03-01T10:00:00", act)


def test_universal_targets_are_called_from_parcels(tmp_path: Path) -> None:
    async def act(world: Stage) -> None:
        target = {"Arn": CALLED, "Input": '{"MessageBody": "<aws.scheduler.attempt-number>"}'}
        world.outside.refusing.add(CALLED)
        await world.create("s", "at(2026-03-01T10:01:00)", Target=target)
        await world.pass_time(60.5)
        world.outside.refusing.clear()
        await world.pass_time(10)
        assert world.outside.calls == [b'{"MessageBody": "%d"}' % number for number in (1, 2)]
        assert world.waiting() == 0

    play(tmp_path, "2026-03-01T10:00:00", act)


def test_messages_carry_what_their_target_needs(tmp_path: Path) -> None:
    async def act(world: Stage) -> None:
        await world.create("s", "rate(1 day)", Target={"KinesisParameters": {"PartitionKey": "k"}})
        [rest] = world.rest()
        assert rest["key"] == "k"
        assert rest["sender"] == ""  # a role sends: no resource policy is asked
        assert rest["trace"].startswith("Root=1-")

    play(tmp_path, "2026-03-01T10:00:00", act)


def test_a_wall_clock_that_is_set_forward_makes_what_it_skipped_late_at_most_a_minute(tmp_path: Path) -> None:
    async def act(world: Stage) -> None:
        await world.create("s", "cron(0 12 * * ? *)")
        await world.clock.advance(1)
        world.clock.error_seconds = 3 * HOUR
        await world.clock.advance(60)
        await world.settle()
        assert world.bodies() == ["s 2026-03-01T12:00:00Z"]
        await world.pass_time(DAY)
        assert world.bodies() == ["s 2026-03-01T12:00:00Z", "s 2026-03-02T12:00:00Z"]

    play(tmp_path, "2026-03-01T10:00:00", act)


@pytest.mark.parametrize("restarts", [False, True])
def test_a_wall_clock_that_was_years_ahead_wedges_nothing(tmp_path: Path, restarts: bool) -> None:
    async def main() -> None:
        outside = Outside(clock_at("2026-03-01T10:00:00"))
        outside.clock.error_seconds = 4 * 365 * DAY
        async with stage(tmp_path, outside) as world:
            await world.create("rate", "rate(1 hour)")
            await world.create("cron", "cron(0 12 * * ? *)")
            assert len(world.sent()) == 1
            outside.clock.error_seconds = 0.0
            if not restarts:
                await outside.clock.advance(60)
                await replanned(world)
                await world.pass_time(2 * HOUR)
                assert len(world.sent()) == 5
                return
        async with stage(tmp_path, outside) as world:
            await replanned(world)
            await world.pass_time(2 * HOUR)
            assert sorted(body.split()[0] for body in world.bodies()[1:]) == ["cron", "rate", "rate", "rate"]

    asyncio.run(main())


async def replanned(world: Stage) -> None:
    for _ in range(1000):
        schedule = world.find("cron")
        assert schedule is not None
        if schedule.plan.planned_ms <= world.clock.now_ms():
            return await world.settle()
        await asyncio.sleep(0.002)
    raise AssertionError("it was not planned again")


def test_a_schedule_that_meets_a_bug_holds_up_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def act(world: Stage) -> None:
        await world.create("bad", "at(2026-03-01T10:01:00)")
        await world.create("good", "at(2026-03-01T10:01:00)")
        await world.database.write(
            lambda tx: tx.execute("UPDATE schedule SET expression = 'nonsense' WHERE name = 'bad'")
        )
        await world.pass_time(70)
        assert world.bodies() == ["good 2026-03-01T10:01:00Z"]
        await world.database.write(
            lambda tx: tx.execute("UPDATE schedule SET expression = 'at(2026-03-01T10:01:00)' WHERE name = 'bad'")
        )
        await world.pass_time(60)
        assert world.bodies()[1:] == ["bad 2026-03-01T10:01:00Z"]

    play(tmp_path, "2026-03-01T10:00:00", act)
    assert "schedule/default/bad failed" in caplog.text


def test_many_at_once(tmp_path: Path) -> None:
    async def act(world: Stage) -> None:
        request = world.request("s", "at(2026-03-01T10:01:00)", {})
        names = [f"s{number}" for number in range(250)]
        await asyncio.gather(*(world.operations.create_schedule(CALLER, {**request, "Name": name}) for name in names))
        await world.pass_time(61)
        assert len(world.sent()) == 250
        assert {when for _, when in world.sent()} == {"01T10:01:00"}

    play(tmp_path, "2026-03-01T10:00:00", act)


def test_idle_schedules_are_not_looked_at(tmp_path: Path) -> None:
    """The next due time is one look into an index, however many schedules wait."""

    async def act(world: Stage) -> None:
        await world.create("s", "at(2026-03-01T12:00:00)")
        plans = world.database.read(
            lambda tx: [
                *tx.rows("EXPLAIN QUERY PLAN SELECT min(due_ms) FROM schedule WHERE due_ms IS NOT NULL"),
                *tx.rows("EXPLAIN QUERY PLAN SELECT name FROM schedule WHERE due_ms <= 1 ORDER BY due_ms LIMIT 1"),
            ]
        )
        assert all("schedule_by_due_time" in plan[3] for plan in plans), plans
        key = ScheduleKey(CALLER.account_id, CALLER.region, "default", "s")
        schedule = world.database.read(lambda tx: store.find_schedule(tx, key))
        assert schedule is not None
        assert clock_text(schedule.plan.due_ms or 0) == "01T12:00:00"

    play(tmp_path, "2026-03-01T10:00:00", act)
