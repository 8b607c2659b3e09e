"""The metrics of a mapping with EventCount: what was read, filtered, tried, failed, dropped, told of, deleted.

"Event source mapping metrics", https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery.event_source_mappings.queue_stage import VISIBILITY_SECONDS, queue_stage, reporting
from delivery.event_source_mappings.stage import (
    BUCKET_ARN,
    DAY_SECONDS,
    NO_FUNCTION,
    Bucket,
    accept,
    failing_on,
    quiet,
    refuse,
    stage,
    until,
)
from lambent.services.lambda_.event_source_mappings import State
from lambent.wire.errors import ServiceError

Counts = dict[str, float]


async def become(counts: Callable[[], Counts], expected: Counts) -> None:
    """What follows a commit is counted a moment after it can be read."""
    with contextlib.suppress(AssertionError):
        await until(lambda: counts() == expected)
    assert counts() == expected


ODD = ('{"value": [1, 3, 5]}',)


def test_a_mapping_that_does_not_ask_has_none(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, refuse) as scene:
            uuid = await scene.create(max_retries=0)
            await scene.put(1)
            await until(lambda: scene.is_settled(uuid))
            await scene.meter.read_gauges()
            await become(lambda: scene.counts(uuid), {})

    asyncio.run(main())


def test_events_of_a_stream_that_are_handled(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, accept) as scene:
            uuid = await scene.create(counts_events=True, filters=ODD)
            await scene.put(1, 2, 3, 4, 5)
            await until(lambda: scene.is_settled(uuid))
            await become(lambda: scene.counts(uuid), {"Polled": 5, "FilteredOut": 2, "Invoked": 3, "FailedInvoke": 0})

    asyncio.run(main())


@pytest.mark.parametrize("lanes", [1, 4])
def test_every_event_is_polled_once_however_many_lanes_read(tmp_path: Path, lanes: int) -> None:
    async def main() -> None:
        async with stage(tmp_path, accept) as scene:
            uuid = await scene.create(counts_events=True, batch_size=3, parallelization=lanes)
            await scene.put_records([(f"key-{number}", number) for number in range(50)])
            await until(lambda: scene.is_settled(uuid))
            # No FilteredOut: there are no filters.
            await become(lambda: scene.counts(uuid), {"Polled": 50, "Invoked": 50, "FailedInvoke": 0})

    asyncio.run(main())


def test_retries_count_again_and_what_is_given_up_is_dropped(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, failing_on(2)) as scene:
            uuid = await scene.create(counts_events=True, max_retries=1)
            await scene.put(1, 2, 3)
            await scene.advance_until(lambda: scene.is_settled(uuid))
            await become(lambda: scene.counts(uuid), {"Polled": 3, "Invoked": 6, "FailedInvoke": 6, "Dropped": 3})

    asyncio.run(main())


def test_of_a_reported_batch_those_fail_that_come_again(tmp_path: Path) -> None:
    seen: list[int] = []

    async def behaviour(event: dict[str, Any]) -> Any:
        seen.append(len(event["Records"]))
        failed = [one["sequenceNumber"] for one in event["Records"] if one["value"] == 3 and len(seen) == 1]
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}

    async def main() -> None:
        async with stage(tmp_path, behaviour) as scene:
            uuid = await scene.create(counts_events=True, reports_item_failures=True)
            await scene.put(1, 2, 3, 4)
            await scene.advance_until(lambda: scene.is_settled(uuid))
            assert seen == [4, 2]
            await become(lambda: scene.counts(uuid), {"Polled": 4, "Invoked": 6, "FailedInvoke": 2})

    asyncio.run(main())


def test_an_event_that_does_not_come_to_the_function_has_failed(tmp_path: Path) -> None:
    async def main() -> None:
        async with stage(tmp_path, accept) as scene:
            scene.function.refusal = NO_FUNCTION
            uuid = await scene.create(counts_events=True)
            await scene.put(1)
            await until(lambda: scene.counts(uuid).get("FailedInvoke"))
            scene.function.refusal = None
            await scene.advance_until(lambda: scene.is_settled(uuid))
            counts = scene.counts(uuid)
            assert counts["Invoked"] - counts["FailedInvoke"] == counts["Polled"] == 1

    asyncio.run(main())


def test_a_destination_that_was_told_and_one_that_refuses(tmp_path: Path) -> None:
    """ "If delivery to the destination fails", the events are dropped, and one DestinationDeliveryFailure."""

    async def main() -> None:
        async with stage(tmp_path, refuse, bucket=Bucket()) as scene:
            uuid = await scene.create(counts_events=True, max_retries=0, on_failure=BUCKET_ARN)
            await scene.put(1, 2)
            await scene.advance_until(scene.is_reported)
            await until(lambda: scene.counts(uuid).get("OnFailureDestinationDelivered"))
            await become(
                lambda: scene.counts(uuid),
                {
                    "Polled": 2,
                    "Invoked": 2,
                    "FailedInvoke": 2,
                    "OnFailureDestinationDelivered": 2,
                },
            )
            scene.bucket.refusal = ServiceError("it is gone")
            await scene.put(3)
            await scene.advance_until(lambda: scene.counts(uuid).get("Dropped"))
            counts = scene.counts(uuid)
            assert (counts["Dropped"], counts["OnFailureDestinationDelivered"]) == (1, 2)
            failures = [one for one in scene.meter.totals() if one.series.metric == "DestinationDeliveryFailures"]
            assert [one.total for one in failures] == [1]

    asyncio.run(main())


@pytest.mark.parametrize(("max_age", "dropped"), [(60, 1), (-1, None), (2 * DAY_SECONDS, None)])
def test_what_expires_in_the_stream_is_not_dropped_by_the_mapping(
    tmp_path: Path, max_age: int, dropped: float | None
) -> None:
    async def main() -> None:
        async with stage(tmp_path, accept) as scene:
            uuid = await scene.create(counts_events=True, enabled=False, max_record_age_seconds=max_age)
            await scene.put(1)
            await scene.clock.advance(1.5 * DAY_SECONDS)
            await scene.change(uuid, State.ENABLING)
            await until(lambda: scene.is_settled(uuid))
            assert scene.counts(uuid).get("Dropped") == dropped
            assert not scene.function.events

    asyncio.run(main())


def test_an_idle_mapping_says_that_nothing_came(tmp_path: Path) -> None:
    """PolledEventCount is there while nothing happens, so that an alarm sees a mapping that does not poll."""

    async def main() -> None:
        async with stage(tmp_path, accept) as scene:
            uuid = await scene.create(counts_events=True)
            await until(lambda: scene.state(uuid) is State.ENABLED)
            await scene.meter.read_gauges()
            await become(lambda: scene.counts(uuid), {"Polled": 0})
            await scene.change(uuid, State.DISABLING)
            await until(lambda: scene.state(uuid) is State.DISABLED)
            await quiet()
            scene.meter.take()
            await scene.meter.read_gauges()
            assert not scene.meter.take(), "a mapping that is switched off has no metrics"

    asyncio.run(main())


def test_messages_of_a_queue(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path, reporting("b")) as scene:
            uuid = await scene.map(
                counts_events=True, reports_item_failures=True, filters=('{"body": [{"prefix": ""}]}', '{"x": [1]}')
            )
            await scene.send("a", "b")
            await until(lambda: scene.waiting() == ["b"] and scene.standing["running"] == 0)
            await become(
                lambda: scene.stage.counts(uuid),
                {
                    "Polled": 2,
                    "FilteredOut": 0,
                    "Invoked": 2,
                    "FailedInvoke": 1,
                    "Deleted": 1,
                },
            )
            await scene.stage.change(uuid, filters=('{"body": ["c"]}',))
            await until(lambda: scene.stage.state(uuid) is State.ENABLED)
            await scene.clock.advance(VISIBILITY_SECONDS)
            await until(lambda: not scene.waiting())
            counts = scene.stage.counts(uuid)
            assert (counts["Polled"], counts["FilteredOut"], counts["Invoked"], counts["Deleted"]) == (3, 1, 2, 1)

    asyncio.run(main())


def test_a_message_that_has_come_again_is_not_deleted(tmp_path: Path) -> None:
    """ "If Lambda tries to delete an event but fails, Lambda emits a 0 metric." """
    hold = asyncio.Event()

    async def behaviour(_: dict[str, Any]) -> None:
        await hold.wait()

    async def main() -> None:
        async with queue_stage(tmp_path, behaviour) as scene:
            uuid = await scene.map(counts_events=True, batch_size=1)
            await scene.send("a")
            await until(lambda: len(scene.batches) == 1)
            await scene.clock.advance(VISIBILITY_SECONDS + 1)
            await until(lambda: len(scene.batches) == 2)
            hold.set()
            await until(lambda: not scene.waiting() and scene.standing["running"] == 0)
            counts = scene.stage.counts(uuid)
            assert (counts["Polled"], counts["Deleted"]) == (2, 1)

    asyncio.run(main())


def test_provisioned_pollers_are_a_metric(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue_stage(tmp_path) as scene:
            uuid = await scene.map(minimum_pollers=3, maximum_pollers=4)
            await until(lambda: scene.stage.state(uuid) is State.ENABLED)
            [(series, value)] = await scene.stage.meter.read_gauges()
            assert (series.metric, series.dimension_sets, value) == (
                "ProvisionedPollers",
                ((("EventSourceMappingUUID", uuid),),),
                3.0,
            )
            await scene.stage.change(uuid, minimum_pollers=0, maximum_pollers=0)
            await until(lambda: scene.stage.state(uuid) is State.ENABLED)
            assert not await scene.stage.meter.read_gauges()

    asyncio.run(main())


def test_a_provisioned_mapping_begins_with_ten_invocations_to_a_poller(tmp_path: Path) -> None:
    async def main() -> None:
        hold = asyncio.Event()

        async def behaviour(_: dict[str, Any]) -> None:
            await hold.wait()

        async with queue_stage(tmp_path, behaviour) as scene:
            await scene.map(batch_size=1, minimum_pollers=2, maximum_pollers=2)
            await scene.send(*(str(number) for number in range(50)))
            await until(lambda: scene.function.running == 20)
            await quiet()
            assert scene.function.running == 20, "two pollers are all there may be"
            hold.set()
            await until(lambda: not scene.waiting())

    asyncio.run(main())
