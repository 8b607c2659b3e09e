"""A Kinesis data stream as a source, by its own ARN or by that of a consumer with enhanced fan-out.

"Process Amazon Kinesis Data Streams records with Lambda", https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html.
Either way records come from the shards' logs the moment they are committed, so a consumer has no throughput to share;
what its ARN means here is that the mapping ends to read when the consumer is deregistered.
"""

import base64
from collections.abc import Sequence

from lambent.delivery.event_source_mappings import kinesis_filters
from lambent.delivery.event_source_mappings.sources import LogSource, Shard, SourceRecord
from lambent.services.kinesis import access, names, records, sequence_numbers, shards, stream_store
from lambent.services.kinesis.names import ConsumerKey, StreamKey
from lambent.services.kinesis.streams import Stream
from lambent.services.lambda_ import names as function_names
from lambent.services.lambda_ import store as function_store
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction


def find(tx: Transaction, mapping: EventSourceMapping) -> LogSource | None:
    consumer = names.parse_consumer_arn(mapping.source_arn)
    key = consumer.stream if consumer else names.parse_stream_arn(mapping.source_arn)
    stream = _find_stream(tx, key, consumer)
    if stream is None:
        return None
    role = _role_of(tx, mapping)
    if not _may_read(stream, mapping, role):
        return None

    def list_shards(tx: Transaction) -> Sequence[Shard]:
        current = _find_stream(tx, key, consumer)
        found = stream_store.list_shards(tx, current.stream_id) if current else []
        return [_shard(shard, stream, role) for shard in found]

    return LogSource(
        arn=stream.arn,
        label=f"kinesis:{stream.key.name}",
        batch_info="KinesisBatchInfo",
        topic=stream_store.stream_topic(stream.key),
        retention_seconds=stream.retention_ms // 1000,
        list_shards=list_shards,
        compile_filters=kinesis_filters.compile_filters,
    )


def _find_stream(tx: Transaction, key: StreamKey | None, consumer: ConsumerKey | None) -> Stream | None:
    if key is None or (consumer is not None and stream_store.find_consumer(tx, consumer) is None):
        return None
    return stream_store.find_stream(tx, key)


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
                    "data": base64.b64encode(content.data).decode(),
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
