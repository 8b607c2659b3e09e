"""Where reading begins, what goes into a batch, and when it is sent."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from delivery.event_source_mappings.stage import (
    NO_FUNCTION,
    STREAM_ARN,
    Function,
    Stream,
    accept,
    failing_on,
    flat,
    quiet,
    refuse,
    stage,
    until,
)
from lambent.kit import trace
from lambent.services.lambda_.event_source_mappings import StartingPosition, State


def test_trim_horizon_is_the_oldest_record(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            await scene.put(1, 2)
            uuid = await scene.create(StartingPosition.TRIM_HORIZON)
            await scene.put(3)
            await until(lambda: scene.positions(uuid) == [3])
            assert flat(scene.function.batches) == [1, 2, 3]
            assert scene.last_result(uuid) == "OK"

    asyncio.run(main())


def test_latest_is_what_comes_after_the_mapping(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            await scene.put(1, 2)
            uuid = await scene.create(StartingPosition.LATEST)
            await scene.put(3)
            await until(lambda: scene.positions(uuid) == [3])
            assert scene.function.batches == [[3]]

    asyncio.run(main())


def test_at_timestamp_is_the_first_record_of_then(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            await scene.put(1)
            await scene.clock.advance(10)
            then_ms = scene.clock.now_ms()
            await scene.put(2, 3)
            uuid = await scene.create(StartingPosition.AT_TIMESTAMP, starting_timestamp_ms=then_ms)
            await until(lambda: scene.positions(uuid) == [3])
            assert flat(scene.function.batches) == [2, 3]

    asyncio.run(main())


def test_a_batch_has_at_most_so_many_records(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            await scene.put(*range(25))
            uuid = await scene.create(batch_size=10)
            await until(lambda: scene.positions(uuid) == [25])
            assert scene.function.batches == [[*range(10)], [*range(10, 20)], [*range(20, 25)]]
            [lane] = scene.mappings.standings("000000000000")[0]["lanes"]
            assert (lane["invocations"], lane["records"]) == (3, 25)
            # Told a moment after it can be read.
            await until(lambda: scene.mappings.standings("000000000000")[0]["lanes"][0]["position"] == 25)

    asyncio.run(main())


def test_a_large_batch_is_gathered_over_several_reads(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            await scene.put(*range(3000))
            uuid = await scene.create(batch_size=10_000)
            await until(lambda: scene.positions(uuid) == [3000])
            assert scene.function.batches == [[*range(3000)]]

    asyncio.run(main())


def test_a_batch_fits_the_payload_of_an_invocation(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            await scene.put(*["x" * 1_000_000] * 8)
            uuid = await scene.create()
            await until(lambda: scene.positions(uuid) == [8])
            assert [len(batch) for batch in scene.function.batches] == [6, 2]

    asyncio.run(main())


def test_the_commit_wakes_the_mapping_without_time_passing(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            await scene.create()
            for number in range(20):
                await scene.put(number)
                await until(lambda number=number: flat(scene.function.batches) == [*range(number + 1)])  # type: ignore[misc]

    asyncio.run(main())


def test_the_batching_window_gathers(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            uuid = await scene.create(batch_size=3, batching_window_seconds=10)
            await scene.put(1)
            await quiet()
            await scene.clock.advance(9)
            await scene.put(2)
            await quiet()
            assert scene.function.batches == []
            await scene.clock.advance(1)
            await until(lambda: scene.positions(uuid) == [2])
            assert scene.function.batches == [[1, 2]]
            # a full batch does not wait
            await scene.put(3, 4, 5, 6)
            await until(lambda: scene.positions(uuid) == [5])
            assert scene.function.batches == [[1, 2], [3, 4, 5]]
            await quiet()
            await scene.clock.advance(10)
            await until(lambda: scene.positions(uuid) == [6])

    asyncio.run(main())


def test_what_the_filter_does_not_want_is_settled_without_the_function(tmp_path: Path) -> None:
    async def main() -> None:
        pattern = json.dumps({"value": [{"numeric": [">=", 10]}]})
        async with stage(tmp_path) as scene:
            uuid = await scene.create(filters=(pattern,))
            await scene.put(1, 2, 3)
            await until(lambda: scene.positions(uuid) == [3])
            assert scene.function.events == []
            assert scene.last_result(uuid) == "No records processed"
            await scene.put(4, 10, 5, 11, 6)
            await until(lambda: scene.positions(uuid) == [8])
            assert flat(scene.function.batches) == [10, 11]

    asyncio.run(main())


def test_a_batch_of_one_among_many_unwanted(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            await scene.put(*range(2000))
            uuid = await scene.create(batch_size=1, filters=('{"value": [5, 1500, 1999]}',))
            await until(lambda: scene.positions(uuid) == [2000])
            assert scene.function.batches == [[5], [1500], [1999]]

    asyncio.run(main())


def test_children_are_read_when_their_parent_is_finished(tmp_path: Path) -> None:
    async def main() -> None:
        hold = asyncio.Event()

        async def behaviour(event: Any) -> None:
            await hold.wait()

        async with stage(tmp_path, behaviour) as scene:
            uuid = await scene.create(batch_size=1)
            await scene.put(1, 2)
            await scene.split("shard-0", "shard-1", "shard-2")
            await scene.put(3)
            await scene.put(4, key="m")
            await until(lambda: scene.function.events)
            await quiet()
            assert scene.function.batches == [[1]]
            hold.set()
            await until(lambda: len(scene.function.events) == 4)
            assert flat(scene.function.batches)[:2] == [1, 2]
            assert sorted(flat(scene.function.batches)) == [1, 2, 3, 4]
            # shards that open later, and again
            await scene.split("shard-1", "shard-3")
            await scene.split("shard-2", "shard-4")
            await scene.put(5)
            await until(lambda: 5 in flat(scene.function.batches))
            await until(lambda: scene.is_settled(uuid))

    asyncio.run(main())


def test_shards_the_source_has_forgotten_are_forgotten(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            uuid = await scene.create()
            await scene.put(1)
            await scene.split("shard-0", "shard-1")
            await scene.put(2)
            await until(lambda: flat(scene.function.batches) == [1, 2])
            scene.stream.shards = [one for one in scene.stream.shards if one.shard_id != "shard-0"]
            await scene.split("shard-1", "shard-2")
            await scene.put(3)
            await until(lambda: flat(scene.function.batches) == [1, 2, 3])
            await until(lambda: scene.positions(uuid, "shard-0") == [])

    asyncio.run(main())


@pytest.mark.parametrize("failure", ["error", "hang", "throttle"])
def test_a_failing_or_slow_shard_delays_no_other(tmp_path: Path, failure: str) -> None:
    async def main() -> None:
        async def behaviour(event: Any) -> None:
            if any(record["value"] == "bad" for record in event["Records"]):
                await (refuse(event) if failure == "error" else asyncio.Event().wait())

        async with stage(tmp_path, behaviour, stream=Stream.of(2)) as scene:
            keys = {scene.stream.shard_of(key).shard_id: key for key in "abcdefgh"}
            uuid = await scene.create(batch_size=1)
            await scene.put("bad", "behind", key=keys["shard-0"])
            if failure == "throttle":
                await until(lambda: scene.function.events)
            await scene.put(1, 2, 3, key=keys["shard-1"])
            await until(lambda: scene.positions(uuid, "shard-1") == [3])
            assert scene.positions(uuid, "shard-0") == [0]

    asyncio.run(main())


def test_disable_and_enable(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            uuid = await scene.create()
            await until(lambda: scene.state(uuid) is State.ENABLED)
            await scene.change(uuid, State.DISABLING)
            await until(lambda: scene.state(uuid) is State.DISABLED)
            await scene.put(1)
            await quiet()
            assert scene.function.events == []
            await scene.change(uuid, State.ENABLING)
            await until(lambda: scene.function.batches == [[1]])
            await until(lambda: scene.state(uuid) is State.ENABLED)

    asyncio.run(main())


def test_created_disabled(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            uuid = await scene.create(enabled=False)
            await scene.put(1)
            await quiet()
            assert (scene.state(uuid), scene.function.events) == (State.DISABLED, [])
            await scene.change(uuid, State.ENABLING)
            await until(lambda: scene.function.batches == [[1]])

    asyncio.run(main())


def test_an_invocation_under_way_ends_before_the_mapping_is_disabled(tmp_path: Path) -> None:
    async def main() -> None:
        hold = asyncio.Event()

        async def behaviour(event: Any) -> None:
            await hold.wait()

        async with stage(tmp_path, behaviour) as scene:
            uuid = await scene.create(batch_size=1)
            await scene.put(1, 2)
            await until(lambda: scene.function.events)
            await scene.change(uuid, State.DISABLING)
            await quiet()
            assert scene.state(uuid) is State.DISABLING
            hold.set()
            await until(lambda: scene.state(uuid) is State.DISABLED)
            assert scene.positions(uuid) == [1]
            assert scene.function.batches == [[1]]

    asyncio.run(main())


def test_deleted_while_it_waits_for_a_retry(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, refuse) as scene:
            uuid = await scene.create()
            await scene.put(1)
            await until(lambda: scene.last_result(uuid).startswith("PROBLEM"))
            await scene.change(uuid, State.DELETING)
            await until(lambda: scene.mapping(uuid) is None)
            assert scene.positions(uuid) == []
            # a reader sees a commit a moment before whoever made it hears of it
            await until(lambda: not scene.mappings.standings("000000000000"))

    asyncio.run(main())


def test_a_change_takes_effect_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, refuse) as scene:
            uuid = await scene.create(batch_size=1)
            await scene.put(1, 2, 3)
            await scene.advance_until(lambda: len(scene.function.events) > 6, step=5)
            scene.function.behaviour = accept
            await quiet()
            # it would wait up to a minute
            await scene.change(uuid, batch_size=2)
            await until(lambda: scene.positions(uuid) == [3])
            assert scene.function.batches[-2:] == [[1], [2, 3]]
            await until(lambda: scene.state(uuid) is State.ENABLED)

    asyncio.run(main())


def test_draining_ends_what_runs_and_starts_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        hold = asyncio.Event()

        async def behaviour(event: Any) -> None:
            await hold.wait()

        async with stage(tmp_path, behaviour) as scene:
            uuid = await scene.create(batch_size=1)
            await scene.put(1, 2)
            await until(lambda: scene.function.events)
            draining = asyncio.create_task(scene.mappings.drain())
            await quiet()
            assert not draining.done()
            hold.set()
            await draining
            assert scene.positions(uuid) == [1]
            assert scene.state(uuid) is State.ENABLED

    asyncio.run(main())


def test_a_function_that_is_gone_is_waited_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, function=Function(accept, refusal=NO_FUNCTION)) as scene:
            uuid = await scene.create(max_retries=0)
            await scene.put(1)
            await until(lambda: scene.last_result(uuid) == "PROBLEM: Function call failed")
            await scene.clock.advance(120)
            assert scene.positions(uuid) == [0]
            scene.function.refusal = None
            await scene.advance_until(lambda: scene.positions(uuid) == [1], step=10)
            assert scene.last_result(uuid) == "OK"

    asyncio.run(main())


def test_a_stream_that_is_gone_is_said_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            uuid = await scene.create()
            await until(lambda: scene.state(uuid) is State.ENABLED)
            await scene.change(uuid, State.DISABLING)
            await until(lambda: scene.state(uuid) is State.DISABLED)
            await scene.database.write(
                lambda tx: tx.execute("UPDATE event_source_mapping SET source_arn = ?", (STREAM_ARN + "-gone",))
            )
            await scene.change(uuid, State.ENABLING)
            await until(lambda: scene.last_result(uuid) == "PROBLEM: Stream not found")

    asyncio.run(main())


def test_records_without_a_trace_have_the_same_one_at_every_attempt(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, failing_on(1)) as scene:
            await scene.put(1)
            uuid = await scene.create(StartingPosition.TRIM_HORIZON, max_retries=2)
            await scene.advance_until(lambda: scene.positions(uuid) == [1])
            roots = [trace.root(one) for one in scene.function.traces]
            assert (len(roots), len(set(roots))) == (3, 1)
            await until(lambda: len(scene.happenings.after(0, 10, account_id="000000000000")) > 0)
            [*_, told] = scene.happenings.after(0, 10, account_id="000000000000")
            assert (told["outcome"], told["traceRoot"]) == ("discarded", roots[0])

    asyncio.run(main())


def test_a_batch_goes_on_with_the_trace_of_its_first_record_that_has_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            await scene.put(1)
            for number in (2, 3):
                await scene.put_records([("k", number)], trace=f"Root={number}")
            uuid = await scene.create(StartingPosition.TRIM_HORIZON)
            await until(lambda: scene.positions(uuid) == [3])
            assert scene.function.batches == [[1, 2, 3]]
            assert scene.function.traces == ["Root=2"]

    asyncio.run(main())
