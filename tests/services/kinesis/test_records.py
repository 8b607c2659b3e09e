"""Records through boto3: putting, placing, reading from anywhere, and what is refused."""

import base64
import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest

MakeStream = Callable[..., str]
Refusal = Callable[..., tuple[str, str]]
SHARD = "shardId-000000000000"


def put(kinesis: Any, stream: str, *data: bytes, key: str = "k") -> list[str]:
    """Sequence numbers."""
    entries = [{"PartitionKey": key, "Data": one} for one in data]
    return [one["SequenceNumber"] for one in kinesis.put_records(StreamName=stream, Records=entries)["Records"]]


def test_a_record_comes_back_as_it_was_put(kinesis: Any, stream: str, reader: Any) -> None:
    before = time.time()
    answer = kinesis.put_record(StreamName=stream, PartitionKey="ключ", Data=bytes(range(256)))
    (record,) = reader.records(stream, SHARD)
    assert answer["ShardId"] == SHARD
    assert record["SequenceNumber"] == answer["SequenceNumber"]
    assert (record["Data"], record["PartitionKey"]) == (bytes(range(256)), "ключ")
    assert before - 0.01 <= record["ApproximateArrivalTimestamp"].timestamp() <= time.time()


def test_sequence_numbers_grow(kinesis: Any, stream: str, reader: Any) -> None:
    numbers = put(kinesis, stream, b"1", b"2", b"3") + put(kinesis, stream, b"4")
    assert [int(number) for number in numbers] == sorted({int(number) for number in numbers})
    assert [one["SequenceNumber"] for one in reader.records(stream, SHARD)] == numbers


def test_records_lie_where_their_hash_says(kinesis: Any, make_stream: MakeStream, reader: Any) -> None:
    stream = make_stream(4)
    ranges = {one["ShardId"]: one["HashKeyRange"] for one in reader.shards(stream)}
    entries = [{"PartitionKey": f"key-{n}", "Data": b"x"} for n in range(50)]
    placed = kinesis.put_records(StreamName=stream, Records=entries)
    assert placed["FailedRecordCount"] == 0
    for entry, result in zip(entries, placed["Records"], strict=True):
        hashed = int(hashlib.md5(str(entry["PartitionKey"]).encode()).hexdigest(), 16)
        where = ranges[result["ShardId"]]
        assert int(where["StartingHashKey"]) <= hashed <= int(where["EndingHashKey"])
    assert len(reader.all_data(stream)) == 50


def test_an_explicit_hash_key_overrides_the_partition_key(
    kinesis: Any, make_stream: MakeStream, refusal: Refusal
) -> None:
    stream = make_stream(2)
    for hash_key, index in (("0", 0), (str(2**127 - 1), 0), (str(2**127), 1), (str(2**128 - 1), 1)):
        answer = kinesis.put_record(StreamName=stream, PartitionKey="k", ExplicitHashKey=hash_key, Data=b"x")
        assert answer["ShardId"] == f"shardId-{index:012}"
    request = {"StreamName": stream, "PartitionKey": "k", "Data": b"x"}
    assert refusal(kinesis.put_record, ExplicitHashKey=str(2**128), **request)[0] == "InvalidArgumentException"
    assert refusal(kinesis.put_record, ExplicitHashKey="-1", **request)[0] == "ValidationException"


def test_pages_go_on_where_the_last_one_ended(kinesis: Any, stream: str, reader: Any) -> None:
    data = [str(number).encode() for number in range(1_200)]
    for start in range(0, len(data), 400):
        put(kinesis, stream, *data[start : start + 400])
    assert [one["Data"] for one in reader.records(stream, SHARD, limit=70)] == data
    assert [one["Data"] for one in reader.records(stream, SHARD)] == data


def test_how_far_behind_a_reader_is(kinesis: Any, stream: str, reader: Any) -> None:
    put(kinesis, stream, b"1", b"2")
    time.sleep(0.05)
    page = kinesis.get_records(ShardIterator=reader.iterator(stream, SHARD), Limit=1)
    assert 50 <= page["MillisBehindLatest"] < 60_000
    assert kinesis.get_records(ShardIterator=page["NextShardIterator"])["MillisBehindLatest"] == 0


def test_reading_begins_anywhere(kinesis: Any, stream: str, reader: Any) -> None:
    numbers = put(kinesis, stream, b"1", b"2", b"3")
    time.sleep(0.02)
    moment = time.time()
    time.sleep(0.02)
    latest = reader.iterator(stream, SHARD, ShardIteratorType="LATEST")
    put(kinesis, stream, b"4")
    assert [one["Data"] for one in kinesis.get_records(ShardIterator=latest)["Records"]] == [b"4"]

    def read(kind: str, **where: Any) -> list[bytes]:
        return [one["Data"] for one in reader.records(stream, SHARD, ShardIteratorType=kind, **where)]

    assert read("AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == [b"2", b"3", b"4"]
    assert read("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == [b"3", b"4"]
    assert read("AT_TIMESTAMP", Timestamp=moment) == [b"4"]
    assert read("AT_TIMESTAMP", Timestamp=moment - 3600) == [b"1", b"2", b"3", b"4"]
    start = reader.shards(stream)[0]["SequenceNumberRange"]["StartingSequenceNumber"]
    assert read("AT_SEQUENCE_NUMBER", StartingSequenceNumber=start) == [b"1", b"2", b"3", b"4"]


def test_numbers_of_elsewhere_are_refused(kinesis: Any, make_stream: MakeStream, refusal: Refusal) -> None:
    stream, other = make_stream(2), make_stream(1)
    mine = kinesis.put_record(StreamName=stream, PartitionKey="k", ExplicitHashKey="0", Data=b"x")["SequenceNumber"]
    foreign = kinesis.put_record(StreamName=other, PartitionKey="k", Data=b"x")["SequenceNumber"]

    def at(number: str, shard_id: str) -> tuple[str, str]:
        request = {"StreamName": stream, "ShardId": shard_id, "StartingSequenceNumber": number}
        return refusal(kinesis.get_shard_iterator, ShardIteratorType="AT_SEQUENCE_NUMBER", **request)

    code, message = at(mine, "shardId-000000000001")
    assert code == "InvalidArgumentException"
    assert "It encodes shardId-000000000000, while it was used in a call to a shard with" in message
    code, message = at(foreign, SHARD)
    assert code == "InvalidArgumentException"
    assert message.endswith("is invalid because it did not come from this stream.")
    assert at("123", SHARD)[0] == "InvalidArgumentException"
    unknown = {"ShardId": "shardId-000000000009", "ShardIteratorType": "LATEST"}
    assert refusal(kinesis.get_shard_iterator, StreamName=stream, **unknown) == (
        "ResourceNotFoundException",
        f"Shard shardId-000000000009 in stream {stream} under account 000000000000 does not exist",
    )
    no_shard = {"ShardId": "foo", "ShardIteratorType": "LATEST"}
    assert refusal(kinesis.get_shard_iterator, StreamName=stream, **no_shard) == (
        "ResourceNotFoundException",
        f"Could not find shard foo in stream {stream} under account 000000000000.",
    )
    code, message = refusal(kinesis.get_records, ShardIterator="made-up")
    assert (code, message) == ("InvalidArgumentException", "Invalid ShardIterator.")


def test_writers_order_by_sequence_number(kinesis: Any, stream: str, refusal: Refusal) -> None:
    last = "0"
    for _ in range(3):
        answer = kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"x", SequenceNumberForOrdering=last)
        assert int(answer["SequenceNumber"]) > int(last)
        last = answer["SequenceNumber"]
    request = {"StreamName": stream, "PartitionKey": "k", "Data": b"x"}
    assert refusal(kinesis.put_record, SequenceNumberForOrdering="12", **request)[0] == "InvalidArgumentException"


def test_records_that_are_too_large(kinesis: Any, stream: str, reader: Any, refusal: Refusal) -> None:
    """The limit is on partition key and data together."""
    mebibyte = 1024 * 1024
    kinesis.put_record(StreamName=stream, PartitionKey="1234", Data=bytes(mebibyte - 4))
    request = {"StreamName": stream, "PartitionKey": "1234"}
    assert refusal(kinesis.put_record, Data=bytes(mebibyte - 3), **request)[0] == "InvalidArgumentException"
    kinesis.update_max_record_size(StreamARN=reader.arn(stream), MaxRecordSizeInKiB=10_240)
    kinesis.put_record(Data=bytes(10 * mebibyte - 4), **request)
    assert [len(one["Data"]) for one in reader.records(stream, SHARD)] == [mebibyte - 4, 10 * mebibyte - 4]


def test_requests_that_are_too_large(kinesis: Any, stream: str, refusal: Refusal) -> None:
    entries = [{"PartitionKey": "k", "Data": bytes(1_000_000)}] * 11
    code, message = refusal(kinesis.put_records, StreamName=stream, Records=entries)
    assert (code, message) == ("InvalidArgumentException", "Records size exceeds 10 MB limit")
    entries = [{"PartitionKey": "k", "Data": b"x"}] * 501
    assert refusal(kinesis.put_records, StreamName=stream, Records=entries)[0] == "ValidationException"


def test_a_page_has_ten_mebibytes_at_most(kinesis: Any, stream: str, reader: Any) -> None:
    for _ in range(2):
        put(kinesis, stream, *[bytes(1_000_000)] * 7)
    page = kinesis.get_records(ShardIterator=reader.iterator(stream, SHARD))
    assert len(page["Records"]) == 10
    assert len(kinesis.get_records(ShardIterator=page["NextShardIterator"])["Records"]) == 4


def test_a_dry_run_does_nothing(kinesis: Any, stream: str, reader: Any, refusal: Refusal) -> None:
    request = {"StreamName": stream, "PartitionKey": "k", "Data": b"x", "DryRun": True}
    assert refusal(kinesis.put_record, **request)[0] == "DryRunOperationException"
    assert refusal(kinesis.get_records, ShardIterator=reader.iterator(stream, SHARD), DryRun=True)[0] == (
        "DryRunOperationException"
    )
    assert list(reader.records(stream, SHARD)) == []


def test_a_stream_that_throttles_refuses_record_by_record(
    kinesis: Any, make_stream: MakeStream, reader: Any, refusal: Refusal
) -> None:
    stream = make_stream(1, Tags={"lambent:throttle": "on"})
    results: list[dict[str, Any]] = []
    for _ in range(4):
        entries = [{"PartitionKey": "k", "Data": b"x"}] * 500
        answer = kinesis.put_records(StreamName=stream, Records=entries)
        assert answer["FailedRecordCount"] == sum("ErrorCode" in one for one in answer["Records"])
        results += answer["Records"]
    refused = [one for one in results if "ErrorCode" in one]
    assert refused
    assert refused[0] == {
        "ErrorCode": "ProvisionedThroughputExceededException",
        "ErrorMessage": f"Rate exceeded for shard {SHARD} in stream {stream} under account 000000000000.",
    }
    iterator = reader.iterator(stream, SHARD)
    found = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert len(found) == len(results) - len(refused)


@pytest.mark.parametrize("data", [b"", b"\x00" * 10, base64.b64encode(b"x")])
def test_data_is_nobodys_business(kinesis: Any, stream: str, reader: Any, data: bytes) -> None:
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=data)
    assert reader.all_data(stream) == [data]
