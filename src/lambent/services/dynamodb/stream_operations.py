"""The operations of DynamoDB Streams, under AWS's names: the gateway serves them as a service of their own.

They only read. What they read is written by `stream_store.record_changes`, in the transaction of each item's write.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lambent.kit.clock import Clock
from lambent.services.caller import Caller
from lambent.services.dynamodb import shard_iterators, stream_store, streams
from lambent.services.dynamodb.errors import ResourceNotFound, ValidationException
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.shard_iterators import ShardIterator
from lambent.services.dynamodb.streams import Shard, Stream
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

Request = Mapping[str, Any]
Result = dict[str, Any]

#: API Reference: ListStreams and DescribeStream, "The upper limit is 100"; GetRecords, "a maximum of 1 MB of data or
#: 1000 stream records, whichever comes first".
MAX_STREAMS = 100
MAX_SHARDS = 100
MAX_RECORDS = 1_000
MAX_RECORDS_BYTES = 1_000_000


class StreamOperations:
    SERVED = frozenset(("ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"))

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_streams(self, caller: Caller, request: Request) -> Result:
        limit, table_name = _limit(request, MAX_STREAMS), request.get("TableName", "")
        name, label = _stream_name(request.get("ExclusiveStartStreamArn", ""))
        after = TableKey(caller.account_id, caller.region, name)
        found = await self._database.scan(
            lambda tx: stream_store.list_streams(tx, after, label, table_name=table_name, limit=limit + 1)
        )
        listed = found[:limit]
        result: Result = {
            "Streams": [
                {"StreamArn": stream.arn, "TableName": stream.table.name, "StreamLabel": stream.label}
                for stream in listed
            ]
        }
        if len(found) > limit:
            result["LastEvaluatedStreamArn"] = listed[-1].arn
        return result

    async def describe_stream(self, caller: Caller, request: Request) -> Result:
        limit, after = _limit(request, MAX_SHARDS), request.get("ExclusiveStartShardId", "")
        is_wanted = _shard_filter(request.get("ShardFilter"))

        def describe(tx: Transaction) -> tuple[Stream, list[Result], bool]:
            stream = _existing_stream(tx, caller, request["StreamArn"])
            wanted = [
                shard for shard in stream_store.shards(tx, stream.arn) if shard.shard_id > after and is_wanted(shard)
            ]
            return stream, [_describe_shard(tx, shard) for shard in wanted[:limit]], len(wanted) > limit

        stream, shards, has_more = await self._database.scan(describe)
        description = _describe_stream(stream) | {"Shards": shards}
        if has_more:
            description["LastEvaluatedShardId"] = shards[-1]["ShardId"]
        return {"StreamDescription": description}

    async def get_shard_iterator(self, caller: Caller, request: Request) -> Result:
        def find(tx: Transaction) -> ShardIterator:
            stream = _existing_stream(tx, caller, request["StreamArn"])
            shard = _existing_shard(tx, stream, request["ShardId"])
            return ShardIterator(stream.arn, shard.shard_id, _start(tx, shard, request), self._clock.now_ms())

        return {"ShardIterator": shard_iterators.write_token(await self._database.scan(find))}

    async def get_records(self, caller: Caller, request: Request) -> Result:
        limit, now_ms = _limit(request, MAX_RECORDS), self._clock.now_ms()
        iterator = shard_iterators.read_token(request["ShardIterator"], now_ms=now_ms)

        def read(tx: Transaction) -> Result:
            stream = _existing_stream(tx, caller, iterator.stream_arn)
            shard = _existing_shard(tx, stream, iterator.shard_id)
            shard_iterators.check_not_trimmed(shard, iterator.after)
            found = stream_store.read_shard(tx, shard, iterator.after, limit, max_bytes=MAX_RECORDS_BYTES)
            after = found[-1].position if found else iterator.after
            result: Result = {
                "Records": [streams.to_api_record(record, stream.arn, stream.table.region) for record in found]
            }
            if not shard.is_closed or after < stream_store.last_position(tx, shard):
                following = ShardIterator(stream.arn, shard.shard_id, after, now_ms)
                result["NextShardIterator"] = shard_iterators.write_token(following)
            return result

        return await self._database.scan(read)


def _limit(request: Request, maximum: int) -> int:
    limit: int = request.get("Limit", maximum)
    if limit > maximum:
        raise ValidationException(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            f"Member must have value less than or equal to {maximum}"
        )
    return limit


def _stream_name(stream_arn: str) -> tuple[str, str]:
    """Table name and label of an ARN that a listing gave out; "" of none."""
    table, _, label = stream_arn.partition("/stream/")
    return table.rpartition("/")[2], label


def _existing_stream(tx: Transaction, caller: Caller, stream_arn: str) -> Stream:
    """Raises ResourceNotFound."""
    stream = stream_store.find_stream(tx, stream_arn)
    if stream is None or (stream.table.account_id, stream.table.region) != (caller.account_id, caller.region):
        raise ResourceNotFound(f"Requested resource not found: Stream: {stream_arn} not found")
    return stream


def _existing_shard(tx: Transaction, stream: Stream, shard_id: str) -> Shard:
    """Raises ResourceNotFound."""
    shard = stream_store.find_shard(tx, stream.stream_id, shard_id)
    if shard is None:
        raise ResourceNotFound("Requested resource not found: Shard does not exist")
    return shard


def _start(tx: Transaction, shard: Shard, request: Request) -> int:
    """The position to read after. Raises ValidationException, TrimmedDataAccess."""
    kind, last = request["ShardIteratorType"], stream_store.last_position(tx, shard)
    match kind:
        case "TRIM_HORIZON":
            return shard.trimmed
        case "LATEST":
            return last
        case "AT_TIMESTAMP":
            if "Timestamp" not in request:
                raise _missing("Timestamp", kind)
            return stream_store.find_position_at(tx, shard, int(request["Timestamp"] * 1000))
    if "SequenceNumber" not in request:
        raise _missing("SequenceNumber", kind)
    return shard_iterators.position_before(
        shard, request["SequenceNumber"], is_included=kind == "AT_SEQUENCE_NUMBER", last=last
    )


def _missing(parameter: str, kind: str) -> ValidationException:
    return ValidationException(f"{parameter} must be specified for ShardIteratorType {kind}")


def _shard_filter(given: Mapping[str, str] | None) -> Callable[[Shard], bool]:
    """DescribeStream's ShardFilter: only the children of one shard."""
    if given is None:
        return lambda _: True
    if "ShardId" not in given:
        raise ValidationException("ShardId must be specified for ShardFilter type CHILD_SHARDS")
    return lambda shard: shard.parent_id == given["ShardId"]


def _describe_stream(stream: Stream) -> Result:
    schema = stream.schema
    return {
        "StreamArn": stream.arn,
        "StreamLabel": stream.label,
        "StreamStatus": "ENABLED" if stream.closed_ms is None else "DISABLED",
        "StreamViewType": stream.view_type,
        "CreationRequestDateTime": stream.created_ms / 1000,
        "TableName": stream.table.name,
        "KeySchema": [
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(schema.names, ("HASH", "RANGE"), strict=False)
        ],
    }


def _describe_shard(tx: Transaction, shard: Shard) -> Result:
    """A shard that closed without a record ends where it starts."""
    numbers = {"StartingSequenceNumber": streams.sequence_number_of(shard.opened_ms, 1)}
    if shard.is_closed:
        last = max(stream_store.last_position(tx, shard), 1)
        numbers["EndingSequenceNumber"] = streams.sequence_number_of(shard.opened_ms, last)
    described: Result = {"ShardId": shard.shard_id, "SequenceNumberRange": numbers}
    if shard.parent_id is not None:
        described["ParentShardId"] = shard.parent_id
    return described
