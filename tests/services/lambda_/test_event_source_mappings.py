"""Event source mappings through boto3: the API, AWS's answers, and a table's changes that arrive in a function.

Answers as recorded from AWS for table streams; where no message is known, only its code is compared.
"""

import json
import time
import urllib.error
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
from services.lambda_.conftest import CreateFunction

PATIENCE_SECONDS = 20.0
ROLE = "arn:aws:iam::000000000000:role/stream-reader"

#: Says what it got; fails for items whose `bad` is set.
SOURCE = """
import json

def handler(event, context):
    print("EVENT", json.dumps(event))
    if any("bad" in record["dynamodb"].get("NewImage", {}) for record in event["Records"]):
        raise ValueError("a bad item")
"""


@pytest.fixture(scope="module")
def tables(connect: Callable[[str], Any]) -> Any:
    return connect("dynamodb")


@pytest.fixture
def stream(tables: Any) -> tuple[str, str]:
    """(name, stream ARN) of a new table."""
    name = fresh.name("mapped")
    made = tables.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return name, made["TableDescription"]["LatestStreamArn"]


@pytest.fixture
def mapped(functions: Any) -> Iterator[Callable[..., Any]]:
    made: list[str] = []

    def create(**parameters: Any) -> Any:
        mapping = functions.create_event_source_mapping(**{"StartingPosition": "LATEST", **parameters})
        made.append(mapping["UUID"])
        return mapping

    yield create
    for uuid in made:
        try:
            functions.delete_event_source_mapping(UUID=uuid)
        except functions.exceptions.ResourceNotFoundException:
            continue


def eventually(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def received(connect: Callable[[str], Any], function: str) -> list[Any]:
    """The events a function of SOURCE has printed."""
    logs = connect("logs")
    try:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}", filterPattern="EVENT")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [json.loads(one["message"].partition("EVENT ")[2]) for one in found]


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_change_arrives_in_the_function(
    connect: Callable[[str], Any], tables: Any, create: CreateFunction, stream: tuple[str, str], mapped: Any
) -> None:
    table, arn = stream
    function = create(SOURCE)
    mapped(EventSourceArn=arn, FunctionName=function)
    tables.put_item(TableName=table, Item={"id": {"S": "a"}, "n": {"N": "1"}})
    [event] = eventually(lambda: received(connect, function))
    [record] = event["Records"]
    assert record["eventName"] == "INSERT"
    assert record["eventSourceARN"] == arn
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "a"}, "n": {"N": "1"}}


def test_a_mapping_as_aws_shows_it(
    functions: Any, create: CreateFunction, stream: tuple[str, str], mapped: Any
) -> None:
    function = create(SOURCE)
    made = mapped(EventSourceArn=stream[1], FunctionName=function, StartingPosition="TRIM_HORIZON")
    metadata = made.pop("ResponseMetadata")
    uuid = made["UUID"]
    assert metadata["HTTPStatusCode"] == 202
    assert made.pop("LastModified")
    expected = {
        "UUID": uuid,
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "EventSourceArn": stream[1],
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{uuid}",
        "FunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
        "LastProcessingResult": "No records processed",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "DestinationConfig": {"OnFailure": {}},
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "MaximumRetryAttempts": -1,
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
    }
    assert made == expected
    eventually(lambda: functions.get_event_source_mapping(UUID=uuid)["State"] == "Enabled")
    [listed] = functions.list_event_source_mappings(EventSourceArn=stream[1])["EventSourceMappings"]
    assert (listed["UUID"], listed["State"]) == (uuid, "Enabled")
    assert functions.list_event_source_mappings(FunctionName=function)["EventSourceMappings"] == [listed]
    assert functions.list_event_source_mappings(FunctionName="other")["EventSourceMappings"] == []


def test_update_disable_enable_delete(
    connect: Callable[[str], Any],
    functions: Any,
    tables: Any,
    create: CreateFunction,
    stream: tuple[str, str],
    mapped: Any,
) -> None:
    function = create(SOURCE)
    uuid = mapped(EventSourceArn=stream[1], FunctionName=function)["UUID"]

    def state() -> str:
        shown: str = functions.get_event_source_mapping(UUID=uuid)["State"]
        return shown

    eventually(lambda: state() == "Enabled")
    updated = functions.update_event_source_mapping(UUID=uuid, BatchSize=7, ParallelizationFactor=3)
    assert (updated["State"], updated["BatchSize"], updated["ParallelizationFactor"]) == ("Updating", 7, 3)
    eventually(lambda: state() == "Enabled")
    assert functions.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"
    eventually(lambda: state() == "Disabled")
    tables.put_item(TableName=stream[0], Item={"id": {"S": "a"}})
    time.sleep(0.2)
    assert received(connect, function) == []
    assert functions.update_event_source_mapping(UUID=uuid, Enabled=True)["State"] == "Enabling"
    eventually(lambda: received(connect, function))
    eventually(lambda: functions.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "OK")
    deleted = functions.delete_event_source_mapping(UUID=uuid)
    assert (deleted["State"], deleted["BatchSize"]) == ("Deleting", 7)

    def is_gone() -> bool:
        try:
            state()
        except functions.exceptions.ResourceNotFoundException:
            return True
        return False

    eventually(is_gone)
    assert refusal(lambda: functions.delete_event_source_mapping(UUID=uuid)) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )


def test_tags(functions: Any, create: CreateFunction, stream: tuple[str, str], mapped: Any) -> None:
    made = mapped(EventSourceArn=stream[1], FunctionName=create(SOURCE), Tags={"a": "1", "b": "2"})
    arn = made["EventSourceMappingArn"]
    functions.tag_resource(Resource=arn, Tags={"c": "3"})
    functions.untag_resource(Resource=arn, TagKeys=["a"])
    assert functions.list_tags(Resource=arn)["Tags"] == {"b": "2", "c": "3"}
    assert refusal(lambda: functions.list_tags(Resource=arn[:-4] + "0000"))[0] == "ResourceNotFoundException"


def test_pages(functions: Any, create: CreateFunction, stream: tuple[str, str], mapped: Any) -> None:
    names = [create(SOURCE) for _ in range(3)]
    uuids = {mapped(EventSourceArn=stream[1], FunctionName=name)["UUID"] for name in names}
    paginator = functions.get_paginator("list_event_source_mappings")
    pages = list(paginator.paginate(EventSourceArn=stream[1], PaginationConfig={"PageSize": 2}))
    assert [len(page["EventSourceMappings"]) for page in pages] == [2, 1]
    assert {one["UUID"] for page in pages for one in page["EventSourceMappings"]} == uuids


def test_a_discarded_batch_lies_in_the_bucket(
    connect: Callable[[str], Any],
    functions: Any,
    tables: Any,
    create: CreateFunction,
    stream: tuple[str, str],
    mapped: Any,
) -> None:
    buckets = connect("s3")
    buckets.create_bucket(Bucket="discarded-batches")
    function = create(SOURCE)
    uuid = mapped(
        EventSourceArn=stream[1],
        FunctionName=function,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::discarded-batches"}},
    )["UUID"]
    tables.put_item(TableName=stream[0], Item={"id": {"S": "a"}, "bad": {"BOOL": True}})

    def objects() -> Any:
        return buckets.list_objects_v2(Bucket="discarded-batches").get("Contents")

    [found] = eventually(objects)
    document = json.load(buckets.get_object(Bucket="discarded-batches", Key=found["Key"])["Body"])
    assert found["Key"].startswith(f"aws/lambda/{uuid}/shardId-")
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["requestContext"]["approximateInvokeCount"] == 2
    assert document["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    assert document["DDBStreamBatchInfo"]["streamArn"] == stream[1]
    assert document["payload"]["Records"][0]["dynamodb"]["Keys"] == {"id": {"S": "a"}}
    result = functions.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]
    assert result == "PROBLEM: Function call failed"


REFUSED = [
    ({"EventSourceArn": None}, "InvalidParameterValueException", "Unrecognized event source."),
    ({"FunctionName": "nobody"}, "InvalidParameterValueException", "Function does not exist"),
    (
        {"StartingPosition": None},
        "InvalidParameterValueException",
        (
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        ),
    ),
    (
        {"StartingPositionTimestamp": 1741010802},
        "InvalidParameterValueException",
        "Timestamp only valid with StartingPosition AT_TIMESTAMP",
    ),
    (
        {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1741010802},
        "InvalidParameterValueException",
        "Unsupported starting position for arn type: ARN",
    ),
    ({"StartingPosition": "0"}, "ValidationException", None),
    ({"BatchSize": 10_001}, "ValidationException", None),
    ({"MaximumBatchingWindowInSeconds": 301}, "ValidationException", None),
    ({"ParallelizationFactor": 11}, "ValidationException", None),
    ({"MaximumRetryAttempts": 10_001}, "ValidationException", None),
    ({"MaximumRecordAgeInSeconds": 30}, "InvalidParameterValueException", None),
    ({"TumblingWindowInSeconds": 901}, "ValidationException", None),
    ({"FunctionResponseTypes": ["Other"]}, "ValidationException", None),
    ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "InvalidParameterValueException", None),
    ({"FilterCriteria": {"Filters": [{"Pattern": '{"a": 1}'}]}}, "InvalidParameterValueException", None),
    ({"FilterCriteria": {"Filters": [{"Pattern": "x" * 4097}]}}, "ValidationException", None),
    ({"FilterCriteria": {"Filters": [{"Pattern": "{}"}] * 11}}, "InvalidParameterValueException", None),
    (
        {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:queue.fifo"}}},
        "InvalidParameterValueException",
        None,
    ),
    (
        {"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:s3:::bucket"}}},
        "InvalidParameterValueException",
        "Unsupported DestinationConfig parameter for given event source mapping type.",
    ),
    ({"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"}, "InvalidParameterValueException", None),
    ({"Topics": ["topic"]}, "InvalidParameterValueException", None),
]


@pytest.mark.parametrize(("parameters", "code", "message"), REFUSED, ids=lambda value: str(value)[:60])
def test_refusals(
    functions: Any, create: CreateFunction, stream: tuple[str, str], parameters: Any, code: str, message: str | None
) -> None:
    asked = {"EventSourceArn": stream[1], "FunctionName": create(SOURCE), "StartingPosition": "LATEST", **parameters}
    given = {name: value for name, value in asked.items() if value is not None}
    answered = refusal(lambda: functions.create_event_source_mapping(**given))
    assert answered[0] == code
    assert message is None or answered[1] == message.replace("ARN", stream[1])


def test_one_mapping_for_a_function_and_a_source(
    functions: Any, create: CreateFunction, stream: tuple[str, str], mapped: Any
) -> None:
    first, second = create(SOURCE), create(SOURCE)
    uuid = mapped(EventSourceArn=stream[1], FunctionName=first)["UUID"]
    sentence = (
        f'The event source arn (" {stream[1]} ") and function (" {first} ") provided mapping already exists. '
        f"Please update or delete the existing mapping with UUID {uuid}"
    )
    assert refusal(lambda: mapped(EventSourceArn=stream[1], FunctionName=first)) == (
        "ResourceConflictException",
        sentence,
    )
    other = mapped(EventSourceArn=stream[1], FunctionName=second)["UUID"]
    assert refusal(lambda: functions.update_event_source_mapping(UUID=other, FunctionName=first)) == (
        "ResourceConflictException",
        sentence,
    )


class TestApiOf2014:
    """As the SDKs of the winter of 2014 called it: no client of today knows these operations."""

    @staticmethod
    def call(platform: PlatformProcess, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = botocore.awsrequest.AWSRequest(method, f"{platform.url}/2014-11-13{path}", data=data)
        credentials = botocore.credentials.Credentials("test", "test")
        botocore.auth.SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
        prepared = request.prepare()
        sent = urllib.request.Request(prepared.url, data=data, headers=dict(prepared.headers), method=method)
        try:
            with urllib.request.urlopen(sent, timeout=PATIENCE_SECONDS) as response:
                content = response.read()
                return response.status, json.loads(content) if content else None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def test_add_get_list_remove(
        self,
        platform: PlatformProcess,
        connect: Callable[[str], Any],
        functions: Any,
        tables: Any,
        create: CreateFunction,
        stream: tuple[str, str],
    ) -> None:
        first, second = create(SOURCE), create(SOURCE)
        asked = {"EventSource": stream[1], "FunctionName": first, "Role": ROLE, "BatchSize": 10}
        tables.put_item(TableName=stream[0], Item={"id": {"S": "before"}})
        status, added = self.call(platform, "POST", "/event-source-mappings/", asked)
        assert status == 200
        uuid = added["UUID"]
        assert added.pop("LastModified")
        assert added == {
            "UUID": uuid,
            "BatchSize": 10,
            "EventSource": stream[1],
            "FunctionName": first,
            "Parameters": {"InitialPositionInStream": "TRIM_HORIZON"},
            "Role": ROLE,
            "IsActive": True,
            "Status": "PENDING",
        }
        eventually(lambda: received(connect, first))
        eventually(lambda: self.call(platform, "GET", f"/event-source-mappings/{uuid}")[1]["Status"] == "OK")
        assert functions.get_event_source_mapping(UUID=uuid)["BatchSize"] == 10

        # "the existing mapping is updated to call the new function instead of the old one"
        status, again = self.call(platform, "POST", "/event-source-mappings/", {**asked, "FunctionName": second})
        assert (status, again["UUID"], again["FunctionName"]) == (200, uuid, second)
        status, listed = self.call(platform, "GET", f"/event-source-mappings/?FunctionName={second}")
        assert [one["UUID"] for one in listed["EventSources"]] == [uuid]

        assert self.call(platform, "DELETE", f"/event-source-mappings/{uuid}") == (204, None)
        eventually(lambda: self.call(platform, "GET", f"/event-source-mappings/{uuid}")[0] == 404)

    def test_refusals(self, platform: PlatformProcess, create: CreateFunction, stream: tuple[str, str]) -> None:
        asked = {"EventSource": stream[1], "FunctionName": create(SOURCE), "Role": ROLE}
        for changes in (
            {"Parameters": {"InitialPositionInStream": "AT_TIMESTAMP"}},
            {"Parameters": {"Other": "LATEST"}},
            {"EventSource": "arn:aws:kinesis:us-east-1:000000000000:stream/s"},
            {"BatchSize": 10_001},
            {"Role": None},
        ):
            status, _ = self.call(platform, "POST", "/event-source-mappings/", {**asked, **changes})
            assert status == 400, changes


def test_how_far_it_has_got_is_there_to_see(
    platform: PlatformProcess,
    connect: Callable[[str], Any],
    tables: Any,
    create: CreateFunction,
    stream: tuple[str, str],
    mapped: Any,
) -> None:
    function = create(SOURCE)
    uuid = mapped(EventSourceArn=stream[1], FunctionName=function)["UUID"]
    tables.put_item(TableName=stream[0], Item={"id": {"S": "a"}})
    eventually(lambda: received(connect, function))

    def standing() -> Any:
        request = botocore.awsrequest.AWSRequest("GET", f"{platform.url}/_lambent/event-source-mappings")
        credentials = botocore.credentials.Credentials("test", "test")
        botocore.auth.SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
        prepared = request.prepare()
        sent = urllib.request.Request(prepared.url, headers=dict(prepared.headers))
        with urllib.request.urlopen(sent) as response:
            found = json.load(response)["eventSourceMappings"]
        [mine] = [one for one in found if one["uuid"] == uuid]
        return mine if mine["lastProcessingResult"] == "OK" else None

    lanes = eventually(standing)["lanes"]
    assert sum(lane["records"] for lane in lanes) == 1
    assert next(lane["iteratorAgeMs"] for lane in lanes if lane["records"]) < 10_000
