"""Consumers with enhanced fan-out: register, describe, list, deregister."""

from lambent.services.caller import Caller
from lambent.services.kinesis import documents, names, stream_store, streams, tokens
from lambent.services.kinesis.errors import ExpiredNextToken, InvalidArgument, LimitExceeded, ResourceInUse
from lambent.services.kinesis.names import ConsumerKey
from lambent.services.kinesis.parts import KinesisParts, Request, Result, check_created, named_consumer
from lambent.services.kinesis.streams import Consumer, Stream
from lambent.storage.transaction import Transaction

#: API Reference, ListStreamConsumers: "The default value is 100".
DEFAULT_PAGE, MAX_PAGE = 100, 10_000
#: "Tokens expire after 300 seconds."
TOKEN_MS = 300_000
_KIND = "consumers"


class ConsumerOperations:
    SERVED = frozenset((
        "RegisterStreamConsumer", "DescribeStreamConsumer", "ListStreamConsumers", "DeregisterStreamConsumer",
    ))  # fmt: skip

    def __init__(self, parts: KinesisParts) -> None:
        self._parts = parts

    async def register_stream_consumer(self, caller: Caller, request: Request) -> Result:
        name, now_ms = request["ConsumerName"], self._parts.clock.now_ms()
        tags = request.get("Tags", {})

        def register(tx: Transaction, stream: Stream) -> Consumer:
            streams.check_tags(stream.key, tags)
            if stream_store.find_consumer_by_name(tx, stream.key, name) is not None:
                raise ResourceInUse(
                    f"Consumer {name} under stream {stream.key.name}, account {stream.key.account_id} already exists."
                )
            if stream_store.count_consumers(tx, stream) >= streams.MAX_CONSUMERS:
                raise LimitExceeded(
                    f"Stream {stream.key.name} under account {stream.key.account_id} has {streams.MAX_CONSUMERS} "
                    "registered consumers, which is the limit."
                )
            consumer = Consumer(ConsumerKey(stream.key, name, now_ms // 1000), stream.stream_id, now_ms, tags)
            stream_store.insert_consumer(tx, consumer)
            return consumer

        consumer = await self._parts.change(caller, request, "RegisterStreamConsumer", register)
        return {"Consumer": documents.describe_consumer(consumer, status="CREATING")}

    async def describe_stream_consumer(self, caller: Caller, request: Request) -> Result:
        consumer = self._parts.database.read(lambda tx: named_consumer(tx, caller, request))
        self._parts.check_consumer_access(caller, consumer, "DescribeStreamConsumer")
        described = documents.describe_consumer(consumer)
        return {"ConsumerDescription": {**described, "StreamARN": names.stream_arn(consumer.key.stream)}}

    async def list_stream_consumers(self, caller: Caller, request: Request) -> Result:
        limit, now_ms = min(request.get("MaxResults", DEFAULT_PAGE), MAX_PAGE), self._parts.clock.now_ms()
        stream = self._parts.view(caller, request, "ListStreamConsumers").stream
        check_created(stream, request)
        after = _after(request, stream, now_ms)
        found = self._parts.database.read(lambda tx: stream_store.list_consumers(tx, stream, after, limit + 1))
        result: Result = {"Consumers": [documents.describe_consumer(one) for one in found[:limit]]}
        if len(found) > limit:
            last = found[limit - 1].key.name
            result["NextToken"] = tokens.write(_KIND, (stream.stream_id, last, now_ms))
        return result

    async def deregister_stream_consumer(self, caller: Caller, request: Request) -> Result:
        def deregister(tx: Transaction) -> Consumer:
            consumer = named_consumer(tx, caller, request)
            self._parts.check_consumer_access(caller, consumer, "DeregisterStreamConsumer")
            stream_store.delete_consumer(tx, consumer)
            return consumer

        consumer = await self._parts.database.write(deregister)
        self._parts.subscriptions.withdraw(consumer.key)
        return {}


def _after(request: Request, stream: Stream, now_ms: int) -> str:
    """The consumer behind which a page begins. Raises InvalidArgument, ExpiredNextToken."""
    if "NextToken" not in request:
        return ""
    values = tokens.read(_KIND, request["NextToken"], int, str, int)
    if values is None or values[0] != stream.stream_id:
        raise InvalidArgument("Invalid NextToken.")
    if now_ms - values[2] > TOKEN_MS:
        raise ExpiredNextToken("The NextToken has expired.")
    return str(values[1])
