"""What archives keep comes again: in its order, to the rules that are meant, once, whatever stops."""

import asyncio
from pathlib import Path
from typing import Any

from delivery.event_stage import ACCOUNT, BUS, Stage, in_stage, stage
from delivery.scene import until
from lambent.kit.clock import VirtualClock
from lambent.services.events import archive_store, replay_store
from lambent.services.events.archives import DAY_MS, Archive, Replay, ReplayState
from lambent.services.events.names import ResourceKey
from lambent.services.events.retention import ArchiveRetention

ARCHIVE = ResourceKey(ACCOUNT, "us-east-1", "archive")


async def make_archive(one: Stage, *, pattern: str = "", days: int = 0) -> None:
    archive = Archive(ARCHIVE, 0, BUS.name, pattern, "", days, one.clock.now_ms())
    await one.database.write(lambda tx: archive_store.insert_archive(tx, archive))


def kept(one: Stage) -> Archive:
    found = one.database.read(lambda tx: archive_store.find_archive(tx, ARCHIVE))
    assert found is not None
    return found


async def start_replay(one: Stage, name: str, first_ms: int, end_ms: int, **fields: Any) -> ResourceKey:
    key = ResourceKey(ACCOUNT, "us-east-1", name)
    replay = Replay(
        key,
        archive_id=kept(one).archive_id,
        archive=ARCHIVE.name,
        bus=BUS.name,
        **{"rules": (), "state": ReplayState.STARTING, **fields},
        description="",
        first_ms=first_ms,
        end_ms=end_ms,
        time_ms=first_ms,
        position=-1,
        started_ms=one.clock.now_ms(),
        ended_ms=None,
    )
    await one.database.write(lambda tx: replay_store.insert_replay(tx, replay))
    return key


def state(one: Stage, key: ResourceKey) -> ReplayState:
    found = one.database.read(lambda tx: replay_store.find_replay(tx, key))
    assert found is not None
    return found.state


def numbers(one: Stage, *, replayed: bool) -> list[int]:
    return [event["detail"]["n"] for event in one.documents() if ("replay-name" in event) is replayed]


def test_a_part_of_the_past_comes_again(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await make_archive(stage, pattern='{"detail": {"n": [{"numeric": ["<", 4]}]}}')
        wanted = await stage.rule("wanted", {})
        await stage.rule("unwanted", {"Input": '{"detail": {"n": -1}}'})
        start_ms = stage.clock.now_ms()
        for number in range(6):
            await stage.put(f'{{"n": {number}}}')
            await stage.advance(60)
        assert kept(stage).event_count == 4
        key = await start_replay(stage, "again", start_ms + 60_000, start_ms + 180_000, rules=(wanted,))
        await until(lambda: state(stage, key) is ReplayState.COMPLETED)
        await stage.settled()
        assert numbers(stage, replayed=True) == [1, 2]
        assert numbers(stage, replayed=False).count(-1) == 6
        assert kept(stage).event_count == 4, "what is replayed is not kept again"
        assert {event["replay-name"] for event in stage.documents() if "replay-name" in event} == {"again"}

    in_stage(body, tmp_path)


def test_cancelled_before_it_began(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await make_archive(stage)
        key = await start_replay(stage, "never", 0, 2**50, state=ReplayState.CANCELLING)
        await until(lambda: state(stage, key) is ReplayState.CANCELLED)

    in_stage(body, tmp_path)


def test_a_restart_loses_and_repeats_nothing(tmp_path: Path) -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        async with stage(tmp_path, clock=clock) as one:
            await make_archive(one)
            await asyncio.gather(*(one.put(f'{{"n": {number}}}') for number in range(230)))
            await one.settled()
            await one.rule("r", {})
            key = await start_replay(one, "again", 0, 2**50)
        for _ in range(5):
            async with stage(tmp_path, clock=clock) as one:
                await asyncio.sleep(0.003)
        async with stage(tmp_path, clock=clock) as one:
            await until(lambda: state(one, key) is ReplayState.COMPLETED)
            await one.settled()
            assert sorted(numbers(one, replayed=True)) == list(range(230))

    asyncio.run(scenario())


def test_what_is_forgotten(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        retention = ArchiveRetention(stage.database, stage.clock)
        await make_archive(stage, days=2)
        await stage.put('{"n": 1}')
        await stage.advance(DAY_MS / 1000)
        await stage.put('{"n": 2}')
        await stage.settled()
        await stage.advance(DAY_MS / 1000 + 1)
        await retention.trim()
        assert kept(stage).event_count == 1
        archive = kept(stage)
        archive_id = archive.archive_id
        key = await start_replay(stage, "late", 0, 2**50, state=ReplayState.STARTING)
        await until(lambda: state(stage, key) is ReplayState.COMPLETED)
        await stage.database.write(lambda tx: archive_store.delete_archive(tx, archive, 5))
        await retention.trim()
        assert stage.database.read(lambda tx: archive_store.events_between(tx, archive_id, (0, 0), 2**50, 10)) == []
        await stage.advance(91 * DAY_MS / 1000)
        await retention.trim()
        assert stage.database.read(lambda tx: replay_store.find_replay(tx, key)) is None

    in_stage(body, tmp_path)
