"""What Kinesis's operations share: the database, streams they know, who is throttled or subscribed, what is counted."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.services.caller import Caller
from lambent.services.kinesis import access, names, stream_store
from lambent.services.kinesis.errors import InvalidArgument, ResourceNotFound
from lambent.services.kinesis.names import StreamKey
from lambent.services.kinesis.retention import RecordRetention
from lambent.services.kinesis.shards import Shard, index_of
from lambent.services.kinesis.stream_cache import StreamCache
from lambent.services.kinesis.stream_meters import StreamMeters
from lambent.services.kinesis.streams import Consumer, Settings, Stream, StreamView
from lambent.services.kinesis.subscriptions import Subscriptions
from lambent.services.kinesis.throttling import Throttle
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

T = TypeVar("T")
Request = Mapping[str, Any]
Result = dict[str, Any]


@frozen
class KinesisParts:
    database: Database
    streams: StreamCache
    retention: RecordRetention
    subscriptions: Subscriptions
    throttle: Throttle
    meters: StreamMeters
    clock: Clock
    ids: Ids

    def view(self, caller: Caller, request: Request, operation: str) -> StreamView:
        """Of the stream that a request names. Raises ResourceNotFound, InvalidArgument, AccessDenied."""
        key = names.requested_stream(caller, request)
        view = self.streams.find(key) if key.region == caller.region else None
        if view is None:
            raise names.stream_not_found(key)
        self.check_access(caller, view.stream, operation)
        return view

    def check_access(self, caller: Caller, stream: Stream, operation: str) -> None:
        """Raises AccessDenied."""
        policy = stream.settings.policy
        if policy or stream.key.account_id != caller.account_id:
            access.check(caller, stream.key.account_id, stream.arn, policy, operation, now=self.clock.now())

    def check_consumer_access(self, caller: Caller, consumer: Consumer, operation: str) -> None:
        """Raises AccessDenied."""
        owner = consumer.key.stream.account_id
        access.check(caller, owner, consumer.arn, consumer.policy, operation, now=self.clock.now())

    def stream_in(self, tx: Transaction, caller: Caller, key: StreamKey, operation: str) -> Stream:
        """As it is in this transaction. Raises ResourceNotFound, AccessDenied."""
        stream = stream_store.find_stream(tx, key) if key.region == caller.region else None
        if stream is None:
            raise names.stream_not_found(key)
        self.check_access(caller, stream, operation)
        return stream

    async def change(
        self, caller: Caller, request: Request, operation: str, work: Callable[[Transaction, Stream], T]
    ) -> T:
        """`work` on the stream that a request names, in one transaction."""
        key = names.requested_stream(caller, request)
        return await self.database.write(lambda tx: work(tx, self.stream_in(tx, caller, key, operation)))

    async def set(
        self, caller: Caller, request: Request, operation: str, change: Callable[[Stream], Settings]
    ) -> Stream:
        """New settings for the stream that a request names; the stream as it was."""

        def work(tx: Transaction, stream: Stream) -> Stream:
            settings = change(stream)
            if settings != stream.settings:
                stream_store.save_settings(tx, stream, settings)
            return stream

        return await self.change(caller, request, operation, work)


def find_shard(view: StreamView, shard_id: str) -> Shard:
    """For those who read it. Raises ResourceNotFound: what no shard is ever called has a sentence of its own."""
    shard = view.by_id.get(shard_id)
    if shard is not None:
        return shard
    key = view.stream.key
    if index_of(shard_id) is None:
        raise ResourceNotFound(f"Could not find shard {shard_id} in stream {key.name} under account {key.account_id}.")
    raise ResourceNotFound(f"Shard {shard_id} in stream {key.name} under account {key.account_id} does not exist")


def check_created(stream: Stream, request: Request) -> None:
    """StreamCreationTimestamp tells one of several streams that bore a name. Raises ResourceNotFound."""
    wanted = request.get("StreamCreationTimestamp")
    if wanted is not None and int(wanted) != stream.created_ms // 1000:
        raise names.stream_not_found(stream.key)


def named_consumer(tx: Transaction, caller: Caller, request: Request) -> Consumer:
    """By ConsumerARN, or by StreamARN and ConsumerName; all must fit. Raises ResourceNotFound, InvalidArgument."""
    arn, name = request.get("ConsumerARN"), request.get("ConsumerName")
    key = names.parse_consumer_arn(arn) if arn is not None else None
    if arn is not None and key is None:
        raise InvalidArgument(f"ConsumerARN {arn} is not the ARN of a consumer.")
    if key is None and ("StreamARN" not in request or name is None):
        raise InvalidArgument("Either ConsumerARN or both StreamARN and ConsumerName must be provided.")
    if key is not None:
        stream = names.requested_stream(caller, request) if "StreamARN" in request else key.stream
        if stream != key.stream or name not in (None, key.name):
            raise InvalidArgument(f"ConsumerARN {arn} is not that of the stream and consumer named beside it.")
        found = stream_store.find_consumer(tx, key)
    else:
        stream = names.requested_stream(caller, request)
        found = stream_store.find_consumer_by_name(tx, stream, str(name))
    if found is None or stream.region != caller.region:
        raise names.consumer_not_found(stream, arn or str(name))
    return found
