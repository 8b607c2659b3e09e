"""A Kinesis data stream as a source, by its own ARN or by that of a consumer with enhanced fan-out.

"Process Amazon Kinesis Data Streams records with Lambda", https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html.
Either way records come from the shards' logs the moment they are committed, so a consumer has no throughput to share;
what its ARN means here is that the mapping ends to read when the consumer is deregistered.
"""

from collections.abc import Sequence

import pybase64

from lambent.delivery.event_source_mappings import discards, kinesis_filters
from lambent.delivery.event_source_mappings.sources import LogSource, Shard, SourceRecord
from lambent.services.kinesis import access, names, records, sequence_numbers, shards, stream_store
from lambent.services.kinesis.streams import Stream
from lambent.services.lambda_ import names as function_names
from lambent.services.lambda_ import store as function_store
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction


def find(tx: Transaction, mapping: EventSourceMapping) -> LogSource | None:
    """Of a stream that is not there (yet, or any more) a source without shards, which hears when it comes."""
    consumer = names.parse_consumer_arn(mapping.source_arn)
    key = consumer.stream if consumer else names.parse_stream_arn(mapping.source_arn)
    if key is None:
        return None
    role = _role_of(tx, mapping)

    def find_stream(tx: Transaction) -> Stream | None:
        if consumer is not None and stream_store.find_consumer(tx, consumer) is None:
            return None
        found = stream_store.find_stream(tx, key)
        return found if found is not None and _may_read(found, mapping, role) else None

    def list_shards(tx: Transaction) -> Sequence[Shard]:
        current = find_stream(tx)
        if current is None:
            return ()
        return [_shard(one, current, role) for one in stream_store.list_shards(tx, current.stream_id)]

    stream = find_stream(tx)
    return LogSource(
        arn=names.stream_arn(key),
        label=f"kinesis:{key.name}",
        batch_info=discards.OF_STREAMS,
        topic=stream_store.stream_topic(key),
        retention_seconds=stream.retention_ms // 1000 if stream else 0,
        list_shards=list_shards,
        compile_filters=kinesis_filters.compile_filters,
        is_there=stream is not None,
    )


def _may_read(stream: Stream, mapping: EventSourceMapping, role: str) -> bool:
    """Streams of other accounts only where their policy says so."""
    if stream.key.account_id == mapping.account_id:
        return True
    return access.lets_account(stream.settings.policy, stream.arn, mapping.account_id, role, "GetRecords")


def _role_of(tx: Transaction, mapping: EventSourceMapping) -> str:
    """Of the mapped function: what event records call `invokeIdentityArn`."""
    reference = function_names.parse_arn(mapping.function_arn)
    function = function_store.find_function(tx, reference.key) if reference else None
    return function.configuration.role_arn if function else ""


def _shard(shard: shards.Shard, stream: Stream, role: str) -> Shard:
    """Its id must not be that of a shard of an earlier stream of that name, whose place a mapping may still keep."""
    region, arn, prefix, shard_id = stream.key.region, stream.arn, shard.prefix, shard.shard_id

    def decode(record: LogRecord) -> SourceRecord:
        content = records.unpack(record.payload)
        number = sequence_numbers.of_record(prefix, record.position)
        partition_key = content.partition_key or ""
        return SourceRecord(
            position=record.position,
            time_ms=record.time_ms,
            sequence_number=number,
            partition_key=partition_key.encode(),
            event={
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": partition_key,
                    "sequenceNumber": number,
                    "data": pybase64.b64encode_as_string(content.data),
                    "approximateArrivalTimestamp": record.time_ms / 1000,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard_id}:{number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": role,
                "awsRegion": region,
                "eventSourceARN": arn,
            },
            trace=content.trace,
        )

    return Shard(
        shard_id=f"{shard.stream_id}/{shard_id}",
        log=shard.log,
        parent_ids=tuple(f"{shard.stream_id}/{shards.shard_id_of(index)}" for index in shard.parents),
        is_closed=shard.is_closed,
        decode=decode,
        shown=shard_id,
    )
