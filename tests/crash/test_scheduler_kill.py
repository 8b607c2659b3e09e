"""kill -9 around due times: every schedule that was acknowledged fires, and none more often than the promises say.

Schedules of one time, all due within a few seconds, are made while the platform is killed and started again. The
function leaves an object for each invocation, named for the schedule and the execution: a schedule's occurrence is sent
once, in the transaction that ends it, so all its objects bear one execution (asynchronous invocations themselves run at
least once).
"""

import random
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

import killing
from platform_process import PlatformProcess

ROUNDS = killing.rounds(3)
WRITERS = 3
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


def deploy(platform: PlatformProcess) -> None:
    platform.client("s3").create_bucket(Bucket="marks")
    killing.create_function(platform, "receiver", RECEIVER)


def write_until_killed(acknowledged: set[str], life: int, writer: int, platform: PlatformProcess) -> None:
    scheduler, number = killing.client_without_retries(platform, "scheduler"), 0
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
        except killing.NO_ANSWER:
            return
        acknowledged.add(name)
        time.sleep(PAUSE_SECONDS)


def executions(platform: PlatformProcess) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for key in killing.keys_in(platform, "marks"):
        name, _, execution = key.partition("/")
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
        works = [partial(write_until_killed, acknowledged, life, writer) for writer in range(WRITERS)]
        killing.kill_amid(tmp_path, works, (0.3, 1.5), killing.all_grow([acknowledged.__len__]))
    assert acknowledged
    with PlatformProcess.started(tmp_path) as platform:
        killing.wait_until_complete(lambda: acknowledged - executions(platform).keys(), "never fired")
        found = executions(platform)
    assert [name for name, some in found.items() if len(some) > 1] == []
