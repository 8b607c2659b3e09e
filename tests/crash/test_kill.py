"""kill -9 at random moments under load: what was acknowledged is there, what was accepted runs.

Clients put objects (each notifies a function) and send asynchronous invocations while the platform is killed and
started again, over and over. The function leaves one object per event. In the end every acknowledged object must be
readable with its content and every acknowledged event must have left its mark; what got no answer may be either way.
LAMBENT_CRASH_ROUNDS sets how often it is killed.
"""

import json
import os
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from platform_process import PlatformProcess
from zips import zipped

ROUNDS = int(os.environ.get("LAMBENT_CRASH_ROUNDS", "4"))
WRITERS = 4
PATIENCE_SECONDS = 60.0

#: Leaves an object named for the event in the bucket "marks".
RECORDER = """
import boto3, urllib.parse
s3 = boto3.client("s3")

def handler(event, context):
    if "Records" in event:
        for record in event["Records"]:
            key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
            s3.put_object(Bucket="marks", Key="object/" + key, Body=b"")
    else:
        s3.put_object(Bucket="marks", Key="event/" + event["id"], Body=b"")
"""


def client(platform: PlatformProcess, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=platform.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            connect_timeout=2,
            read_timeout=10,
        ),
    )


@dataclass
class Ledger:
    """What the platform has acknowledged, over all its lives."""

    objects: dict[str, bytes] = field(default_factory=dict)
    events: set[str] = field(default_factory=set)

    @property
    def marks(self) -> set[str]:
        return {f"object/{key}" for key in self.objects} | {f"event/{name}" for name in self.events}


def deploy(platform: PlatformProcess) -> None:
    s3, functions = client(platform, "s3"), client(platform, "lambda")
    for bucket in ("inbox", "marks"):
        s3.create_bucket(Bucket=bucket)
    arn = functions.create_function(
        FunctionName="recorder",
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/recorder",
        Timeout=30,
        MemorySize=1024,
        Code={"ZipFile": zipped({"app.py": RECORDER})},
    )["FunctionArn"]
    functions.add_permission(
        FunctionName="recorder", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    s3.put_bucket_notification_configuration(
        Bucket="inbox",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )


def write_until_killed(platform: PlatformProcess, ledger: Ledger, name: str) -> None:
    """Puts and invokes until the connection breaks; notes only what was acknowledged."""
    s3, functions = client(platform, "s3"), client(platform, "lambda")
    number = 0
    while platform.process.poll() is None:
        number += 1
        label = f"{name}-{number}"
        content = random.randbytes(random.choice([10, 1_000, 100_000]))
        try:
            s3.put_object(Bucket="inbox", Key=label, Body=content)
            ledger.objects[label] = content
            functions.invoke(
                FunctionName="recorder", InvocationType="Event", Payload=json.dumps({"id": label}).encode()
            )
            ledger.events.add(label)
        except (BotoCoreError, ClientError):
            assert platform.process.poll() is not None or _is_going_down(platform), "refused without being killed"
            return


def _is_going_down(platform: PlatformProcess) -> bool:
    """The connection broke a moment before the process counts as ended."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if platform.process.poll() is not None:
            return True
        time.sleep(0.01)
    return False


def marks(platform: PlatformProcess) -> set[str]:
    pages = client(platform, "s3").get_paginator("list_objects_v2").paginate(Bucket="marks")
    return {one["Key"] for page in pages for one in page.get("Contents", [])}


def settle(platform: PlatformProcess, ledger: Ledger) -> None:
    """Wait until every mark is there, then read every object back."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while missing := ledger.marks - marks(platform):
        assert time.monotonic() < deadline, f"{len(missing)} never ran, e.g. {sorted(missing)[:5]}"
        time.sleep(0.1)
    s3 = client(platform, "s3")
    for key, content in ledger.objects.items():
        assert s3.get_object(Bucket="inbox", Key=key)["Body"].read() == content, key


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_killed_under_load_nothing_acknowledged_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_RETRY_DELAYS_SECONDS", "0.5,1")
    ledger = Ledger()
    with PlatformProcess.started(tmp_path) as platform:
        deploy(platform)
    for round_number in range(ROUNDS):
        with PlatformProcess.started(tmp_path) as platform:
            writers = [
                threading.Thread(target=write_until_killed, args=(platform, ledger, f"{round_number}-{writer}"))
                for writer in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            time.sleep(random.uniform(0.1, 1.5))
            platform.kill()
            for writer in writers:
                writer.join()
    assert ledger.objects
    assert ledger.events
    with PlatformProcess.started(tmp_path) as platform:
        settle(platform, ledger)


@pytest.mark.slow
def test_killed_right_after_the_acknowledgement(tmp_path: Path) -> None:
    """The narrowest moment: the answer has just arrived, nothing has been delivered yet."""
    ledger = Ledger()
    with PlatformProcess.started(tmp_path) as platform:
        deploy(platform)
    for number in range(3):
        with PlatformProcess.started(tmp_path) as platform:
            s3, functions = client(platform, "s3"), client(platform, "lambda")
            label = f"last-{number}"
            s3.put_object(Bucket="inbox", Key=label, Body=label.encode())
            ledger.objects[label] = label.encode()
            functions.invoke(
                FunctionName="recorder", InvocationType="Event", Payload=json.dumps({"id": label}).encode()
            )
            platform.kill()
            ledger.events.add(label)
    with PlatformProcess.started(tmp_path) as platform:
        settle(platform, ledger)


@pytest.mark.slow
def test_a_function_created_and_killed_is_there_and_runs(tmp_path: Path) -> None:
    for number in range(3):
        with PlatformProcess.started(tmp_path) as platform:
            client(platform, "lambda").create_function(
                FunctionName=f"f{number}",
                Runtime="python3.11",
                Handler="app.handler",
                Role="arn:aws:iam::000000000000:role/r",
                Code={"ZipFile": zipped({"app.py": f"def handler(event, context): return {number}"})},
            )
            platform.kill()
    with PlatformProcess.started(tmp_path) as platform:
        functions = client(platform, "lambda")
        answers = [json.loads(functions.invoke(FunctionName=f"f{number}")["Payload"].read()) for number in range(3)]
    assert answers == [0, 1, 2]
