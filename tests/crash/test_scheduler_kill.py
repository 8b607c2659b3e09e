"""kill -9 around due times: every schedule that was acknowledged fires, and none more often than the promises say.

Schedules of one time, all due within a few seconds, are made while the platform is killed and started again. The
function leaves an object for each invocation, named for the schedule and the execution: a schedule's occurrence is sent
once, in the transaction that ends it, so all its objects bear one execution (asynchronous invocations themselves run at
least once).
"""

import os
import random
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
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
ROLE = "arn:aws:iam::000000000000:role/r"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:receiver"

RECEIVER = """
import boto3
s3 = boto3.client("s3")

def handler(event, context):
    s3.put_object(Bucket="marks", Key=event["schedule"] + "/" + event["execution"], Body=b"")
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
    client(platform, "s3").create_bucket(Bucket="marks")
    client(platform, "lambda").create_function(
        FunctionName="receiver",
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Timeout=30,
        MemorySize=1024,
        Code={"ZipFile": zipped({"app.py": RECEIVER})},
    )


def write_until_killed(platform: PlatformProcess, acknowledged: set[str], life: int, writer: int) -> None:
    scheduler, number = client(platform, "scheduler"), 0
    text = '{"schedule": "%s", "execution": "<aws.scheduler.execution-id>"}'
    while True:
        number += 1
        name = f"s{life}-{writer}-{number}"
        moment = datetime.now(UTC) + timedelta(seconds=random.uniform(0, 2))
        target = {"Arn": FUNCTION, "RoleArn": ROLE, "Input": text % name}
        try:
            scheduler.create_schedule(
                Name=name,
                ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
                Target=target,
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion=random.choice(["NONE", "DELETE"]),
            )
        except (BotoCoreError, ClientError):
            return
        acknowledged.add(name)
        time.sleep(PAUSE_SECONDS)


def executions(platform: PlatformProcess) -> dict[str, set[str]]:
    pages = client(platform, "s3").get_paginator("list_objects_v2").paginate(Bucket="marks")
    found: defaultdict[str, set[str]] = defaultdict(set)
    for page in pages:
        for one in page.get("Contents", []):
            name, _, execution = one["Key"].partition("/")
            found[name].add(execution)
    return found


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_every_acknowledged_schedule_fires_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
            time.sleep(random.uniform(0.3, 1.5))
            platform.kill()
            for writer in writers:
                writer.join()
    assert acknowledged
    with PlatformProcess.started(tmp_path) as platform:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while missing := acknowledged - (found := executions(platform)).keys():
            assert time.monotonic() < deadline, f"{len(missing)} never fired, e.g. {sorted(missing)[:5]}"
            time.sleep(0.1)
    assert [name for name, some in found.items() if len(some) > 1] == []
