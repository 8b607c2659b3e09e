"""Mappings over Kinesis streams through boto3: records arrive in a function; what is refused; the calls of 2014."""

import base64
import itertools
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.exceptions import ClientError

import fresh
from platform_process import PlatformProcess
from services.lambda_.conftest import ROLE, CreateFunction

PATIENCE_SECONDS = 20.0

SOURCE = """
import json

def handler(event, context):
    print("EVENT", json.dumps(event))
"""


Connect = Callable[[str], Any]


@pytest.fixture
def kinesis(connect: Connect) -> Any:
    return connect("kinesis")


@pytest.fixture
def stream(kinesis: Any) -> tuple[str, str]:
    """(name, ARN) of a new one."""
    name = fresh.name("mapped")
    kinesis.create_stream(StreamName=name, ShardCount=2)
    return name, kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]


@pytest.fixture
def mapped(functions: Any) -> Iterator[Callable[..., Any]]:
    made: list[str] = []

    def create(**parameters: Any) -> Any:
        mapping = functions.create_event_source_mapping(**{"StartingPosition": "LATEST", **parameters})
        made.append(mapping["UUID"])
        return mapping

    yield create
    for uuid in made:
        functions.delete_event_source_mapping(UUID=uuid)


def records(connect: Connect, function: str, count: int) -> list[dict[str, Any]]:
    """That a function of SOURCE has received, as soon as there are so many."""
    logs, deadline = connect("logs"), time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}", filterPattern="EVENT")["events"]
        except logs.exceptions.ResourceNotFoundException:
            found = []
        events = [json.loads(one["message"].partition("EVENT ")[2]) for one in found]
        seen = [record for event in events for record in event["Records"]]
        if len(seen) >= count:
            return seen
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def data_of(record: dict[str, Any]) -> bytes:
    return base64.b64decode(record["kinesis"]["data"])


@pytest.mark.parametrize("by_consumer", [False, True])
def test_a_record_arrives_in_the_function(
    connect: Connect, kinesis: Any, create: CreateFunction, stream: tuple[str, str], mapped: Any, by_consumer: bool
) -> None:
    name, arn = stream
    source = arn
    if by_consumer:
        source = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]
    function = create(SOURCE)
    mapping = mapped(EventSourceArn=source, FunctionName=function, ParallelizationFactor=2)
    assert mapping["EventSourceArn"] == source
    put = kinesis.put_record(StreamName=name, PartitionKey="k", Data=b"hello")
    [record] = records(connect, function, 1)
    assert data_of(record) == b"hello"
    assert record["eventID"] == f"{put['ShardId']}:{put['SequenceNumber']}"
    assert (record["eventSource"], record["eventSourceARN"]) == ("aws:kinesis", arn)
    assert record["invokeIdentityArn"] == ROLE
    assert abs(record["kinesis"]["approximateArrivalTimestamp"] - time.time()) < 60


def test_reading_begins_at_a_time(
    connect: Connect, kinesis: Any, create: CreateFunction, stream: tuple[str, str], mapped: Any
) -> None:
    name, arn = stream
    kinesis.put_record(StreamName=name, PartitionKey="k", Data=b"before")
    time.sleep(0.02)
    moment = time.time()
    kinesis.put_record(StreamName=name, PartitionKey="k", Data=b"after")
    function = create(SOURCE)
    mapping = mapped(
        EventSourceArn=arn,
        FunctionName=function,
        StartingPosition="AT_TIMESTAMP",
        StartingPositionTimestamp=moment,
    )
    assert mapping["StartingPositionTimestamp"].timestamp() == pytest.approx(moment, abs=0.001)
    assert [data_of(record) for record in records(connect, function, 1)] == [b"after"]


def test_what_is_refused(functions: Any, create: CreateFunction, stream: tuple[str, str]) -> None:
    _, arn = stream
    function = create(SOURCE)

    def refusal(**parameters: Any) -> tuple[str, str]:
        request = {"EventSourceArn": arn, "FunctionName": function, "StartingPosition": "LATEST", **parameters}
        with pytest.raises(ClientError) as caught:
            functions.create_event_source_mapping(**request)
        return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]

    missing = f"{arn}-not"
    assert refusal(EventSourceArn=missing) == ("InvalidParameterValueException", f"Stream not found: {missing}")
    assert refusal(EventSourceArn=f"{arn}/consumer/c:1")[0] == "InvalidParameterValueException"
    assert refusal(StartingPosition="AT_TIMESTAMP")[0] == "InvalidParameterValueException"
    assert refusal(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=time.time() + 60) == (
        "InvalidParameterValueException",
        "StartingPositionTimestamp cannot be in the future.",
    )
    text_filter = {"Filters": [{"Pattern": json.dumps({"data": ["plain text"]})}]}
    invalid_pattern = ("InvalidParameterValueException", "Invalid filter pattern definition.")
    assert refusal(FilterCriteria=text_filter) == invalid_pattern


def test_an_event_source_of_2014_may_be_a_stream(
    connect: Connect,
    platform: PlatformProcess,
    kinesis: Any,
    functions: Any,
    create: CreateFunction,
    stream: tuple[str, str],
) -> None:
    name, arn = stream
    function = create(SOURCE)
    added = add_event_source(platform, EventSource=arn, FunctionName=function, Role=ROLE, BatchSize=10)
    assert (added["EventSource"], added["Parameters"]) == (arn, {"InitialPositionInStream": "TRIM_HORIZON"})
    kinesis.put_record(StreamName=name, PartitionKey="k", Data=b"as in the old days")
    assert [data_of(record) for record in records(connect, function, 1)] == [b"as in the old days"]
    functions.delete_event_source_mapping(UUID=added["UUID"])


def add_event_source(platform: PlatformProcess, **members: Any) -> Any:
    url = f"{platform.url}/2014-11-13/event-source-mappings/"
    request = botocore.awsrequest.AWSRequest("POST", url, data=json.dumps(members).encode())
    credentials = botocore.credentials.Credentials("test", "test")
    botocore.auth.SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
    sent = urllib.request.Request(url, data=request.data, headers=dict(request.headers.items()))
    with urllib.request.urlopen(sent, timeout=20) as response:
        return json.loads(response.read())


def test_a_tables_changes_arrive_in_the_function(
    connect: Connect, create: CreateFunction, stream: tuple[str, str], mapped: Any
) -> None:
    """Table, stream, mapping, function; each item's in order."""
    name, arn = stream
    dynamodb, function = connect("dynamodb"), create(SOURCE)
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.enable_kinesis_streaming_destination(TableName=name, StreamArn=arn)
    for number, item in itertools.product(range(3), "ab"):
        dynamodb.put_item(TableName=name, Item={"id": {"S": item}, "n": {"N": str(number)}})
    mapped(EventSourceArn=arn, FunctionName=function, StartingPosition="TRIM_HORIZON")
    told: dict[str, list[str]] = {}
    for record in records(connect, function, 6):
        assert (record["eventSource"], record["eventSourceARN"]) == ("aws:kinesis", arn)
        change = json.loads(data_of(record))
        assert (change["eventSource"], change["tableName"]) == ("aws:dynamodb", name)
        image = change["dynamodb"]["NewImage"]
        told.setdefault(image["id"]["S"], []).append(image["n"]["N"])
    assert told == {"a": ["0", "1", "2"], "b": ["0", "1", "2"]}
