"""Enhanced fan-out through boto3: consumers, and records that are pushed the moment they are committed."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EventStreamError

MakeStream = Callable[..., str]
Refusal = Callable[..., tuple[str, str]]
SHARD = "shardId-000000000000"
TRIM_HORIZON = {"Type": "TRIM_HORIZON"}


def register(kinesis: Any, reader: Any, stream: str, name: str = "c") -> str:
    consumer = kinesis.register_stream_consumer(StreamARN=reader.arn(stream), ConsumerName=name)["Consumer"]
    return str(consumer["ConsumerARN"])


def subscribe(kinesis: Any, arn: str, shard_id: str = SHARD, **position: Any) -> Any:
    start = position or TRIM_HORIZON
    answer = kinesis.subscribe_to_shard(ConsumerARN=arn, ShardId=shard_id, StartingPosition=start)
    return (event["SubscribeToShardEvent"] for event in answer["EventStream"])


def take(events: Any, count: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < count:
        found += [record["Data"] for record in next(events)["Records"]]
    return found


def test_consumers_are_registered_described_listed_and_deregistered(
    kinesis: Any, stream: str, reader: Any, refusal: Refusal
) -> None:
    arn = register(kinesis, reader, stream, "one")
    assert arn.startswith(f"{reader.arn(stream)}/consumer/one:")
    kinesis.get_waiter("stream_exists").wait(StreamName=stream)
    for named in ({"ConsumerARN": arn}, {"StreamARN": reader.arn(stream), "ConsumerName": "one"}):
        described = kinesis.describe_stream_consumer(**named)["ConsumerDescription"]
        assert (described["ConsumerStatus"], described["StreamARN"]) == ("ACTIVE", reader.arn(stream))
    register(kinesis, reader, stream, "two")
    pages = kinesis.get_paginator("list_stream_consumers").paginate(
        StreamARN=reader.arn(stream), PaginationConfig={"PageSize": 1}
    )
    assert [one["ConsumerName"] for page in pages for one in page["Consumers"]] == ["one", "two"]
    taken = {"StreamARN": reader.arn(stream), "ConsumerName": "one"}
    assert refusal(kinesis.register_stream_consumer, **taken)[0] == "ResourceInUseException"
    kinesis.deregister_stream_consumer(ConsumerARN=arn)
    assert refusal(kinesis.describe_stream_consumer, ConsumerARN=arn)[0] == "ResourceNotFoundException"
    assert refusal(kinesis.describe_stream_consumer, ConsumerName="one")[0] == "InvalidArgumentException"
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    assert summary["ConsumerCount"] == 1


def test_a_stream_has_twenty_consumers_at_most(kinesis: Any, stream: str, reader: Any, refusal: Refusal) -> None:
    for number in range(20):
        register(kinesis, reader, stream, f"c{number}")
    one_more = {"StreamARN": reader.arn(stream), "ConsumerName": "one-more"}
    assert refusal(kinesis.register_stream_consumer, **one_more)[0] == "LimitExceededException"


def test_records_are_pushed_as_they_are_committed(kinesis: Any, stream: str, reader: Any) -> None:
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"before")
    events = subscribe(kinesis, register(kinesis, reader, stream))
    first = next(events)
    assert [one["Data"] for one in first["Records"]] == [b"before"]
    assert first["MillisBehindLatest"] == 0
    delays = []
    for number in range(5):
        began = time.monotonic()
        kinesis.put_record(StreamName=stream, PartitionKey="k", Data=str(number).encode())
        assert take(events, 1) == [str(number).encode()]
        delays.append(time.monotonic() - began)
    assert min(delays) < 0.5, "nothing waits for a timer"


def test_a_subscription_goes_on_from_where_another_was(kinesis: Any, stream: str, reader: Any) -> None:
    entries = [{"PartitionKey": "k", "Data": str(n).encode()} for n in range(3)]
    kinesis.put_records(StreamName=stream, Records=entries)
    event = next(subscribe(kinesis, register(kinesis, reader, stream)))
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"3")
    for number, kind in enumerate(("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")):
        arn = register(kinesis, reader, stream, f"again-{number}")
        again = subscribe(kinesis, arn, Type=kind, SequenceNumber=event["ContinuationSequenceNumber"])
        assert take(again, 1) == [b"3"]


def test_at_the_end_of_a_shard_its_children_are_named(kinesis: Any, stream: str, reader: Any) -> None:
    arn = register(kinesis, reader, stream)
    events = subscribe(kinesis, arn)
    next(events)
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"last")
    kinesis.split_shard(StreamName=stream, ShardToSplit=SHARD, NewStartingHashKey="1000")
    rest = list(events)
    assert [one["Data"] for event in rest for one in event["Records"]] == [b"last"]
    assert "ContinuationSequenceNumber" not in rest[-1]
    children = [one["ShardId"] for one in rest[-1]["ChildShards"]]
    assert children == ["shardId-000000000001", "shardId-000000000002"]
    assert next(subscribe(kinesis, arn, children[0]))["Records"] == []


def test_one_subscription_at_a_time(kinesis: Any, stream: str, reader: Any, refusal: Refusal) -> None:
    arn = register(kinesis, reader, stream)
    next(subscribe(kinesis, arn))
    request = {"ConsumerARN": arn, "ShardId": SHARD, "StartingPosition": TRIM_HORIZON}
    assert refusal(kinesis.subscribe_to_shard, **request) == (
        "ResourceInUseException",
        f"Another active subscription exists for this consumer: 000000000000:{stream}:{SHARD}:c",
    )


def test_what_cannot_be_subscribed_to(kinesis: Any, stream: str, reader: Any, refusal: Refusal) -> None:
    arn = register(kinesis, reader, stream)
    request = {"ConsumerARN": arn, "ShardId": SHARD, "StartingPosition": TRIM_HORIZON}
    missing = {**request, "ConsumerARN": arn.replace("/c:", "/d:")}
    assert refusal(kinesis.subscribe_to_shard, **missing)[0] == "ResourceNotFoundException"
    assert refusal(kinesis.subscribe_to_shard, **{**request, "ShardId": "shardId-000000000009"})[0] == (
        "ResourceNotFoundException"
    )
    no_number = {**request, "StartingPosition": {"Type": "AT_SEQUENCE_NUMBER"}}
    assert refusal(kinesis.subscribe_to_shard, **no_number)[0] == "InvalidArgumentException"
    assert refusal(kinesis.subscribe_to_shard, **request, DryRun=True)[0] == "DryRunOperationException"
    next(subscribe(kinesis, arn))  # none of these has taken the place


@pytest.mark.parametrize("end", ["consumer", "stream"])
def test_a_subscription_ends_with_its_consumer_or_stream(kinesis: Any, stream: str, reader: Any, end: str) -> None:
    arn = register(kinesis, reader, stream)
    events = subscribe(kinesis, arn)
    next(events)
    if end == "consumer":
        kinesis.deregister_stream_consumer(ConsumerARN=arn)
    else:
        kinesis.delete_stream(StreamName=stream, EnforceConsumerDeletion=True)
    with pytest.raises(EventStreamError, match="ResourceNotFoundException"):
        list(events)


def test_many_consumers_see_everything(kinesis: Any, stream: str, reader: Any) -> None:
    subscriptions = [subscribe(kinesis, register(kinesis, reader, stream, f"c{n}")) for n in range(4)]
    found: dict[int, list[bytes]] = {}
    threads = [
        threading.Thread(target=lambda n=n, events=events: found.__setitem__(n, take(events, 60)))
        for n, events in enumerate(subscriptions)
    ]
    for thread in threads:
        thread.start()
    data = [str(number).encode() for number in range(60)]
    for start in range(0, 60, 20):
        entries = [{"PartitionKey": "k", "Data": one} for one in data[start : start + 20]]
        kinesis.put_records(StreamName=stream, Records=entries)
    for thread in threads:
        thread.join(20)
    assert [found[n] for n in range(4)] == [data] * 4
