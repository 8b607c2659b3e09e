"""SubscribeToShard: records are pushed the moment they are committed, for five minutes, over one response.

The commit that appends rings the subscription's bell; while nothing happens an event without records goes out every few
seconds, by which both sides know that the other is still there.
"""

import asyncio
from collections.abc import AsyncIterator

from lambent.kit.frozen import mutable
from lambent.services.caller import Caller
from lambent.services.kinesis import (
    documents,
    names,
    pages,
    sequence_numbers,
    shard_iterators,
    shards,
    stream_store,
    subscriptions,
)
from lambent.services.kinesis.errors import DryRun, InvalidArgument
from lambent.services.kinesis.names import ConsumerKey
from lambent.services.kinesis.pages import Page
from lambent.services.kinesis.parts import KinesisParts, Request, Result, find_shard
from lambent.services.kinesis.shard_iterators import Start
from lambent.services.kinesis.shards import Shard
from lambent.services.kinesis.streams import StreamView
from lambent.services.kinesis.subscriptions import Subscription
from lambent.storage import log
from lambent.storage.signal import Signal

#: Between two events while nothing is written: AWS sends them "about every 5 seconds".
HEARTBEAT_SECONDS = 5.0
#: Of one event.
MAX_RECORDS = 1_000
MAX_BYTES = 1024 * 1024


@mutable
class _Reading:
    """Where a subscription stands."""

    stream_id: int
    shard_id: str
    after: int


class SubscriptionOperations:
    SERVED = frozenset(("SubscribeToShard",))

    def __init__(self, parts: KinesisParts) -> None:
        self._parts = parts
        self._database = parts.database

    async def subscribe_to_shard(self, caller: Caller, request: Request) -> Result:
        now_ms = self._parts.clock.now_ms()
        key, view = self._consumer_view(caller, request)
        shard = find_shard(view, request["ShardId"])
        position = request["StartingPosition"]
        start = Start(
            kind=position["Type"],
            number=position.get("SequenceNumber"),
            timestamp=position.get("Timestamp"),
            operation="SubscribeToShard",
        )
        shard_iterators.check_start(start, now_ms=now_ms)
        after = self._database.read(lambda tx: shard_iterators.position_of(tx, view, shard, start))
        if request.get("DryRun"):
            raise DryRun
        subscription = self._parts.subscriptions.begin(key, shard.shard_id)
        reading = _Reading(view.stream.stream_id, shard.shard_id, after)
        return {"EventStream": self._events(subscription, shard, reading)}

    def _consumer_view(self, caller: Caller, request: Request) -> tuple[ConsumerKey, StreamView]:
        """Raises InvalidArgument, ResourceNotFound, AccessDenied."""
        key = names.parse_consumer_arn(request["ConsumerARN"])
        if key is None:
            raise InvalidArgument(f"ConsumerARN {request['ConsumerARN']} is not the ARN of a consumer.")
        consumer = self._database.read(lambda tx: stream_store.find_consumer(tx, key))
        view = self._parts.streams.find(key.stream)
        if consumer is None or view is None or key.stream.region != caller.region:
            raise names.consumer_not_found(key.stream, request["ConsumerARN"])
        self._parts.check_consumer_access(caller, consumer, "SubscribeToShard")
        return key, view

    async def _events(
        self, subscription: Subscription, shard: Shard, reading: _Reading
    ) -> AsyncIterator[dict[str, Result]]:
        clock, topic = self._parts.clock, log.topic(shard.log)
        bell = subscription.bell = self._database.subscribe(topic)
        try:
            while not subscription.is_over and clock.monotonic() < subscription.ends:
                if subscription.is_taken_over:
                    raise subscriptions.in_use(subscription)
                view, shard = self._current(subscription, reading)
                page = await pages.read(
                    self._database,
                    shard,
                    reading.after,
                    MAX_RECORDS,
                    max_bytes=MAX_BYTES,
                    oldest_ms=clock.now_ms() - view.stream.retention_ms,
                )
                reading.after = page.through
                is_end = shard.is_closed and page.is_at_end
                yield {"SubscribeToShardEvent": self._event(view, shard, page, is_end=is_end)}
                if is_end:
                    return
                if page.is_at_end:
                    await self._wait(bell, min(HEARTBEAT_SECONDS, subscription.ends - clock.monotonic()))
        finally:
            self._database.unsubscribe(topic, bell)
            self._parts.subscriptions.end(subscription)

    def _current(self, subscription: Subscription, reading: _Reading) -> tuple[StreamView, Shard]:
        """As they are now. Raises ResourceNotFound if the stream, the shard or the consumer is gone."""
        key = subscription.consumer
        view = self._parts.streams.find_by_id(reading.stream_id)
        if view is None:
            raise names.stream_not_found(key.stream)
        if self._database.read(lambda tx: stream_store.find_consumer(tx, key)) is None:
            raise names.consumer_not_found(key.stream, names.consumer_arn(key))
        return view, find_shard(view, reading.shard_id)

    def _event(self, view: StreamView, shard: Shard, page: Page, *, is_end: bool) -> Result:
        """At the end of a shard its children take the place of where to continue, as at AWS."""
        event: Result = {
            "Records": documents.describe_records(shard, page.records),
            "MillisBehindLatest": page.millis_behind(self._parts.clock.now_ms()),
        }
        if is_end:
            event["ChildShards"] = documents.child_shards(shards.children_of(view.shards, shard))
        else:
            event["ContinuationSequenceNumber"] = sequence_numbers.behind(shard.prefix, page.through)
        return event

    async def _wait(self, bell: Signal, seconds: float) -> None:
        """Until it rings, but no longer."""
        async with asyncio.TaskGroup() as tasks:
            alarm = tasks.create_task(self._ring_after(bell, seconds))
            await bell.wait()
            alarm.cancel()

    async def _ring_after(self, bell: Signal, seconds: float) -> None:
        await self._parts.clock.sleep(seconds)
        bell.ring()
