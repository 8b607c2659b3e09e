"""ParallelizationFactor: several batches of a shard at a time, each key in order; and changed while records wait."""

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Any

from delivery.event_source_mappings.stage import Event, quiet, stage, until
from lambent.delivery.event_source_mappings import parallel

KEYS = [f"key-{number}" for number in range(40)]


def by_key(events: list[Event]) -> dict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for event in events:
        for record in event["Records"]:
            found[record["key"]].append(record["value"])
    return found


def test_lanes_run_at_the_same_time_and_keep_each_key_in_order(tmp_path: Path) -> None:
    async def main() -> None:
        async def behaviour(event: Event) -> None:
            await asyncio.sleep(0.002)

        async with stage(tmp_path, behaviour) as scene:
            for value in range(5):
                for key in KEYS:
                    await scene.put(value, key=key)
            uuid = await scene.create(batch_size=5, parallelization=10)
            await until(lambda: scene.is_settled(uuid))
            assert by_key(scene.function.events) == {key: [*range(5)] for key in KEYS}
            assert scene.function.most_running == 10
            for event in scene.function.events:
                lanes = {parallel.slot_of(one["key"].encode()) * 10 // parallel.SLOTS for one in event["Records"]}
                assert len(lanes) == 1

    asyncio.run(main())


def test_a_bad_key_holds_up_its_own_lane_only(tmp_path: Path) -> None:
    async def main() -> None:
        async def behaviour(event: Event) -> None:
            if any(record["key"] == "key-0" for record in event["Records"]):
                raise ValueError

        async with stage(tmp_path, behaviour) as scene:
            uuid = await scene.create(parallelization=4)
            for key in KEYS:
                await scene.put(1, key=key)
            bad = parallel.slot_of(b"key-0") * 4 // parallel.SLOTS
            await until(lambda: sum(position == 40 for position in scene.positions(uuid)) == 3)
            assert scene.positions(uuid)[bad] < 40

    asyncio.run(main())


def test_a_changed_factor_neither_loses_nor_repeats_nor_reorders(tmp_path: Path) -> None:
    async def main() -> None:
        stuck = {"key-0", "key-7"}
        delivered: list[Event] = []

        async def behaviour(event: Event) -> None:
            if stuck & {record["key"] for record in event["Records"]}:
                raise ValueError
            delivered.append(event)

        async with stage(tmp_path, behaviour) as scene:
            uuid = await scene.create(batch_size=3, parallelization=4)
            for value, factor in enumerate((4, 10, 3, 1, 7)):
                await scene.change(uuid, parallelization=factor)
                await until(lambda factor=factor: len(scene.positions(uuid)) == factor)  # type: ignore[misc]  # bound
                for key in KEYS:
                    await scene.put(value, key=key)
                await quiet()
            stuck.clear()
            await scene.advance_until(lambda: scene.is_settled(uuid), step=30)
            assert by_key(delivered) == {key: [*range(5)] for key in KEYS}

    asyncio.run(main())
