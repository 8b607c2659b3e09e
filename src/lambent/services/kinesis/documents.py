"""Streams, shards, consumers and records in AWS's spelling."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lambent.services.kinesis import record_store, records, sequence_numbers
from lambent.services.kinesis.shards import Shard, shard_id_of
from lambent.services.kinesis.streams import Consumer, Mode, Stream
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction
from lambent.wire.documents import Finished

Document = dict[str, Any]


def describe_stream(stream: Stream) -> Document:
    """What DescribeStream and DescribeStreamSummary have in common."""
    settings = stream.settings
    described: Document = {
        "StreamName": stream.key.name,
        "StreamARN": stream.arn,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": settings.mode.value},
        "RetentionPeriodHours": settings.retention_hours,
        "StreamCreationTimestamp": stream.created_ms // 1000,
        "EnhancedMonitoring": [{"ShardLevelMetrics": settings.metrics}],
        "EncryptionType": "KMS" if settings.key_id else "NONE",
    }
    return described | ({"KeyId": settings.key_id} if settings.key_id else {})


def summarize_stream(stream: Stream) -> Document:
    """An element of ListStreams."""
    return {
        "StreamName": stream.key.name,
        "StreamARN": stream.arn,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": stream.settings.mode.value},
        "StreamCreationTimestamp": stream.created_ms // 1000,
    }


def describe_capacity(stream: Stream) -> Document:
    """What only the summary has."""
    settings = stream.settings
    described: Document = {"MaxRecordSizeInKiB": settings.max_record_kib}
    if settings.mode is Mode.ON_DEMAND:
        described["RecordDistributionStrategy"] = settings.distribution.value
    return described | warm_throughput(stream)


def warm_throughput(stream: Stream) -> Document:
    warm = stream.settings.warm_mibps
    return {} if warm is None else {"WarmThroughput": {"TargetMiBps": warm, "CurrentMiBps": warm}}


def describe_shard(shard: Shard, last: int) -> Document:
    """`last` is the position of its last record."""
    numbers = {"StartingSequenceNumber": sequence_numbers.of_record(shard.prefix, 0)}
    if shard.is_closed:
        numbers["EndingSequenceNumber"] = sequence_numbers.behind(shard.prefix, last)
    described: Document = {"ShardId": shard.shard_id}
    if shard.parent is not None:
        described["ParentShardId"] = shard_id_of(shard.parent)
    if shard.adjacent_parent is not None:
        described["AdjacentParentShardId"] = shard_id_of(shard.adjacent_parent)
    return {**described, "HashKeyRange": _hash_range(shard), "SequenceNumberRange": numbers}


def describe_shards(tx: Transaction, shards: Iterable[Shard]) -> list[Document]:
    return [describe_shard(one, record_store.last_position(tx, one) if one.is_closed else 0) for one in shards]


def child_shards(children: Iterable[Shard]) -> list[Document]:
    return [
        {
            "ShardId": child.shard_id,
            "ParentShards": [shard_id_of(index) for index in child.parents],
            "HashKeyRange": _hash_range(child),
        }
        for child in children
    ]


def _hash_range(shard: Shard) -> Document:
    return {"StartingHashKey": str(shard.hashes.first), "EndingHashKey": str(shard.hashes.last)}


def describe_records(shard: Shard, found: Sequence[LogRecord]) -> Finished:
    prefix = shard.prefix
    return Finished([_describe_record(prefix, position, time_ms, payload) for position, time_ms, payload in found])


def _describe_record(prefix: str, position: int, time_ms: int, payload: bytes) -> Document:
    partition_key, data, is_encrypted = records.read(payload)
    described: Document = {
        "SequenceNumber": sequence_numbers.of_record(prefix, position),
        "ApproximateArrivalTimestamp": time_ms / 1000,
        "Data": data,
        "PartitionKey": partition_key,
    }
    if partition_key is None:
        del described["PartitionKey"]
    if is_encrypted:
        described["EncryptionType"] = "KMS"
    return described


def describe_consumer(consumer: Consumer, *, status: str = "ACTIVE") -> Document:
    return {
        "ConsumerName": consumer.key.name,
        "ConsumerARN": consumer.arn,
        "ConsumerStatus": status,
        "ConsumerCreationTimestamp": consumer.created_ms // 1000,
    }


def tag_list(tags: Mapping[str, str]) -> list[Document]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
