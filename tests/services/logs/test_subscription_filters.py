"""Subscription filters through boto3: from PutLogEvents, and from what functions print, to a function."""

import base64
import gzip
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from platform_process import PlatformProcess
from zips import zipped

PATIENCE_SECONDS = 20.0
ROLE = "arn:aws:iam::000000000000:role/r"
NOT_EXECUTED = "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute"
NOT_DELIVERED = "Could not deliver test message to specified Kinesis stream. Check if the given kinesis stream is in"

#: Leaves what it receives as objects.
RECEIVER = """
import boto3, os, uuid
s3 = boto3.client("s3")

def handler(event, context):
    s3.put_object(Bucket=os.environ["BUCKET"], Key=str(uuid.uuid4()), Body=event["awslogs"]["data"].encode())
"""
PRINTER = """
def handler(event, context):
    print("ERROR", event)
"""


@dataclass
class Receiver:
    platform: PlatformProcess
    name: str
    arn: str

    def __post_init__(self) -> None:
        self.logs, self.functions = self.platform.client("logs"), self.platform.client("lambda")

    def permit(self, principal: str = "logs.amazonaws.com", **condition: str) -> None:
        self.functions.add_permission(
            FunctionName=self.name, StatementId="s", Action="lambda:InvokeFunction", Principal=principal, **condition
        )

    def messages(self) -> list[dict[str, Any]]:
        s3 = self.platform.client("s3")
        found = []
        for one in s3.list_objects_v2(Bucket=self.name).get("Contents", []):
            data = s3.get_object(Bucket=self.name, Key=one["Key"])["Body"].read()
            found.append(json.loads(gzip.decompress(base64.b64decode(data))))
        return found

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Messages that hold so many events together."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        found = self.messages()
        while sum(len(message["logEvents"]) for message in found) < count:
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
            found = self.messages()
        return found


@pytest.fixture
def receiver(platform: PlatformProcess) -> Receiver:
    name = f"receiver-{uuid.uuid4().hex[:8]}"
    platform.client("s3").create_bucket(Bucket=name)
    arn = create(platform, name, RECEIVER, {"BUCKET": name})
    return Receiver(platform, name, arn)


@pytest.fixture
def group(platform: PlatformProcess) -> Iterator[str]:
    logs, name = platform.client("logs"), f"/group/{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    yield name
    logs.delete_log_group(logGroupName=name)


def create(platform: PlatformProcess, name: str, code: str, variables: dict[str, str]) -> str:
    arn: str = platform.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"app.py": code})},
        Environment={"Variables": variables},
    )["FunctionArn"]
    return arn


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**request)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def put(receiver: Receiver, group: str, name: str = "all", pattern: str = "", **more: Any) -> None:
    receiver.logs.put_subscription_filter(
        logGroupName=group, filterName=name, filterPattern=pattern, destinationArn=receiver.arn, **more
    )


@pytest.mark.parametrize("qualifier", ["1", "prod"])
def test_a_version_that_is_not_there_is_no_destination(receiver: Receiver, group: str, qualifier: str) -> None:
    """Lambda API reference, Invoke: 404 "The resource specified in the request does not exist"."""
    receiver.permit()
    receiver.arn += f":{qualifier}"
    with pytest.raises(ClientError, match=NOT_EXECUTED):
        put(receiver, group)


def test_log_events_reach_the_function(receiver: Receiver, group: str) -> None:
    receiver.permit(SourceArn=f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*")
    put(receiver, group, "errors", "ERROR")
    now_ms = int(time.time() * 1000)
    texts = ["ERROR one", "fine", "ERROR two"]
    events = [{"timestamp": now_ms + index, "message": text} for index, text in enumerate(texts)]
    receiver.logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    [message] = receiver.wait_for(2)
    assert message["messageType"] == "DATA_MESSAGE"
    assert message["owner"] == "000000000000"
    assert (message["logGroup"], message["logStream"]) == (group, "s")
    assert message["subscriptionFilters"] == ["errors"]
    assert [(one["timestamp"] - now_ms, one["message"]) for one in message["logEvents"]] == [
        (0, "ERROR one"),
        (2, "ERROR two"),
    ]
    stored = receiver.logs.filter_log_events(logGroupName=group, filterPattern="ERROR")["events"]
    assert [one["id"] for one in message["logEvents"]] == [one["eventId"] for one in stored]


def test_what_a_function_prints_reaches_another(receiver: Receiver) -> None:
    printer = f"printer-{uuid.uuid4().hex[:8]}"
    create(receiver.platform, printer, PRINTER, {})
    receiver.logs.create_log_group(logGroupName=f"/aws/lambda/{printer}")
    receiver.permit("logs.us-east-1.amazonaws.com")
    put(receiver, f"/aws/lambda/{printer}", "errors", "ERROR")
    receiver.functions.invoke(FunctionName=printer, Payload=b'"x"')
    [message] = receiver.wait_for(1)
    assert [one["message"] for one in message["logEvents"]] == ["ERROR x\n"]


def test_a_stream_is_sent_a_control_message_and_the_events(platform: PlatformProcess, group: str) -> None:
    logs, kinesis, name = platform.client("logs"), platform.client("kinesis"), f"logs-{uuid.uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    stream = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    logs.put_subscription_filter(
        logGroupName=group, filterName="all", filterPattern="", destinationArn=stream, roleArn=ROLE
    )
    events = [{"timestamp": int(time.time() * 1000), "message": "hello"}]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    shard = kinesis.list_shards(StreamName=name)["Shards"][0]["ShardId"]
    start = {"StreamName": name, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(**start)["ShardIterator"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(records := kinesis.get_records(ShardIterator=iterator)["Records"]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    control, data = [json.loads(gzip.decompress(record["Data"])) for record in records]
    assert (control["messageType"], control["owner"]) == ("CONTROL_MESSAGE", "CloudwatchLogs")
    assert control["logEvents"][0]["message"] == "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."
    assert data["messageType"] == "DATA_MESSAGE"
    assert [one["message"] for one in data["logEvents"]] == ["hello"]
    found = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert found[0]["roleArn"] == ROLE


def test_filters_are_described_changed_and_deleted(receiver: Receiver, group: str) -> None:
    logs = receiver.logs
    receiver.permit()
    put(receiver, group, "b", distribution="Random")
    put(receiver, group, "a", "ERROR")
    put(receiver, group, "a", "[first, second]")
    found = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert [(one["filterName"], one["filterPattern"], one["distribution"]) for one in found] == [
        ("a", "[first, second]", "ByLogStream"),
        ("b", "", "Random"),
    ]
    assert found[0]["destinationArn"] == receiver.arn
    assert found[0]["logGroupName"] == group
    assert abs(found[0]["creationTime"] - time.time() * 1000) < 60_000
    assert "roleArn" not in found[0]
    pages = logs.get_paginator("describe_subscription_filters").paginate(
        logGroupName=group, PaginationConfig={"PageSize": 1}
    )
    assert [one["filterName"] for page in pages for one in page["subscriptionFilters"]] == ["a", "b"]
    chosen = logs.describe_subscription_filters(logGroupName=group, filterNamePrefix="b")["subscriptionFilters"]
    assert [one["filterName"] for one in chosen] == ["b"]
    logs.delete_subscription_filter(logGroupName=group, filterName="a")
    assert len(logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]) == 1


def test_refusals(receiver: Receiver, group: str) -> None:
    logs = receiver.logs
    wanted = {"logGroupName": group, "filterName": "f", "filterPattern": "", "destinationArn": receiver.arn}
    no_permission = (
        "InvalidParameterException",
        NOT_EXECUTED + " your function.",
    )
    assert refusal(logs.put_subscription_filter, **wanted) == no_permission
    receiver.permit(SourceArn="arn:aws:logs:us-east-1:000000000000:log-group:/another:*")
    assert refusal(logs.put_subscription_filter, **wanted) == no_permission
    assert refusal(logs.put_subscription_filter, **{**wanted, "destinationArn": receiver.arn + "-gone"}) == (
        no_permission
    )
    receiver.functions.remove_permission(FunctionName=receiver.name, StatementId="s")
    receiver.permit()
    gone = ("ResourceNotFoundException", "The specified log group does not exist.")
    assert refusal(logs.put_subscription_filter, **{**wanted, "logGroupName": "/gone"}) == gone
    assert refusal(logs.describe_subscription_filters, logGroupName="/gone") == gone
    assert refusal(logs.delete_subscription_filter, logGroupName=group, filterName="f") == (
        "ResourceNotFoundException",
        "The specified subscription filter does not exist.",
    )
    code, _ = refusal(logs.put_subscription_filter, **{**wanted, "filterPattern": "[unfinished"})
    assert code == "InvalidParameterException"
    stream = {**wanted, "destinationArn": "arn:aws:kinesis:us-east-1:000000000000:stream/gone", "roleArn": ROLE}
    assert refusal(logs.put_subscription_filter, **stream) == (
        "InvalidParameterException",
        NOT_DELIVERED + " ACTIVE state.",
    )
    put(receiver, group, "one")
    put(receiver, group, "two")
    assert refusal(logs.put_subscription_filter, **wanted) == ("LimitExceededException", "Resource limit exceeded.")
    put(receiver, group, "two", "changed")


def test_only_groups_of_the_standard_class_have_filters(receiver: Receiver) -> None:
    name = f"/rare/{uuid.uuid4().hex[:8]}"
    receiver.logs.create_log_group(logGroupName=name, logGroupClass="INFREQUENT_ACCESS")
    receiver.permit()
    wanted = {"logGroupName": name, "filterName": "f", "filterPattern": "", "destinationArn": receiver.arn}
    code, _ = refusal(receiver.logs.put_subscription_filter, **wanted)
    assert code == "InvalidOperationException"
