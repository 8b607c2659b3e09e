"""SIGTERM while a function runs: it comes to its end, with the platform's help, before the platform does."""

import io
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from platform_process import PlatformProcess

CODE = """
import time

import boto3

s3 = boto3.client("s3")

def handle(event, context):
    s3.put_object(Bucket="out", Key="begun", Body=b"")
    time.sleep(1)
    s3.put_object(Bucket="out", Key="ended", Body=b"")
"""


def client(platform: PlatformProcess, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=platform.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.mark.slow
def test_a_running_function_is_served_until_it_ends(tmp_path: Path) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as contents:
        contents.writestr("handler.py", CODE)
    with PlatformProcess.started(tmp_path / "data") as platform:
        s3, functions = client(platform, "s3"), client(platform, "lambda")
        s3.create_bucket(Bucket="out")
        functions.create_function(
            FunctionName="slow",
            Runtime=f"python3.{sys.version_info.minor}",
            Handler="handler.handle",
            Role="arn:aws:iam::000000000000:role/slow",
            Code={"ZipFile": package.getvalue()},
            Timeout=10,
        )
        functions.get_waiter("function_active_v2").wait(FunctionName="slow")
        functions.invoke(FunctionName="slow", InvocationType="Event", Payload=b"{}")
        s3.get_waiter("object_exists").wait(Bucket="out", Key="begun", WaiterConfig={"Delay": 0.05, "MaxAttempts": 100})
    with PlatformProcess.started(tmp_path / "data") as platform:
        keys = [item["Key"] for item in client(platform, "s3").list_objects_v2(Bucket="out")["Contents"]]
        assert keys == ["begun", "ended"]


def test_subscriptions_end_when_the_platform_does(tmp_path: Path) -> None:
    """They would keep it waiting otherwise."""
    with PlatformProcess.started(tmp_path / "data") as platform:
        kinesis = client(platform, "kinesis")
        kinesis.create_stream(StreamName="s", ShardCount=1)
        stream = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
        consumer = kinesis.register_stream_consumer(StreamARN=stream, ConsumerName="c")["Consumer"]["ConsumerARN"]
        subscription = kinesis.subscribe_to_shard(
            ConsumerARN=consumer, ShardId="shardId-000000000000", StartingPosition={"Type": "LATEST"}
        )
        events = iter(subscription["EventStream"])
        next(events)
        began = time.monotonic()
        platform.process.terminate()
        assert list(events) == []
        platform.process.wait(20)
        assert time.monotonic() - began < 4
