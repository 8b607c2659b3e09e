"""What rules and schedules send with a role of their account: another's target takes it if its policy says so."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from platform_process import PlatformProcess
from zips import zipped

OWNER, STRANGER = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{STRANGER}:role/any"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """Anybody's credentials are taken: an access key of twelve digits is the root of that account."""
    with PlatformProcess.started(tmp_path_factory.mktemp("targets"), ["--auth", "off"]) as platform:
        yield platform


def arn(service: str, resource: str, account: str = OWNER) -> str:
    return f"arn:aws:{service}:us-east-1:{account}:{resource}"


def dead_letters(shared: PlatformProcess, name: str) -> tuple[str, str]:
    """A queue of the stranger's that takes everything: (URL, ARN)."""
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]}
    sqs = shared.client("sqs", aws_access_key_id=STRANGER)
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})["QueueUrl"]
    return url, arn("sqs", name, STRANGER)


def refused(shared: PlatformProcess, url: str, count: int) -> dict[str, str]:
    """Target ARN -> error code, of so many dead letters."""
    sqs = shared.client("sqs", aws_access_key_id=STRANGER)
    found: dict[str, str] = {}
    deadline = time.monotonic() + 20
    while len(found) < count and time.monotonic() < deadline:
        got = sqs.receive_message(
            QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=2, MaxNumberOfMessages=10
        )
        for message in got.get("Messages", []):
            attributes = message["MessageAttributes"]
            found[attributes["TARGET_ARN"]["StringValue"]] = attributes["ERROR_CODE"]["StringValue"]
    return found


def own_things(shared: PlatformProcess) -> dict[str, Any]:
    """What the owner has, and a policy for none of it: {ARN: further members of a schedule's target}."""
    shared.client("sqs", aws_access_key_id=OWNER).create_queue(QueueName="theirs")
    shared.client("kinesis", aws_access_key_id=OWNER).create_stream(StreamName="theirs", ShardCount=1)
    shared.client("logs", aws_access_key_id=OWNER).create_log_group(logGroupName="/theirs")
    shared.client("lambda", aws_access_key_id=OWNER).create_function(
        FunctionName="theirs",
        Runtime="python3.11",
        Role=f"arn:aws:iam::{OWNER}:role/any",
        Handler="index.handler",
        Code={"ZipFile": zipped({"index.py": "def handler(event, context):\n    return event\n"})},
    )
    return {
        arn("sqs", "theirs"): {},
        arn("kinesis", "stream/theirs"): {"KinesisParameters": {"PartitionKey": "p"}},
        arn("lambda", "function:theirs"): {},
        arn("logs", "log-group:/theirs"): {},
    }


def test_without_a_policy_nothing_leads_into_another_account(shared: PlatformProcess) -> None:
    things = own_things(shared)
    url, letters = dead_letters(shared, "of-schedules")
    rules_url, rules_letters = dead_letters(shared, "of-rules")
    schedules, events = (shared.client(name, aws_access_key_id=STRANGER) for name in ("scheduler", "events"))
    soon = datetime.now(UTC) + timedelta(seconds=2)
    of_schedules = {target: further for target, further in things.items() if ":logs:" not in target}
    for number, (target, further) in enumerate(of_schedules.items()):
        schedules.create_schedule(
            Name=f"s{number}",
            ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": target,
                "RoleArn": ROLE,
                "Input": "{}",
                **further,
                "DeadLetterConfig": {"Arn": letters},
                "RetryPolicy": {"MaximumRetryAttempts": 0},
            },
        )
    events.put_rule(Name="r", EventPattern='{"source": ["orders"]}')
    wanted = [{"Arn": target, "RoleArn": ROLE, "DeadLetterConfig": {"Arn": rules_letters}} for target in things]
    assert not events.put_targets(Rule="r", Targets=[{"Id": f"{n}", **one} for n, one in enumerate(wanted)])[
        "FailedEntryCount"
    ]
    events.put_events(Entries=[{"Source": "orders", "DetailType": "placed", "Detail": "{}"}])
    assert refused(shared, rules_url, 4) == dict.fromkeys(things, "NO_PERMISSIONS")
    assert refused(shared, url, 3) == {
        arn("sqs", "theirs"): "AccessDenied",
        **dict.fromkeys([one for one in of_schedules if ":sqs:" not in one], "AccessDeniedException"),
    }


def test_with_a_policy_it_does(shared: PlatformProcess) -> None:
    kinesis = shared.client("kinesis", aws_access_key_id=OWNER)
    kinesis.create_stream(StreamName="open", ShardCount=1)
    stream = arn("kinesis", "stream/open")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"},
        "Action": ["kinesis:PutRecord", "kinesis:PutRecords"],
        "Resource": stream,
    }
    kinesis.put_resource_policy(
        ResourceARN=stream, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    events = shared.client("events", aws_access_key_id=STRANGER)
    events.put_rule(Name="open", EventPattern='{"source": ["opening"]}')
    events.put_targets(Rule="open", Targets=[{"Id": "1", "Arn": stream, "RoleArn": ROLE}])
    events.put_events(Entries=[{"Source": "opening", "DetailType": "placed", "Detail": "{}"}])
    [shard] = kinesis.list_shards(StreamName="open")["Shards"]
    start = {"StreamName": "open", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(**start)["ShardIterator"]
    deadline = time.monotonic() + 10
    records: list[Any] = []
    while not records:
        assert time.monotonic() < deadline
        records = kinesis.get_records(ShardIterator=iterator)["Records"]
        time.sleep(0.02)
    assert json.loads(records[0]["Data"])["account"] == STRANGER
