"""A table's stream as a source: change records as functions receive them, keyed by the item's partition key."""

from collections.abc import Sequence

import orjson

from lambent.delivery.event_source_mappings import discards
from lambent.delivery.event_source_mappings.sources import LogSource, Shard, SourceRecord
from lambent.kit import trace
from lambent.services.dynamodb import stream_store, streams
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction


def find(tx: Transaction, mapping: EventSourceMapping) -> LogSource | None:
    """Only of the mapping's own account: tables have no policies here that could open their streams to another."""
    stream_arn = mapping.source_arn
    stream = stream_store.find_stream(tx, stream_arn)
    if stream is None or stream.table.account_id != mapping.account_id:
        return None
    region = stream.table.region

    def list_shards(tx: Transaction) -> Sequence[Shard]:
        return [_shard(shard, stream_arn, region) for shard in stream_store.shards(tx, stream_arn)]

    return LogSource(
        arn=stream_arn,
        label=f"dynamodb:{stream.table.name}",
        batch_info=discards.OF_TABLES,
        topic=stream_store.stream_topic(stream_arn),
        retention_seconds=streams.RETENTION_MS // 1000,
        list_shards=list_shards,
    )


def _shard(shard: streams.Shard, stream_arn: str, region: str) -> Shard:
    def decode(record: LogRecord) -> SourceRecord:
        change = streams.record_of(
            shard, position=record.position, time_ms=record.time_ms, payload=orjson.loads(record.payload)
        )
        event = streams.to_event_record(change, stream_arn, region)
        return SourceRecord(
            position=record.position,
            time_ms=record.time_ms,
            sequence_number=change.sequence_number,
            partition_key=orjson.dumps(next(iter(change.keys.values()))),
            event=event,
            trace=change.trace or trace.begin(event["eventID"], record.time_ms / 1000),
        )

    return Shard(
        shard_id=shard.shard_id,
        log=stream_store.log_name(shard.stream_id, shard.shard_id),
        parent_ids=(shard.parent_id,) if shard.parent_id else (),
        is_closed=shard.is_closed,
        decode=decode,
    )
