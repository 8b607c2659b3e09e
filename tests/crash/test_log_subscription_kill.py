"""kill -9 at random moments: every log event that PutLogEvents acknowledged reaches the subscribed function."""

import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from platform_process import PlatformProcess
from zips import zipped

ROUNDS = int(os.environ.get("LAMBENT_CRASH_ROUNDS", "3"))
WRITERS = 3
PATIENCE_SECONDS = 60.0
#: Between two requests: enough of them, and not so many that the end takes long.
PAUSE_SECONDS = 0.02
GROUP = "/orders"

#: Leaves an object named for each event in the bucket "marks".
RECEIVER = """
import base64, boto3, gzip, json
s3 = boto3.client("s3")

def handler(event, context):
    for one in json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))["logEvents"]:
        s3.put_object(Bucket="marks", Key=one["message"], Body=b"")
"""


def client(platform: PlatformProcess, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=platform.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10),
    )


def deploy(platform: PlatformProcess) -> None:
    logs, functions = client(platform, "logs"), client(platform, "lambda")
    client(platform, "s3").create_bucket(Bucket="marks")
    arn = functions.create_function(
        FunctionName="receiver",
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/receiver",
        Timeout=30,
        MemorySize=1024,
        Code={"ZipFile": zipped({"app.py": RECEIVER})},
    )["FunctionArn"]
    functions.add_permission(
        FunctionName="receiver", StatementId="logs", Action="lambda:InvokeFunction", Principal="logs.amazonaws.com"
    )
    logs.create_log_group(logGroupName=GROUP)
    for number in range(WRITERS):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=str(number))
    logs.put_subscription_filter(logGroupName=GROUP, filterName="all", filterPattern="", destinationArn=arn)


def write_until_killed(platform: PlatformProcess, acknowledged: set[str], life: int, writer: int) -> None:
    logs, number = client(platform, "logs"), 0
    while True:
        labels = [f"{life}-{writer}-{number + index}" for index in range(random.randint(1, 5))]
        number += len(labels)
        events = [{"timestamp": int(time.time() * 1000), "message": label} for label in labels]
        try:
            logs.put_log_events(logGroupName=GROUP, logStreamName=str(writer), logEvents=events)
        except (BotoCoreError, ClientError):
            return
        acknowledged.update(labels)
        time.sleep(PAUSE_SECONDS)


def marks(platform: PlatformProcess) -> set[str]:
    pages = client(platform, "s3").get_paginator("list_objects_v2").paginate(Bucket="marks")
    return {one["Key"] for page in pages for one in page.get("Contents", [])}


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_every_acknowledged_event_reaches_the_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_RETRY_DELAYS_SECONDS", "0.5,1")
    acknowledged: set[str] = set()
    with PlatformProcess.started(tmp_path) as platform:
        deploy(platform)
        platform.kill()
    for life in range(ROUNDS):
        with PlatformProcess.started(tmp_path) as platform:
            writers = [
                threading.Thread(target=write_until_killed, args=(platform, acknowledged, life, writer))
                for writer in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            time.sleep(random.uniform(0.1, 0.8))
            platform.kill()
            for writer in writers:
                writer.join()
    assert acknowledged
    with PlatformProcess.started(tmp_path) as platform:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while missing := acknowledged - marks(platform):
            assert time.monotonic() < deadline, f"{len(missing)} never arrived, e.g. {sorted(missing)[:5]}"
            time.sleep(0.1)
