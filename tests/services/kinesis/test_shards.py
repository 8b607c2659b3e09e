"""Resharding through boto3: children follow their parents, everything is found once, listings show what was when."""

import time
from collections.abc import Callable
from typing import Any

MakeStream = Callable[..., str]
Refusal = Callable[..., tuple[str, str]]

FIRST, SECOND = "shardId-000000000000", "shardId-000000000001"
HALF = str(2**127)


def put_each(kinesis: Any, stream: str, count: int, since: int = 0) -> None:
    entries = [{"PartitionKey": f"key-{n}", "Data": str(n).encode()} for n in range(since, since + count)]
    assert kinesis.put_records(StreamName=stream, Records=entries)["FailedRecordCount"] == 0


def test_a_split_closes_a_shard_and_opens_two(kinesis: Any, stream: str, reader: Any, refusal: Refusal) -> None:
    put_each(kinesis, stream, 20)
    kinesis.split_shard(StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=HALF)
    put_each(kinesis, stream, 20, since=20)
    parent, *children = reader.shards(stream)
    assert "EndingSequenceNumber" in parent["SequenceNumberRange"]
    assert [one["ParentShardId"] for one in children] == [FIRST, FIRST]
    assert children[0]["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(2**127 - 1)}
    assert sorted(map(int, reader.all_data(stream))) == list(range(40))
    assert len(list(reader.records(stream, FIRST))) == 20
    page = kinesis.get_records(ShardIterator=reader.iterator(stream, FIRST))
    assert "NextShardIterator" not in page
    assert [one["ShardId"] for one in page["ChildShards"]] == [one["ShardId"] for one in children]
    assert [one["ParentShards"] for one in page["ChildShards"]] == [[FIRST], [FIRST]]
    assert (
        refusal(kinesis.split_shard, StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey="5000")[0]
        == "ResourceInUseException"
    )


def test_a_merge_joins_two_neighbours(kinesis: Any, make_stream: MakeStream, reader: Any, refusal: Refusal) -> None:
    stream = make_stream(3)
    put_each(kinesis, stream, 30)
    apart = {"ShardToMerge": FIRST, "AdjacentShardToMerge": "shardId-000000000002"}
    assert refusal(kinesis.merge_shards, StreamName=stream, **apart)[0] == "InvalidArgumentException"
    unknown = {"ShardToMerge": FIRST, "AdjacentShardToMerge": "shardId-000000000007"}
    assert refusal(kinesis.merge_shards, StreamName=stream, **unknown) == (
        "ResourceNotFoundException",
        f"Could not find shard shardId-000000000007 in stream {stream} under account 000000000000.",
    )
    kinesis.merge_shards(StreamName=stream, ShardToMerge=SECOND, AdjacentShardToMerge=FIRST)
    put_each(kinesis, stream, 30, since=30)
    child = reader.shards(stream)[-1]
    assert (child["ParentShardId"], child["AdjacentParentShardId"]) == (SECOND, FIRST)
    assert sorted(map(int, reader.all_data(stream))) == list(range(60))


def test_scaling_while_records_are_put_loses_none(kinesis: Any, make_stream: MakeStream, reader: Any) -> None:
    stream = make_stream(2)
    count = 0
    for target in (4, 3, 5, 3):
        put_each(kinesis, stream, 25, since=count)
        count += 25
        answer = kinesis.update_shard_count(StreamName=stream, TargetShardCount=target, ScalingType="UNIFORM_SCALING")
        assert answer["TargetShardCount"] == target
        summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        assert (summary["OpenShardCount"], summary["StreamStatus"]) == (target, "ACTIVE")
    assert sorted(map(int, reader.all_data(stream))) == list(range(count))


def test_scaling_too_far_at_once(kinesis: Any, make_stream: MakeStream, refusal: Refusal) -> None:
    stream = make_stream(4)
    for target, word in ((9, "double"), (1, "half")):
        request = {"TargetShardCount": target, "ScalingType": "UNIFORM_SCALING"}
        code, message = refusal(kinesis.update_shard_count, StreamName=stream, **request)
        assert code == "InvalidArgumentException"
        assert word in message


def test_reading_goes_on_after_a_deleted_end(kinesis: Any, stream: str, reader: Any) -> None:
    """The ending sequence number of a closed shard is a place to start behind, as libraries do."""
    put_each(kinesis, stream, 3)
    kinesis.split_shard(StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=HALF)
    end = reader.shards(stream)[0]["SequenceNumberRange"]["EndingSequenceNumber"]
    where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": end}
    assert list(reader.records(stream, FIRST, **where)) == []
    latest = reader.iterator(stream, FIRST, ShardIteratorType="LATEST")
    assert "NextShardIterator" not in kinesis.get_records(ShardIterator=latest)


def test_listings_by_filter(kinesis: Any, stream: str, reader: Any, refusal: Refusal) -> None:
    time.sleep(0.02)
    moment = time.time()
    time.sleep(0.02)
    kinesis.split_shard(StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=HALF)
    time.sleep(0.02)

    def listed(kind: str, **options: Any) -> list[int]:
        shards = reader.shards(stream, ShardFilter={"Type": kind, **options})
        return [int(one["ShardId"].removeprefix("shardId-")) for one in shards]

    assert listed("AT_LATEST") == [1, 2]
    assert listed("AT_TRIM_HORIZON") == [0]
    assert listed("FROM_TRIM_HORIZON") == [0, 1, 2]
    assert listed("AT_TIMESTAMP", Timestamp=moment) == [0]
    assert listed("FROM_TIMESTAMP", Timestamp=moment) == [0, 1, 2]
    assert listed("FROM_TIMESTAMP", Timestamp=time.time()) == [1, 2]
    assert listed("AFTER_SHARD_ID", ShardId=FIRST) == [1, 2]
    for wrong in ({"Type": "AFTER_SHARD_ID"}, {"Type": "AT_TIMESTAMP"}, {"Type": "AT_LATEST", "ShardId": FIRST}):
        assert refusal(kinesis.list_shards, StreamName=stream, ShardFilter=wrong)[0] == "InvalidArgumentException"


def test_listings_in_pages(kinesis: Any, make_stream: MakeStream, refusal: Refusal) -> None:
    stream = make_stream(5)
    page = kinesis.list_shards(StreamName=stream, MaxResults=2, ExclusiveStartShardId=FIRST)
    assert [one["ShardId"] for one in page["Shards"]] == [SECOND, "shardId-000000000002"]
    rest = kinesis.list_shards(NextToken=page["NextToken"])
    assert [one["ShardId"] for one in rest["Shards"]] == ["shardId-000000000003", "shardId-000000000004"]
    assert "NextToken" not in rest
    assert refusal(kinesis.list_shards, StreamName=stream, NextToken=page["NextToken"])[0] == (
        "InvalidArgumentException"
    )
    assert refusal(kinesis.list_shards, NextToken="made-up")[0] == "InvalidArgumentException"
    created = kinesis.describe_stream(StreamName=stream)["StreamDescription"]["StreamCreationTimestamp"]
    assert len(kinesis.list_shards(StreamName=stream, StreamCreationTimestamp=created)["Shards"]) == 5
    assert refusal(kinesis.list_shards, StreamName=stream, StreamCreationTimestamp=1)[0] == (
        "ResourceNotFoundException"
    )
