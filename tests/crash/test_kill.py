"""kill -9 at random moments under load: what was acknowledged is there, what was accepted runs.

Clients put objects (each notifies a function) and send asynchronous invocations while the platform is killed and
started again, over and over. The function leaves one object per event. In the end every acknowledged object must be
readable with its content and every acknowledged event must have left its mark; what got no answer may be either way.
LAMBENT_CRASH_ROUNDS sets how often it is killed.
"""

import json
import random
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

import killing
from platform_process import PlatformProcess

ROUNDS = killing.rounds(4)
WRITERS = 4

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


@dataclass
class Ledger:
    """What the platform has acknowledged, over all its lives."""

    objects: dict[str, bytes] = field(default_factory=dict)
    events: set[str] = field(default_factory=set)

    @property
    def marks(self) -> set[str]:
        return {f"object/{key}" for key in self.objects} | {f"event/{name}" for name in self.events}


def deploy(platform: PlatformProcess) -> None:
    s3 = platform.client("s3")
    for bucket in ("inbox", "marks"):
        s3.create_bucket(Bucket=bucket)
    arn = killing.create_function(platform, "recorder", RECORDER)
    killing.permit(platform, "recorder", "s3")
    s3.put_bucket_notification_configuration(
        Bucket="inbox",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )


def write_until_killed(ledger: Ledger, name: str, platform: PlatformProcess) -> None:
    """Puts and invokes until the connection breaks; notes only what was acknowledged."""
    s3, functions = (killing.client_without_retries(platform, service) for service in ("s3", "lambda"))
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
        except killing.NO_ANSWER:
            assert killing.is_going_down(platform), "refused without being killed"
            return


def settle(platform: PlatformProcess, ledger: Ledger) -> None:
    """Wait until every mark is there, then read every object back."""
    killing.wait_until_complete(lambda: ledger.marks - killing.keys_in(platform, "marks"), "never ran")
    s3 = killing.client_without_retries(platform, "s3")
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
        works = [partial(write_until_killed, ledger, f"{round_number}-{writer}") for writer in range(WRITERS)]
        killing.kill_amid(tmp_path, works, (0.1, 1.5), killing.all_grow([ledger.events.__len__]))
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
            s3, functions = (killing.client_without_retries(platform, service) for service in ("s3", "lambda"))
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
            source = f"def handler(event, context): return {number}"
            killing.create_function(platform, f"f{number}", source, Timeout=3, MemorySize=128)
            platform.kill()
    with PlatformProcess.started(tmp_path) as platform:
        functions = killing.client_without_retries(platform, "lambda")
        answers = [json.loads(functions.invoke(FunctionName=f"f{number}")["Payload"].read()) for number in range(3)]
    assert answers == [0, 1, 2]
