"""Tumbling windows: sums over a minute, carried from invocation to invocation, ended once; restarts in between."""

import asyncio
from pathlib import Path
from typing import Any

from delivery.event_source_mappings.stage import BUCKET_ARN, Bucket, Event, Function, Stream, quiet, stage, until
from lambent.kit.clock import VirtualClock
from lambent.services.lambda_.event_source_mappings import StartingPosition

MINUTE = 60
START = 1_750_000_020.0
"""A full minute, 15:07:00."""


class Sums:
    """A function that sums up, and keeps what it summed up at the end of each window."""

    def __init__(self) -> None:
        self.results: list[tuple[str, Any]] = []
        self.fails_at_end = 0
        self.early: list[bool] = []

    async def __call__(self, event: Event) -> Any:
        total = event["state"].get("total", 0) + sum(record["value"] for record in event["Records"])
        if event["isFinalInvokeForWindow"]:
            if self.fails_at_end:
                self.fails_at_end -= 1
                raise ValueError("not yet")
            self.results.append((event["window"]["start"], total))
            self.early.append(event["isWindowTerminatedEarly"])
        return {"state": {"total": total}}


def test_windows_are_summed_up_and_end(tmp_path: Path) -> None:
    async def main() -> None:
        sums = Sums()
        async with stage(tmp_path, sums, clock=VirtualClock(START)) as scene:
            uuid = await scene.create(batch_size=2, tumbling_window_seconds=MINUTE)
            await scene.put(1, 2, 3)
            await until(lambda: scene.positions(uuid) == [3])
            await scene.clock.advance(30)
            await scene.put(4)
            await until(lambda: scene.positions(uuid) == [4])
            await scene.clock.advance(29)
            await quiet()
            assert sums.results == []
            await scene.clock.advance(1)
            await until(lambda: sums.results == [("2025-06-15T15:07:00Z", 10)])
            await scene.clock.advance(300)
            await scene.put(5)
            await until(lambda: scene.positions(uuid) == [5])
            await scene.clock.advance(MINUTE)
            await until(lambda: sums.results[1:] == [("2025-06-15T15:13:00Z", 5)])
            first = scene.function.events[0]
            assert (first["state"], first["shardId"]) == ({}, "shard-0")
            assert first["window"] == {"start": "2025-06-15T15:07:00Z", "end": "2025-06-15T15:08:00Z"}
            await until(lambda: scene.is_settled(uuid))

    asyncio.run(main())


def test_a_batch_never_reaches_over_the_end_of_a_window(tmp_path: Path) -> None:
    async def main() -> None:
        sums = Sums()
        async with stage(tmp_path, sums, clock=VirtualClock(START)) as scene:
            for value in range(1, 5):
                await scene.put(value)
                await scene.clock.advance(40)
            uuid = await scene.create(StartingPosition.TRIM_HORIZON, tumbling_window_seconds=MINUTE)
            await scene.advance_until(lambda: scene.is_settled(uuid))
            assert [total for _, total in sums.results] == [3, 3, 4]

    asyncio.run(main())


def test_a_restart_keeps_the_state(tmp_path: Path) -> None:
    async def main() -> None:
        sums = Sums()
        function, clock = Function(sums), VirtualClock(START)
        async with stage(tmp_path, function=function, clock=clock) as scene:
            uuid = await scene.create(tumbling_window_seconds=MINUTE)
        for value in (1, 2, 3):
            async with stage(tmp_path, function=function, clock=clock) as scene:
                await scene.put(value)
                await until(lambda value=value, scene=scene: scene.positions(uuid) == [value])  # type: ignore[misc]
        await clock.advance(MINUTE)
        async with stage(tmp_path, function=function, clock=clock) as scene:
            await until(lambda: scene.is_settled(uuid))
        assert [total for _, total in sums.results] == [6]

    asyncio.run(main())


def test_the_end_is_tried_until_it_succeeds_and_nothing_overtakes_it(tmp_path: Path) -> None:
    async def main() -> None:
        sums = Sums()
        sums.fails_at_end = 3
        async with stage(tmp_path, sums, clock=VirtualClock(START)) as scene:
            uuid = await scene.create(tumbling_window_seconds=MINUTE)
            await scene.put(1)
            await until(lambda: scene.positions(uuid) == [1])
            await scene.clock.advance(MINUTE)
            await scene.put(2)
            await quiet()
            assert scene.positions(uuid) == [1]
            await scene.advance_until(lambda: len(sums.results) == 2)
            assert [total for _, total in sums.results] == [1, 2]

    asyncio.run(main())


def test_retries_of_the_end_are_limited_as_all_others(tmp_path: Path) -> None:
    async def main() -> None:
        sums = Sums()
        sums.fails_at_end = 3
        bucket = Bucket()
        async with stage(tmp_path, sums, clock=VirtualClock(START), bucket=bucket) as scene:
            uuid = await scene.create(tumbling_window_seconds=MINUTE, max_retries=2, on_failure=BUCKET_ARN)
            await scene.put(1)
            await until(lambda: scene.positions(uuid) == [1])
            await scene.advance_until(lambda: scene.is_settled(uuid))
            assert sums.results == []
            await until(scene.is_reported)
            [(_, document)] = bucket.objects
            assert document["requestContext"]["approximateInvokeCount"] == 3
            assert document["TestBatchInfo"]["batchSize"] == 0

    asyncio.run(main())


def test_an_answer_without_a_state_is_a_failure(tmp_path: Path) -> None:
    async def main() -> None:
        async def forgetful(event: Event) -> Any:
            return {} if event["Records"] else {"state": {}}

        async with stage(tmp_path, forgetful, clock=VirtualClock(START)) as scene:
            uuid = await scene.create(tumbling_window_seconds=MINUTE, max_retries=1, on_failure=BUCKET_ARN)
            await scene.put(1)
            await scene.advance_until(lambda: scene.is_settled(uuid))
            assert scene.bucket.values == [1]

    asyncio.run(main())


def test_a_state_that_outgrows_a_megabyte_ends_the_window_early(tmp_path: Path) -> None:
    async def main() -> None:
        finals: list[tuple[bool, int]] = []

        async def hoarder(event: Event) -> Any:
            hoard = event["state"].get("hoard", "") + "x" * 700_000 * len(event["Records"])
            if event["isFinalInvokeForWindow"]:
                finals.append((event["isWindowTerminatedEarly"], len(hoard)))
            return {"state": {"hoard": hoard}}

        async with stage(tmp_path, hoarder, clock=VirtualClock(START)) as scene:
            uuid = await scene.create(tumbling_window_seconds=MINUTE, batch_size=1)
            await scene.put(1, 2, 3)
            await until(lambda: scene.positions(uuid) == [3])
            assert finals == [(True, 1_400_000)]
            assert scene.function.events[-1]["state"] == {}
            await scene.advance_until(lambda: scene.is_settled(uuid))
            assert finals == [(True, 1_400_000), (False, 700_000)]

    asyncio.run(main())


def test_item_failures_within_a_window(tmp_path: Path) -> None:
    async def main() -> None:
        failing = {2}
        sums = Sums()

        async def behaviour(event: Event) -> Any:
            """Sums up to the first record that fails."""
            values = [record["value"] for record in event["Records"]]
            bad = next((place for place, value in enumerate(values) if value in failing), None)
            done = event["Records"] if bad is None else event["Records"][:bad]
            answer = await sums({**event, "Records": done})
            failing.clear()
            if bad is None:
                return answer
            return {**answer, "batchItemFailures": [{"itemIdentifier": event["Records"][bad]["sequenceNumber"]}]}

        async with stage(tmp_path, behaviour, clock=VirtualClock(START)) as scene:
            uuid = await scene.create(tumbling_window_seconds=MINUTE, reports_item_failures=True)
            await scene.put(1, 2, 3)
            await scene.advance_until(lambda: scene.is_settled(uuid))
            assert [total for _, total in sums.results] == [6]

    asyncio.run(main())


def test_another_window_length_begins_the_open_window_again(tmp_path: Path) -> None:
    async def main() -> None:
        sums = Sums()
        async with stage(tmp_path, sums, clock=VirtualClock(START)) as scene:
            uuid = await scene.create(tumbling_window_seconds=MINUTE)
            await scene.put(1, 2)
            await until(lambda: scene.positions(uuid) == [2])
            await scene.change(uuid, tumbling_window_seconds=10)
            await scene.advance_until(lambda: len(sums.results) == 1, limit=30)
            assert sums.results == [("2025-06-15T15:07:00Z", 3)]

    asyncio.run(main())


def test_a_closed_shard_ends_its_window_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        sums = Sums()
        async with stage(tmp_path, sums, stream=Stream.of(1), clock=VirtualClock(START)) as scene:
            uuid = await scene.create(tumbling_window_seconds=MINUTE)
            await scene.put(1)
            await until(lambda: scene.positions(uuid) == [1])
            await scene.split("shard-0", "shard-1")
            await until(lambda: [total for _, total in sums.results] == [1])
            await scene.put(2)
            await until(lambda: scene.positions(uuid, "shard-1") == [1])

    asyncio.run(main())
