"""kill -9 at random moments: every log event that PutLogEvents acknowledged reaches the subscribed function."""

import random
import time
from functools import partial
from pathlib import Path

import pytest

import killing
from platform_process import PlatformProcess

ROUNDS = killing.rounds(3)
WRITERS = 3
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


def deploy(platform: PlatformProcess) -> None:
    logs = platform.client("logs")
    platform.client("s3").create_bucket(Bucket="marks")
    arn = killing.create_function(platform, "receiver", RECEIVER)
    killing.permit(platform, "receiver", "logs")
    logs.create_log_group(logGroupName=GROUP)
    for number in range(WRITERS):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=str(number))
    logs.put_subscription_filter(logGroupName=GROUP, filterName="all", filterPattern="", destinationArn=arn)


def write_until_killed(acknowledged: set[str], life: int, writer: int, platform: PlatformProcess) -> None:
    logs, number = killing.client_without_retries(platform, "logs"), 0
    while True:
        labels = [f"{life}-{writer}-{number + index}" for index in range(random.randint(1, 5))]
        number += len(labels)
        events = [{"timestamp": int(time.time() * 1000), "message": label} for label in labels]
        try:
            logs.put_log_events(logGroupName=GROUP, logStreamName=str(writer), logEvents=events)
        except killing.NO_ANSWER:
            return
        acknowledged.update(labels)
        time.sleep(PAUSE_SECONDS)


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_every_acknowledged_event_reaches_the_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_RETRY_DELAYS_SECONDS", "0.5,1")
    acknowledged: set[str] = set()
    with PlatformProcess.started(tmp_path) as platform:
        deploy(platform)
        platform.kill()
    for life in range(ROUNDS):
        works = [partial(write_until_killed, acknowledged, life, writer) for writer in range(WRITERS)]
        killing.kill_amid(tmp_path, works, (0.1, 0.8), killing.all_grow([acknowledged.__len__]))
    assert acknowledged
    with PlatformProcess.started(tmp_path) as platform:
        killing.wait_until_complete(lambda: acknowledged - killing.keys_in(platform, "marks"), "never arrived")
