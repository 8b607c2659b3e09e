"""Batches that fail: retries, bisecting, partial responses, ages, destinations; each with a restart in between."""

import asyncio
import itertools
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from delivery.event_source_mappings.stage import (
    BUCKET_ARN,
    DAY_SECONDS,
    Bucket,
    Event,
    Function,
    accept,
    failing_on,
    flat,
    quiet,
    refuse,
    stage,
    until,
)
from lambent.delivery import outcomes
from lambent.kit.clock import VirtualClock
from lambent.services.lambda_.errors import TooManyRequests
from lambent.storage.errors import StorageFull
from lambent.wire.errors import ServiceError


def test_a_failed_batch_is_tried_again_as_it_was_until_it_succeeds(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, refuse) as scene:
            uuid = await scene.create(batch_size=10)
            await scene.put(1, 2, 3)
            await until(lambda: scene.last_result(uuid) == "PROBLEM: Function call failed")
            await scene.put(4)
            await scene.advance_until(lambda: len(scene.function.events) == 5)
            assert scene.positions(uuid) == [0]
            scene.function.behaviour = accept
            await scene.advance_until(lambda: scene.positions(uuid) == [4])
            assert scene.function.batches == [[1, 2, 3]] * 6 + [[4]]
            assert scene.last_result(uuid) == "OK"

    asyncio.run(main())


class AskedClock(VirtualClock):
    """Keeps what is slept for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.asked.append(round(seconds, 3))
        await super().sleep(seconds)


def _has_come_to(times: list[float], attempts: int) -> bool:
    return len(times) == attempts


def test_retries_pause_longer_and_longer_but_no_longer_than_a_minute(tmp_path: Path) -> None:
    async def main() -> None:
        times: list[float] = []
        clock = AskedClock()

        async def behaviour(event: Event) -> None:
            times.append(clock.now())
            raise ValueError

        async with stage(tmp_path, behaviour, clock=clock) as scene:
            await scene.create()
            await scene.put(1)
            pauses = [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60.0, 60.0]
            for attempts, pause in enumerate(pauses, 1):
                await until(partial(_has_come_to, times, attempts))
                await until(partial(clock.asked.__contains__, pause))  # what failed is on disk
                clock.asked.clear()
                await clock.advance(pause)
            await until(lambda: len(times) == len(pauses) + 1)
            assert [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)] == pauses

    asyncio.run(main())


def test_after_its_retries_a_batch_is_discarded_and_reported(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, failing_on(2)) as scene:
            uuid = await scene.create(batch_size=3, max_retries=2, on_failure=BUCKET_ARN)
            await scene.put(1, 2, 3, 4)
            await scene.advance_until(lambda: scene.positions(uuid) == [4])
            assert scene.function.batches == [[1, 2, 3]] * 3 + [[4]]
            await until(scene.is_reported)
            [(key, document)] = scene.bucket.objects
            assert key.startswith(f"aws/lambda/{uuid}/shard-0/2025/06/15/2025-06-15T")
            assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
            assert document["requestContext"]["approximateInvokeCount"] == 3
            assert document["TestBatchInfo"]["startSequenceNumber"] == "1"
            assert document["TestBatchInfo"]["endSequenceNumber"] == "3"
            assert document["TestBatchInfo"]["batchSize"] == 3
            await until(scene.is_reported)
            assert scene.bucket.values == [1, 2, 3]
            [happened] = scene.happenings.after(0, 10, account_id="000000000000")
            assert happened["outcome"] == "discarded"
            assert happened["source"] == "test:s"
            assert scene.mappings.standings("000000000000")[0]["lanes"][0]["discarded"] == 3

    asyncio.run(main())


def test_without_retries_and_without_a_destination(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, failing_on(1)) as scene:
            uuid = await scene.create(batch_size=1, max_retries=0)
            await scene.put(1, 2)
            await until(lambda: scene.positions(uuid) == [2])
            assert scene.function.batches == [[1], [2]]
            assert scene.bucket.objects == []

    asyncio.run(main())


def test_bisecting_isolates_the_bad_record(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, failing_on(3)) as scene:
            uuid = await scene.create(max_retries=1, bisects=True, on_failure=BUCKET_ARN)
            await scene.put(*range(8))
            await scene.advance_until(lambda: scene.positions(uuid) == [8])
            await until(scene.is_reported)
            assert scene.bucket.values == [3]
            assert scene.function.batches == [
                [*range(8)],
                [0, 1, 2, 3],
                [0, 1],
                [2, 3],
                [2],
                [3],
                [3],
                [4, 5, 6, 7],
            ]

    asyncio.run(main())


def reporting(*bad: Any) -> Any:
    async def behaviour(event: Event) -> Any:
        failed = [record["sequenceNumber"] for record in event["Records"] if record["value"] in bad]
        return {"batchItemFailures": [{"itemIdentifier": one} for one in reversed(failed)]}

    return behaviour


def test_item_failures_settle_what_came_before_the_first(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, reporting(2, 4)) as scene:
            uuid = await scene.create(max_retries=2, reports_item_failures=True, on_failure=BUCKET_ARN)
            await scene.put(1, 2, 3, 4, 5)
            await scene.advance_until(lambda: scene.positions(uuid) == [5])
            assert scene.function.batches == [[1, 2, 3, 4, 5], [2, 3, 4, 5], [2, 3, 4, 5]]
            await until(scene.is_reported)
            assert scene.bucket.values == [2, 3, 4, 5]

    asyncio.run(main())


def test_item_failures_with_bisecting_discard_only_what_is_bad(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, reporting(2, 4)) as scene:
            uuid = await scene.create(max_retries=1, reports_item_failures=True, bisects=True, on_failure=BUCKET_ARN)
            await scene.put(1, 2, 3, 4, 5)
            await scene.advance_until(lambda: scene.positions(uuid) == [5])
            await until(scene.is_reported)
            assert scene.bucket.values == [2, 4]

    asyncio.run(main())


def test_item_failures_nobody_asked_for_mean_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, reporting(1)) as scene:
            uuid = await scene.create()
            await scene.put(1)
            await until(lambda: scene.positions(uuid) == [1])
            assert scene.last_result(uuid) == "OK"

    asyncio.run(main())


def test_an_answer_that_cannot_be_understood_fails_the_batch(tmp_path: Path) -> None:
    async def main() -> None:
        async def behaviour(event: Event) -> Any:
            return {"batchItemFailures": [{"itemIdentifier": ""}]}

        async with stage(tmp_path, behaviour) as scene:
            uuid = await scene.create(reports_item_failures=True, max_retries=1, on_failure=BUCKET_ARN)
            await scene.put(1, 2)
            await scene.advance_until(lambda: scene.positions(uuid) == [2])
            assert scene.function.batches == [[1, 2], [1, 2]]
            await until(scene.is_reported)
            assert scene.bucket.values == [1, 2]

    asyncio.run(main())


def test_records_that_are_too_old_are_discarded_without_the_function(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path) as scene:
            await scene.put(1, 2)
            await scene.clock.advance(100)
            await scene.put(3)
            uuid = await scene.create(max_record_age_seconds=60, on_failure=BUCKET_ARN)
            await until(lambda: scene.positions(uuid) == [3])
            assert scene.function.batches == [[3]]
            await until(scene.is_reported)
            [(_, document)] = scene.bucket.objects
            assert document["requestContext"]["condition"] == "RecordAgeExceeded"
            assert "responseContext" not in document
            await until(scene.is_reported)
            assert scene.bucket.values == [1, 2]

    asyncio.run(main())


def test_a_batch_grows_too_old_while_it_is_tried(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, refuse) as scene:
            uuid = await scene.create(max_record_age_seconds=60, on_failure=BUCKET_ARN)
            await scene.put(1, 2)
            await scene.advance_until(lambda: scene.positions(uuid) == [2], step=5, limit=200)
            assert len(scene.function.events) > 3
            await until(scene.is_reported)
            assert scene.bucket.values == [1, 2]
            assert scene.bucket.objects[0][1]["requestContext"]["condition"] == "RecordAgeExceeded"
            assert scene.bucket.objects[0][1]["requestContext"]["approximateInvokeCount"] == len(scene.function.events)

    asyncio.run(main())


def test_without_an_age_records_are_tried_as_long_as_the_source_keeps_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, refuse) as scene:
            uuid = await scene.create(on_failure=BUCKET_ARN)
            await scene.put(1)
            await scene.advance_until(lambda: len(scene.function.events) >= 12, step=60)
            await scene.clock.advance(DAY_SECONDS)
            await scene.advance_until(lambda: scene.positions(uuid) == [1], step=60)
            await until(scene.is_reported)
            assert scene.bucket.values == [1]

    asyncio.run(main())


def test_throttles_do_not_use_up_retries(tmp_path: Path) -> None:
    async def main() -> None:
        throttled = Function(accept, refusal=TooManyRequests("Rate Exceeded."))
        async with stage(tmp_path, function=throttled) as scene:
            uuid = await scene.create(max_retries=0, batching_window_seconds=5)
            await scene.put(1)
            await quiet()
            await scene.clock.advance(30)
            await scene.put(2)
            await scene.clock.advance(300)
            await quiet()
            assert scene.positions(uuid) == [0]
            throttled.refusal = None
            # the batch that was ready does not wait for another batching window
            await scene.advance_until(lambda: scene.positions(uuid) == [2], step=5)
            assert flat(scene.function.batches) == [1, 2]
            assert scene.bucket.objects == []

    asyncio.run(main())


def test_a_bucket_that_refuses_keeps_nobody_waiting(tmp_path: Path) -> None:
    async def main() -> None:
        bucket = Bucket(refusal=ServiceError("The specified bucket does not exist", code="NoSuchBucket", status=404))
        async with stage(tmp_path, failing_on(1), bucket=bucket) as scene:
            uuid = await scene.create(batch_size=1, max_retries=0, on_failure=BUCKET_ARN)
            await scene.put(1, 2)
            await until(lambda: scene.positions(uuid) == [2])
            await scene.advance_until(scene.is_reported, step=60)
            details = [one["detail"] for one in scene.happenings.after(0, 10, account_id="000000000000")]
            assert "RetryAttemptsExhausted: 1 records of shard-0, on their way to arn:aws:s3:::failures" in details[0]
            assert scene.bucket.attempts == 1 + len(outcomes.PAUSES_SECONDS)
            assert bucket.objects == []

    asyncio.run(main())


def test_a_full_disk_at_the_destination_is_waited_out(tmp_path: Path) -> None:
    async def main() -> None:
        bucket = Bucket(refusal=StorageFull("no space left"))
        async with stage(tmp_path, failing_on(1), bucket=bucket) as scene:
            uuid = await scene.create(batch_size=1, max_retries=0, on_failure=BUCKET_ARN)
            await scene.put(1, 2)
            await scene.advance_until(lambda: scene.positions(uuid) == [2])
            await scene.advance_until(lambda: bucket.attempts > len(outcomes.PAUSES_SECONDS) + 1)
            bucket.refusal = None
            await scene.advance_until(scene.is_reported)
            assert bucket.values == [1]
            assert scene.function.batches == [[1], [2]]

    asyncio.run(main())


@pytest.mark.parametrize("bisects", [False, True])
def test_a_restart_does_not_forget_how_often_a_batch_was_tried(tmp_path: Path, bisects: bool) -> None:
    async def main() -> None:
        function, bucket, clock = Function(failing_on(2)), Bucket(), VirtualClock()

        def entered() -> Any:
            return stage(tmp_path, function=function, bucket=bucket, clock=clock)

        async with entered() as scene:
            uuid = await scene.create(max_retries=3, bisects=bisects, on_failure=BUCKET_ARN)
            await scene.put(1, 2)
        for _ in range(20):
            async with entered() as scene:
                if scene.positions(uuid) == [2]:
                    await until(scene.is_reported)
                    break
                before = scene.lanes(uuid)
                await scene.advance_until(lambda scene=scene, before=before: scene.lanes(uuid) != before)
        assert list(dict.fromkeys(bucket.values)) == ([2] if bisects else [1, 2])
        assert len([batch for batch in function.batches if 2 in batch]) <= (4 if not bisects else 5) + 1

    asyncio.run(main())
