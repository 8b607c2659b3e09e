"""Kinesis through clients that are not boto3: the SDK for JavaScript, a consumer library, aws-cli, and CBOR by hand.

The scenarios of the JavaScript ones are in javascript/. CBOR under an X-Amz-Target is what the SDKs for Java send.
"""

import base64
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import cbor2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from clients import javascript_sdks
from lambent.wire import event_stream
from platform_process import PlatformProcess

AWS = Path(sys.executable).parent / "aws"
FIRST = "shardId-000000000000"


def unique_name(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def environment(platform: PlatformProcess) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": platform.endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@pytest.mark.parametrize(
    ("file", "scenario"),
    [
        ("kinesis_v3.mjs", "roundTrip"),
        ("kinesis_v3.mjs", "pushed"),
        ("kinesis_v3.mjs", "roundTripOverHttp1"),
        ("kinesis_v3.mjs", "pushedOverHttp1"),
        ("kinesis_v3.mjs", "errorShapes"),
        ("kinesis_lifion.cjs", "polling"),
    ],
)
def test_javascript(file: str, scenario: str, platform: PlatformProcess, javascript: Path) -> None:
    assert javascript.is_dir()
    result = javascript_sdks.run("scenarios.mjs", file, scenario, unique_name("js"), environment=environment(platform))
    assert result.returncode == 0, result.stderr


def test_aws_cli(platform: PlatformProcess, tmp_path: Path) -> None:
    name = unique_name("cli")

    def aws(*arguments: str) -> Any:
        variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment(platform)}
        command = [str(AWS), "kinesis", *arguments]
        printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=variables).stdout
        return json.loads(printed) if printed else None

    aws("create-stream", "--stream-name", name, "--shard-count", "1")
    aws("wait", "stream-exists", "--stream-name", name)
    put = aws("put-record", "--stream-name", name, "--partition-key", "k", "--data", "from the shell")
    assert put["ShardId"] == FIRST
    where = ("--shard-id", FIRST, "--shard-iterator-type", "TRIM_HORIZON")
    iterator = aws("get-shard-iterator", "--stream-name", name, *where)["ShardIterator"]
    (record,) = aws("get-records", "--shard-iterator", iterator)["Records"]
    assert base64.b64decode(record["Data"]) == b"from the shell"
    assert record["SequenceNumber"] == put["SequenceNumber"]
    aws("delete-stream", "--stream-name", name)


class JavaLike:
    """Requests as the SDKs for Java make them: AWS JSON's members in CBOR."""

    def __init__(self, platform: PlatformProcess) -> None:
        self._url = f"{platform.endpoint}/"

    def call(self, operation: str, **members: Any) -> Any:
        body = self.send(operation, members)
        return decoded(body) if body else None

    def send(self, operation: str, members: dict[str, Any]) -> bytes:
        with urllib.request.urlopen(self._signed(operation, members), timeout=20) as response:
            return bytes(response.read())

    def open(self, operation: str, members: dict[str, Any]) -> Any:
        return urllib.request.urlopen(self._signed(operation, members), timeout=20)

    def _signed(self, operation: str, members: dict[str, Any]) -> urllib.request.Request:
        headers = {"X-Amz-Target": f"Kinesis_20131202.{operation}", "Content-Type": "application/x-amz-cbor-1.1"}
        request = AWSRequest("POST", self._url, data=cbor2.dumps(members), headers=headers)
        SigV4Auth(Credentials("test", "test"), "kinesis", "us-east-1").add_auth(request)
        return urllib.request.Request(self._url, data=request.data, headers=dict(request.headers.items()))


@pytest.fixture
def java(platform: PlatformProcess) -> JavaLike:
    return JavaLike(platform)


def test_cbor_has_milliseconds_and_byte_strings(java: JavaLike) -> None:
    name = unique_name("java")
    assert java.call("CreateStream", StreamName=name, ShardCount=1) is None
    assert java.call("PutRecord", StreamName=name, PartitionKey="k", Data=b"\x00\xff")["ShardId"] == FIRST
    now_ms = round(time.time() * 1000)
    where = {"StreamName": name, "ShardId": FIRST}
    iterator = java.call(
        "GetShardIterator",
        **where,
        ShardIteratorType="AT_TIMESTAMP",
        Timestamp=cbor2.CBORTag(1, now_ms - 60_000),
    )["ShardIterator"]
    (record,) = java.call("GetRecords", ShardIterator=iterator)["Records"]
    assert record["Data"] == b"\x00\xff"
    assert abs(record["ApproximateArrivalTimestamp"] - now_ms) < 60_000


def test_cbor_errors(java: JavaLike) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        java.call("DescribeStream", StreamName="nowhere")
    with caught.value as error:
        assert (error.code, error.headers["x-amzn-errortype"]) == (400, "ResourceNotFoundException")
        assert error.headers["content-type"] == "application/x-amz-cbor-1.1"
        assert cbor2.loads(error.read()) == {
            "__type": "ResourceNotFoundException",
            "message": "Stream nowhere under account 000000000000 not found.",
        }
    with pytest.raises(urllib.error.HTTPError) as caught:
        java.call("PutRecord", StreamName="s", PartitionKey="k", Data=17)
    with caught.value as error:
        assert error.headers["x-amzn-errortype"] == "SerializationException"


def test_cbor_subscriptions(java: JavaLike, platform: PlatformProcess) -> None:
    name = unique_name("java")
    java.call("CreateStream", StreamName=name, ShardCount=1)
    java.call("PutRecord", StreamName=name, PartitionKey="k", Data=b"pushed")
    arn = f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}"
    consumer = java.call("RegisterStreamConsumer", StreamARN=arn, ConsumerName="c")["Consumer"]
    members = {
        "ConsumerARN": consumer["ConsumerARN"],
        "ShardId": FIRST,
        "StartingPosition": {"Type": "TRIM_HORIZON"},
    }
    decoder, messages = event_stream.Decoder(), list[event_stream.Message]()
    with java.open("SubscribeToShard", members) as response:
        while len(messages) < 2:
            messages += decoder.feed(response.read1(65536))
    initial, event = messages[:2]
    assert initial.headers[":event-type"] == "initial-response"
    assert event.headers[":event-type"] == "SubscribeToShardEvent"
    assert event.headers[":content-type"] == "application/x-amz-cbor-1.1"
    assert [record["Data"] for record in decoded(event.payload)["Records"]] == [b"pushed"]
    platform.client("kinesis").delete_stream(StreamName=name, EnforceConsumerDeletion=True)


def test_smithy_cbor(platform: PlatformProcess) -> None:
    """The newer protocol, on a path of its own; timestamps in seconds."""
    name = unique_name("smithy")
    platform.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    url = f"{platform.endpoint}/service/Kinesis_20131202/operation/DescribeStreamSummary"
    headers = {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
    request = AWSRequest("POST", url, data=cbor2.dumps({"StreamName": name}), headers=headers)
    SigV4Auth(Credentials("test", "test"), "kinesis", "us-east-1").add_auth(request)
    sent = urllib.request.Request(url, data=request.data, headers=dict(request.headers.items()))
    with urllib.request.urlopen(sent, timeout=20) as response:
        answer = cbor2.loads(response.read())
    summary = answer["StreamDescriptionSummary"]
    assert summary["StreamName"] == name
    assert abs(summary["StreamCreationTimestamp"].timestamp() - time.time()) < 60


def decoded(payload: bytes) -> Any:
    """With the milliseconds that stand under tag 1."""
    return cbor2.loads(payload, semantic_decoders={1: lambda value, _: value})
