"""Kinesis Data Streams for DynamoDB through boto3: the four operations, and what a table's stream then gets."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import fresh
from platform_process import PlatformProcess
from services.dynamodb.refusals import refusal
from services.dynamodb.test_streams import all_records, latest_arn, with_stream

MakeTable = Callable[..., str]

NOT_VALID = "Table is not in a valid state to enable Kinesis Streaming Destination: "
IS_ENABLED = (
    f"{NOT_VALID}EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation."
)
NOT_ACTIVE = f"{NOT_VALID}KinesisStreamingDestination must be ACTIVE to perform DISABLE operation."
NO_STREAM = "User does not have a permission to use kinesis stream"
ARNS = "arn:aws:kinesis:us-east-1:000000000000:stream/"
MICROSECOND = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}


@pytest.fixture(scope="session")
def kinesis(platform: PlatformProcess) -> Any:
    return platform.client("kinesis")


@pytest.fixture(scope="session")
def change_streams(platform: PlatformProcess) -> Any:
    return platform.client("dynamodbstreams")


@pytest.fixture
def stream(kinesis: Any) -> str:
    """The ARN of a new one."""
    name = fresh.name("changes")
    kinesis.create_stream(StreamName=name, ShardCount=2)
    return f"{ARNS}{name}"


def enable(dynamodb: Any, table: str, stream: str, **configuration: str) -> dict[str, Any]:
    more = {"EnableKinesisStreamingConfiguration": configuration} if configuration else {}
    answer = dynamodb.enable_kinesis_streaming_destination(TableName=table, StreamArn=stream, **more)
    return _content(answer)


def _content(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def described(dynamodb: Any, table: str) -> list[dict[str, Any]]:
    answer = dynamodb.describe_kinesis_streaming_destination(TableName=table)
    found: list[dict[str, Any]] = answer["KinesisDataStreamDestinations"]
    return found


def kinesis_records(kinesis: Any, stream: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each with what its data say; shard by shard."""
    for shard in kinesis.list_shards(StreamARN=stream)["Shards"]:
        where = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(StreamARN=stream, **where)["ShardIterator"]
        for record in kinesis.get_records(ShardIterator=iterator)["Records"]:
            yield record, json.loads(record["Data"])


def changes(kinesis: Any, stream: str) -> list[dict[str, Any]]:
    return [told for _, told in kinesis_records(kinesis, stream)]


def names(kinesis: Any, stream: str) -> list[str]:
    return sorted(told["eventName"] for told in changes(kinesis, stream))


def put(dynamodb: Any, table: str, key: str, **attributes: Any) -> None:
    dynamodb.put_item(TableName=table, Item={"pk": {"S": key}, **attributes})


# The operations


def test_a_destination_comes_and_goes(dynamodb: Any, kinesis: Any, make_table: MakeTable, stream: str) -> None:
    """Answers as recorded in ACK's DynamoDB notes, DDB-TABLE-299 to -301; what takes AWS seconds is done at once."""
    table = make_table("pk:S")
    named = {"TableName": table, "StreamArn": stream}
    assert described(dynamodb, table) == []
    put(dynamodb, table, "before")
    assert enable(dynamodb, table, stream) == {
        **named,
        "DestinationStatus": "ENABLING",
        "EnableKinesisStreamingConfiguration": {},
    }
    assert described(dynamodb, table) == [{"StreamArn": stream, "DestinationStatus": "ACTIVE"}]
    put(dynamodb, table, "a")
    answer = dynamodb.update_kinesis_streaming_destination(**named, UpdateKinesisStreamingConfiguration=MICROSECOND)
    assert _content(answer) == {
        **named,
        "DestinationStatus": "UPDATING",
        "UpdateKinesisStreamingConfiguration": MICROSECOND,
    }
    assert described(dynamodb, table) == [{"StreamArn": stream, "DestinationStatus": "ACTIVE", **MICROSECOND}]
    put(dynamodb, table, "a", n={"N": "1"})
    answer = dynamodb.disable_kinesis_streaming_destination(**named)
    assert _content(answer) == {**named, "DestinationStatus": "DISABLING"}
    assert described(dynamodb, table) == [{"StreamArn": stream, "DestinationStatus": "DISABLED"}]
    put(dynamodb, table, "after")

    first, second = changes(kinesis, stream)
    assert [one["eventName"] for one in (first, second)] == ["INSERT", "MODIFY"]
    assert second["dynamodb"].pop("ApproximateCreationDateTimePrecision") == "MICROSECOND"
    time_us, time_ms = (one["dynamodb"].pop("ApproximateCreationDateTime") for one in (second, first))
    assert 0 <= time_us - time_ms * 1000 < 60_000_000
    assert second["dynamodb"] == {
        "Keys": {"pk": {"S": "a"}},
        "NewImage": {"pk": {"S": "a"}, "n": {"N": "1"}},
        "OldImage": {"pk": {"S": "a"}},
        "SizeBytes": 3 + 6 + 3,
    }
    assert {name: value for name, value in second.items() if name not in ("dynamodb", "eventID")} == {
        "awsRegion": "us-east-1",
        "eventName": "MODIFY",
        "userIdentity": None,
        "recordFormat": "application/json",
        "tableName": table,
        "eventSource": "aws:dynamodb",
    }
    assert len({one["eventID"] for one in (first, second)}) == 2
    assert enable(dynamodb, table, stream, **MICROSECOND)["EnableKinesisStreamingConfiguration"] == MICROSECOND
    assert described(dynamodb, table) == [{"StreamArn": stream, "DestinationStatus": "ACTIVE", **MICROSECOND}]


@pytest.mark.parametrize(
    ("arn", "why"),
    [
        (f"{ARNS}not-there", NO_STREAM),
        ("arn:aws:dynamodb:us-east-1:000000000000:table/any", NO_STREAM),
        (f"{ARNS}not-there/consumer/c:1", NO_STREAM),
        ("no ARN at all, and that at some length", NO_STREAM),
        (
            "arn:aws:kinesis:eu-west-1:000000000000:stream/s",
            "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in the current region",
        ),
        (
            "arn:aws:kinesis:us-east-1:111111111111:stream/s",
            "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in Active state",
        ),
    ],
)
def test_what_is_no_stream_fails_to_be_enabled(dynamodb: Any, make_table: MakeTable, arn: str, why: str) -> None:
    """ACK's DynamoDB notes, DDB-TABLE-318: Enable never says so itself."""
    table = make_table("pk:S")
    for _ in range(2):
        assert enable(dynamodb, table, arn)["DestinationStatus"] == "ENABLING"
        failed = {"StreamArn": arn, "DestinationStatus": "ENABLE_FAILED", "DestinationStatusDescription": why}
        assert described(dynamodb, table) == [failed]
    put(dynamodb, table, "a")
    assert refusal(dynamodb.disable_kinesis_streaming_destination, TableName=table, StreamArn=arn) == (
        "ValidationException",
        NOT_ACTIVE,
    )


def test_one_destination_at_a_time(dynamodb: Any, kinesis: Any, make_table: MakeTable, stream: str) -> None:
    """ACK's DynamoDB notes, DDB-TABLE-268: failed and disabled ones are in nobody's way."""
    table = make_table("pk:S")
    enable(dynamodb, table, f"{ARNS}not-there")
    enable(dynamodb, table, stream)
    for arn in (stream, f"{ARNS}not-there"):
        assert refusal(dynamodb.enable_kinesis_streaming_destination, TableName=table, StreamArn=arn) == (
            "ValidationException",
            IS_ENABLED,
        )
    assert [one["DestinationStatus"] for one in described(dynamodb, table)] == ["ACTIVE", "ENABLE_FAILED"]
    two = make_table("pk:S")
    enable(dynamodb, two, stream)
    put(dynamodb, table, "a")
    put(dynamodb, two, "a")
    assert sorted(one["tableName"] for one in changes(kinesis, stream)) == sorted((table, two))


def test_what_is_refused(dynamodb: Any, make_table: MakeTable, stream: str) -> None:
    table = make_table("pk:S")
    named = {"TableName": table, "StreamArn": stream}
    enable(dynamodb, table, stream)
    update, disable = dynamodb.update_kinesis_streaming_destination, dynamodb.disable_kinesis_streaming_destination
    nothing_given = (
        "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be "
        "null or contain only null values"
    )
    assert refusal(update, **named) == ("ValidationException", nothing_given)
    assert refusal(update, **named, UpdateKinesisStreamingConfiguration={}) == ("ValidationException", nothing_given)
    assert refusal(disable, **named, EnableKinesisStreamingConfiguration=MICROSECOND) == (
        "ValidationException",
        "Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters",
    )
    table_id = dynamodb.describe_table(TableName=table)["Table"]["TableId"]
    milliseconds = {"ApproximateCreationDateTimePrecision": "MILLISECOND"}
    same = (
        f"Invalid Request: Precision is already set to the desired value of MILLISECOND for tableId: {table_id}, "
        f"kdsArn: {stream}"
    )
    assert refusal(update, **named, UpdateKinesisStreamingConfiguration=milliseconds) == ("ValidationException", same)
    code, message = refusal(
        update, **named, UpdateKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": "SECOND"}
    )
    assert code == "ValidationException"
    assert "Member must satisfy enum value set: [MILLISECOND, MICROSECOND]" in message
    assert described(dynamodb, table) == [{"StreamArn": stream, "DestinationStatus": "ACTIVE"}]


def test_a_table_that_is_not_there(dynamodb: Any, stream: str) -> None:
    missing = ("ResourceNotFoundException", "Requested resource not found: Table: nowhere not found")
    given = {"UpdateKinesisStreamingConfiguration": MICROSECOND}
    assert refusal(dynamodb.describe_kinesis_streaming_destination, TableName="nowhere") == missing
    assert refusal(dynamodb.enable_kinesis_streaming_destination, TableName="nowhere", StreamArn=stream) == missing
    assert refusal(dynamodb.disable_kinesis_streaming_destination, TableName="nowhere", StreamArn=stream) == missing
    assert (
        refusal(dynamodb.update_kinesis_streaming_destination, TableName="nowhere", StreamArn=stream, **given)
        == missing
    )


def test_a_table_is_named_by_its_arn_too(dynamodb: Any, make_table: MakeTable, stream: str) -> None:
    table = make_table("pk:S")
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    assert enable(dynamodb, arn, stream)["TableName"] == table
    answer = dynamodb.describe_kinesis_streaming_destination(TableName=arn)
    assert (answer["TableName"], len(answer["KinesisDataStreamDestinations"])) == (table, 1)


# What arrives


@pytest.mark.parametrize("view", ["", "KEYS_ONLY"])
def test_every_way_to_write(
    dynamodb: Any, kinesis: Any, change_streams: Any, make_table: MakeTable, stream: str, view: str
) -> None:
    """Whatever changes an item; a change stream beside it, of whatever view, changes nothing of it."""
    table = make_table("pk:S", **(with_stream(view) if view else {}))
    enable(dynamodb, table, stream)
    key = {"pk": {"S": "a"}}
    one = {"ExpressionAttributeValues": {":n": {"N": "1"}}}
    put(dynamodb, table, "a")
    put(dynamodb, table, "a")  # changes nothing
    dynamodb.update_item(TableName=table, Key=key, UpdateExpression="SET n = :n", **one)
    dynamodb.batch_write_item(
        RequestItems={table: [{"DeleteRequest": {"Key": key}}, {"PutRequest": {"Item": {"pk": {"S": "b"}}}}]}
    )
    update = {"TableName": table, "Key": key, "UpdateExpression": "SET n = :n", **one}
    dynamodb.transact_write_items(
        TransactItems=[{"Update": update}, {"Delete": {"TableName": table, "Key": {"pk": {"S": "b"}}}}]
    )
    dynamodb.execute_statement(Statement=f"INSERT INTO \"{table}\" VALUE {{'pk': 'c'}}")
    dynamodb.batch_execute_statement(Statements=[{"Statement": f"UPDATE \"{table}\" SET n = 2 WHERE pk = 'c'"}])
    dynamodb.execute_transaction(TransactStatements=[{"Statement": f"DELETE FROM \"{table}\" WHERE pk = 'c'"}])
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.delete_item(TableName=table, Key=key, ConditionExpression="attribute_not_exists(pk)")
    dynamodb.delete_item(TableName=table, Key=key)

    told: dict[str, list[str]] = {}
    for record, change in kinesis_records(kinesis, stream):
        item = change["dynamodb"]["Keys"]["pk"]["S"]
        told.setdefault(item, []).append(change["eventName"])
        assert len(record["PartitionKey"]) == 32
    assert told == {
        "a": ["INSERT", "MODIFY", "REMOVE", "INSERT", "REMOVE"],
        "b": ["INSERT", "REMOVE"],
        "c": ["INSERT", "MODIFY", "REMOVE"],
    }
    if view:
        assert len(all_records(change_streams, latest_arn(dynamodb, table))) == 10
    else:
        assert "LatestStreamArn" not in dynamodb.describe_table(TableName=table)["Table"]


def test_records_of_an_item_have_one_partition_key(
    dynamodb: Any, kinesis: Any, make_table: MakeTable, stream: str
) -> None:
    """However its key is written."""
    table = make_table("pk:N", "sk:B")
    enable(dynamodb, table, stream)
    dynamodb.put_item(TableName=table, Item={"sk": {"B": b"x"}, "pk": {"N": "1.0"}})
    dynamodb.delete_item(TableName=table, Key={"pk": {"N": "1"}, "sk": {"B": b"x"}})
    dynamodb.put_item(TableName=table, Item={"pk": {"N": "1"}, "sk": {"B": b"y"}})
    found = {
        (change["dynamodb"]["Keys"]["sk"]["B"], record["PartitionKey"])
        for record, change in kinesis_records(kinesis, stream)
    }
    assert names(kinesis, stream) == ["INSERT", "INSERT", "REMOVE"]
    assert sorted(item for item, _ in found) == ["eA==", "eQ=="], "one for each item"
    assert len({key for _, key in found}) == 2


def test_what_a_stream_does_not_take_is_skipped(
    dynamodb: Any, kinesis: Any, make_table: MakeTable, stream: str
) -> None:
    """Developer Guide, "Using shards and metrics with DynamoDB Streams and Kinesis Data Streams"."""
    table = make_table("pk:S")
    enable(dynamodb, table, stream)
    for letter in (b"x", b"y"):
        put(dynamodb, table, "large", b={"B": letter * 400_000})
    put(dynamodb, table, "small")
    assert names(kinesis, stream) == ["INSERT", "INSERT"], "both images together, in base64, are more than 1 MiB"
    stored = dynamodb.get_item(TableName=table, Key={"pk": {"S": "large"}})["Item"]
    assert stored["b"]["B"] == b"y" * 400_000


def test_a_stream_that_is_gone_keeps_nobody_from_writing(
    dynamodb: Any, kinesis: Any, make_table: MakeTable, stream: str
) -> None:
    """ACK's DynamoDB notes, DDB-TABLE-319: the destination stays ACTIVE, may be updated and disabled."""
    table = make_table("pk:S")
    enable(dynamodb, table, stream)
    put(dynamodb, table, "a")
    kinesis.delete_stream(StreamARN=stream)
    put(dynamodb, table, "b")
    assert described(dynamodb, table) == [{"StreamArn": stream, "DestinationStatus": "ACTIVE"}]
    dynamodb.update_kinesis_streaming_destination(
        TableName=table, StreamArn=stream, UpdateKinesisStreamingConfiguration=MICROSECOND
    )
    kinesis.create_stream(StreamName=stream.rpartition("/")[2], ShardCount=1)
    put(dynamodb, table, "c")
    assert [change["dynamodb"]["Keys"]["pk"]["S"] for change in changes(kinesis, stream)] == ["c"]
    dynamodb.disable_kinesis_streaming_destination(TableName=table, StreamArn=stream)


def test_a_resharded_stream(dynamodb: Any, kinesis: Any, make_table: MakeTable, stream: str) -> None:
    table = make_table("pk:S")
    enable(dynamodb, table, stream)
    for number in range(3):
        put(dynamodb, table, "a", n={"N": str(number)})
        kinesis.update_shard_count(StreamARN=stream, TargetShardCount=1 + number % 2, ScalingType="UNIFORM_SCALING")
    numbers = [change["dynamodb"]["NewImage"]["n"]["N"] for change in changes(kinesis, stream)]
    assert numbers == ["0", "1", "2"]


def test_table_and_destination_end_apart(dynamodb: Any, kinesis: Any, make_table: MakeTable, stream: str) -> None:
    """The stream stays when the table goes, a new table of that name has no destination, and the change stream may be
    switched on and off (ACK's DynamoDB notes, DDB-TABLE-235, -236 and -303).
    """
    table = make_table("pk:S")
    enable(dynamodb, table, stream)
    for specification in ({"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}, {"StreamEnabled": False}):
        dynamodb.update_table(TableName=table, StreamSpecification=specification)
        assert described(dynamodb, table) == [{"StreamArn": stream, "DestinationStatus": "ACTIVE"}]
    put(dynamodb, table, "a")
    dynamodb.delete_table(TableName=table)
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert described(dynamodb, table) == []
    put(dynamodb, table, "b")
    assert names(kinesis, stream) == ["INSERT"]
