"""DynamoDB Streams through boto3: what records say, how shards are walked, where reading starts."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from platform_process import PlatformProcess
from services.dynamodb.refusals import refusal

MakeTable = Callable[..., str]

MISSING_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/nowhere/stream/2015-05-11T21:21:33.291"


@pytest.fixture(scope="session")
def streams(platform: PlatformProcess) -> Any:
    return platform.client("dynamodbstreams")


def with_stream(view_type: str = "NEW_AND_OLD_IMAGES") -> dict[str, Any]:
    return {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view_type}}


def latest_arn(dynamodb: Any, table: str) -> str:
    arn: str = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    return arn


def described(streams: Any, arn: str) -> dict[str, Any]:
    """With the shards of all pages."""
    pages = [streams.describe_stream(StreamArn=arn, Limit=3)["StreamDescription"]]
    while last := pages[-1].get("LastEvaluatedShardId"):
        page = streams.describe_stream(StreamArn=arn, Limit=3, ExclusiveStartShardId=last)
        pages.append(page["StreamDescription"])
    return {**pages[0], "Shards": [shard for page in pages for shard in page["Shards"]]}


def shard_records(streams: Any, arn: str, shard: dict[str, Any], **where: Any) -> Iterator[dict[str, Any]]:
    """To the end of a closed shard, or until an open one has no more."""
    start = {"ShardIteratorType": "TRIM_HORIZON", **where}
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], **start)["ShardIterator"]
    while iterator:
        page = streams.get_records(ShardIterator=iterator)
        yield from page["Records"]
        iterator = page.get("NextShardIterator")
        if not page["Records"] and iterator:
            return


def all_records(streams: Any, arn: str) -> list[dict[str, Any]]:
    return [record for shard in described(streams, arn)["Shards"] for record in shard_records(streams, arn, shard)]


def test_record_of_each_kind(dynamodb: Any, streams: Any, make_table: MakeTable) -> None:
    """The item of the API Reference's example (GetRecords); its SizeBytes as well."""
    table = make_table("Id:N", **with_stream())
    dynamodb.put_item(TableName=table, Item={"Id": {"N": "101"}, "Message": {"S": "New item!"}})
    dynamodb.update_item(
        TableName=table,
        Key={"Id": {"N": "101"}},
        UpdateExpression="SET Message = :m",
        ExpressionAttributeValues={":m": {"S": "This item has changed"}},
    )
    dynamodb.delete_item(TableName=table, Key={"Id": {"N": "101"}})
    arn = latest_arn(dynamodb, table)
    first, second, third = all_records(streams, arn)
    new = {"Id": {"N": "101"}, "Message": {"S": "New item!"}}
    changed = {"Id": {"N": "101"}, "Message": {"S": "This item has changed"}}
    assert [record["eventName"] for record in (first, second, third)] == ["INSERT", "MODIFY", "REMOVE"]
    assert (first["dynamodb"]["NewImage"], first["dynamodb"].get("OldImage")) == (new, None)
    assert (second["dynamodb"]["NewImage"], second["dynamodb"]["OldImage"]) == (changed, new)
    assert (third["dynamodb"].get("NewImage"), third["dynamodb"]["OldImage"]) == (None, changed)
    assert [record["dynamodb"]["SizeBytes"] for record in (first, second, third)] == [26, 59, 38]
    for record in (first, second, third):
        assert record["eventVersion"] == "1.1"
        assert record["eventSource"] == "aws:dynamodb"
        assert record["awsRegion"] == "us-east-1"
        assert record["dynamodb"]["Keys"] == {"Id": {"N": "101"}}
        assert record["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        assert record["dynamodb"]["ApproximateCreationDateTime"].microsecond == 0
        assert "userIdentity" not in record
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in (first, second, third)]
    assert numbers == sorted(set(numbers))
    assert len({record["eventID"] for record in (first, second, third)}) == 3
    assert all_records(streams, arn) == [first, second, third], "ids and numbers stay"


@pytest.mark.parametrize(
    ("view_type", "images", "size"),
    [
        ("KEYS_ONLY", set(), 3),
        ("NEW_IMAGE", {"NewImage"}, 8),
        ("OLD_IMAGE", {"OldImage"}, 9),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}, 14),
    ],
)
def test_view_types(
    dynamodb: Any, streams: Any, make_table: MakeTable, view_type: str, images: set[str], size: int
) -> None:
    table = make_table("pk:S", **with_stream(view_type))
    for text in ("xx", "x"):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": "k"}, "a": {"S": text}})
    arn = latest_arn(dynamodb, table)
    change = all_records(streams, arn)[1]["dynamodb"]
    assert set(change) & {"NewImage", "OldImage"} == images
    assert (change["SizeBytes"], change["StreamViewType"]) == (size, view_type)
    assert described(streams, arn)["StreamViewType"] == view_type


def test_write_that_changes_nothing_has_no_record(dynamodb: Any, streams: Any, make_table: MakeTable) -> None:
    table = make_table("pk:S", **with_stream())
    item = {"pk": {"S": "k"}, "s": {"SS": ["a", "b"]}, "n": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=item)
    dynamodb.put_item(TableName=table, Item=item)
    dynamodb.put_item(TableName=table, Item={"n": {"N": "1.0"}, "s": {"SS": ["b", "a"]}, "pk": {"S": "k"}})
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "other"}})
    update = {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    dynamodb.update_item(TableName=table, Key={"pk": {"S": "k"}}, **update)
    with contextlib.suppress(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.delete_item(TableName=table, Key={"pk": {"S": "k"}}, ConditionExpression="attribute_not_exists(pk)")
    assert len(all_records(streams, latest_arn(dynamodb, table))) == 1


def test_description(dynamodb: Any, streams: Any, make_table: MakeTable) -> None:
    table = make_table("pk:S", "sk:N", **with_stream("KEYS_ONLY"))
    arn = latest_arn(dynamodb, table)
    stream = described(streams, arn)
    assert stream["StreamArn"] == arn
    assert arn.endswith(f":table/{table}/stream/{stream['StreamLabel']}")
    assert (stream["StreamStatus"], stream["TableName"]) == ("ENABLED", table)
    assert stream["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert stream["CreationRequestDateTime"].strftime("%Y-%m-%dT%H:%M") == stream["StreamLabel"][:16]
    assert len(stream["Shards"]) == 4
    for shard in stream["Shards"]:
        assert "EndingSequenceNumber" not in shard["SequenceNumberRange"]
        assert "ParentShardId" not in shard


def test_list_streams(dynamodb: Any, streams: Any, make_table: MakeTable) -> None:
    tables = [make_table("pk:S", **with_stream()) for _ in range(3)]
    make_table("pk:S")
    listed: list[dict[str, str]] = []
    start: dict[str, str] = {}
    while True:
        page = streams.list_streams(Limit=2, **start)
        listed += page["Streams"]
        if "LastEvaluatedStreamArn" not in page:
            break
        start = {"ExclusiveStartStreamArn": page["LastEvaluatedStreamArn"]}
    assert [one["TableName"] for one in listed if one["TableName"] in tables] == sorted(tables)
    (only,) = streams.list_streams(TableName=tables[1])["Streams"]
    arn = latest_arn(dynamodb, tables[1])
    assert only == {"StreamArn": arn, "TableName": tables[1], "StreamLabel": arn.rpartition("/")[2]}
    assert streams.list_streams(TableName="nowhere")["Streams"] == []


def test_where_reading_starts(dynamodb: Any, streams: Any, make_table: MakeTable) -> None:
    table = make_table("pk:S", **with_stream())
    for number in range(5):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": "k"}, "n": {"N": str(number)}})
    arn = latest_arn(dynamodb, table)
    (shard,) = [one for one in described(streams, arn)["Shards"] if list(shard_records(streams, arn, one))]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in shard_records(streams, arn, shard)]

    def read(**where: Any) -> list[str]:
        return [record["dynamodb"]["SequenceNumber"] for record in shard_records(streams, arn, shard, **where)]

    assert read(ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=numbers[2]) == numbers[2:]
    assert read(ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[2]) == numbers[3:]
    first = shard["SequenceNumberRange"]["StartingSequenceNumber"]
    assert read(ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=first) == numbers
    latest = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST")
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "k"}})
    (record,) = streams.get_records(ShardIterator=latest["ShardIterator"])["Records"]
    assert record["eventName"] == "REMOVE"
    horizon = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    page = streams.get_records(ShardIterator=horizon["ShardIterator"], Limit=2)
    assert [record["dynamodb"]["SequenceNumber"] for record in page["Records"]] == numbers[:2]
    page = streams.get_records(ShardIterator=page["NextShardIterator"], Limit=1)
    assert [record["dynamodb"]["SequenceNumber"] for record in page["Records"]] == numbers[2:3]


def test_refusals(dynamodb: Any, streams: Any, make_table: MakeTable) -> None:
    arn = latest_arn(dynamodb, make_table("pk:S", **with_stream()))
    (shard, *_) = described(streams, arn)["Shards"]
    missing_stream = ("ResourceNotFoundException", f"Requested resource not found: Stream: {MISSING_ARN} not found")
    assert refusal(streams.describe_stream, StreamArn=MISSING_ARN) == missing_stream
    start = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    assert refusal(streams.get_shard_iterator, **{**start, "StreamArn": MISSING_ARN}) == missing_stream
    assert refusal(streams.get_shard_iterator, **{**start, "ShardId": "shardId-00000000000000000000-00000000"}) == (
        "ResourceNotFoundException",
        "Requested resource not found: Shard does not exist",
    )
    at = {**start, "ShardIteratorType": "AT_SEQUENCE_NUMBER"}
    assert refusal(streams.get_shard_iterator, **at)[0] == "ValidationException"
    assert refusal(streams.get_shard_iterator, **at, SequenceNumber="9" * 25)[0] == "ValidationException"
    assert refusal(streams.get_shard_iterator, **at, SequenceNumber="x" * 25)[0] == "ValidationException"
    older = "1" + "0" * 24
    assert refusal(streams.get_shard_iterator, **at, SequenceNumber=older)[0] == "TrimmedDataAccessException"
    iterator = streams.get_shard_iterator(**start)["ShardIterator"]
    assert refusal(streams.get_records, ShardIterator="rubbish") == ("ValidationException", "Invalid ShardIterator")
    assert refusal(streams.get_records, ShardIterator=iterator.replace("A", "B"))[0] == "ValidationException"
    assert refusal(streams.get_records, ShardIterator=iterator, Limit=1001)[1] == (
        "1 validation error detected: Value '1001' at 'limit' failed to satisfy constraint: "
        "Member must have value less than or equal to 1000"
    )


def test_full_shard_splits(dynamodb: Any, streams: Any, make_table: MakeTable) -> None:
    """One busy key: its records go on in a child, in order; the other half of the range has a shard of its own."""
    table = make_table("pk:S", "sk:N", **with_stream("KEYS_ONLY"))
    for start in range(0, 10_050, 25):
        puts = [
            {"PutRequest": {"Item": {"pk": {"S": "busy"}, "sk": {"N": str(number)}}}}
            for number in range(start, start + 25)
        ]
        dynamodb.batch_write_item(RequestItems={table: puts})
    arn = latest_arn(dynamodb, table)
    shards = described(streams, arn)["Shards"]
    (closed,) = [shard for shard in shards if "EndingSequenceNumber" in shard["SequenceNumberRange"]]
    children = [shard for shard in shards if shard.get("ParentShardId") == closed["ShardId"]]
    assert (len(shards), len(children)) == (6, 2)
    only = {"Type": "CHILD_SHARDS", "ShardId": closed["ShardId"]}
    assert streams.describe_stream(StreamArn=arn, ShardFilter=only)["StreamDescription"]["Shards"] == children
    records = list(shard_records(streams, arn, closed))
    assert records[-1]["dynamodb"]["SequenceNumber"] == closed["SequenceNumberRange"]["EndingSequenceNumber"]
    for child in children:
        records += shard_records(streams, arn, child)
    assert [int(record["dynamodb"]["Keys"]["sk"]["N"]) for record in records] == list(range(10_050))
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
    assert numbers == sorted(set(numbers))


def test_page_stays_below_its_size(dynamodb: Any, streams: Any, make_table: MakeTable) -> None:
    table = make_table("pk:S", **with_stream("NEW_IMAGE"))
    for number in range(4):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": "k"}, "t": {"S": str(number) * 390_000}})
    arn = latest_arn(dynamodb, table)
    sizes = []
    for shard in described(streams, arn)["Shards"]:
        start = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams.get_shard_iterator(StreamArn=arn, **start)["ShardIterator"]
        while (page := streams.get_records(ShardIterator=iterator))["Records"]:
            sizes.append(len(page["Records"]))
            iterator = page["NextShardIterator"]
    assert sizes == [2, 2]


def test_disabled_stream_stays_readable(dynamodb: Any, streams: Any, make_table: MakeTable) -> None:
    table = make_table("pk:S", **with_stream())
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "old"}})
    old_arn = latest_arn(dynamodb, table)
    dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "unseen"}})
    assert described(streams, old_arn)["StreamStatus"] == "DISABLED"
    dynamodb.update_table(TableName=table, **with_stream("KEYS_ONLY"))
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "new"}})
    new_arn = latest_arn(dynamodb, table)
    assert new_arn != old_arn
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in all_records(streams, old_arn)] == ["old"]
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in all_records(streams, new_arn)] == ["new"]
    dynamodb.delete_table(TableName=table)
    listed = [one["StreamArn"] for one in streams.list_streams(TableName=table)["Streams"]]
    assert listed == [old_arn, new_arn]
    assert described(streams, new_arn)["StreamStatus"] == "DISABLED"
    assert len(all_records(streams, new_arn)) == 1


def test_records_survive_a_restart(tmp_path: Path) -> None:
    with PlatformProcess.started(tmp_path) as platform:
        dynamodb, streams = platform.client("dynamodb"), platform.client("dynamodbstreams")
        dynamodb.create_table(
            TableName="games",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            **with_stream(),
        )
        dynamodb.put_item(TableName="games", Item={"pk": {"S": "k"}})
        arn = latest_arn(dynamodb, "games")
        before, shards = all_records(streams, arn), described(streams, arn)
        platform.kill()
    with PlatformProcess.started(tmp_path) as platform:
        streams = platform.client("dynamodbstreams")
        assert all_records(streams, arn) == before
        assert described(streams, arn) | {"ResponseMetadata": 0} == shards | {"ResponseMetadata": 0}
