"""Others that put events onto buses: S3, and what becomes of a function's invocations. Through boto3."""

import json
import time
from collections.abc import Callable
from typing import Any

from platform_process import PlatformProcess
from services.events.test_buses import ACCOUNT
from zips import zipped

PATIENCE_SECONDS = 30
BUS = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/"


def collect(platform: PlatformProcess, events: Any, bus: str, name: str, pattern: dict[str, Any]) -> str:
    """A rule whose events a log group collects; returns the group's name."""
    group = f"/collected/{name}"
    platform.client("logs").create_log_group(logGroupName=group)
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "1", "Arn": arn}])
    return group


def wait_for(platform: PlatformProcess, group: str, count: int) -> list[Any]:
    logs = platform.client("logs")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found := logs.filter_log_events(logGroupName=group)["events"]) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} came"
        time.sleep(0.02)
    return [json.loads(event["message"]) for event in found]


def drop(events: Any, name: str) -> None:
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)


def test_objects(platform: PlatformProcess, events: Any, make_name: Callable[[str], str]) -> None:
    s3, bucket, name = platform.client("s3"), make_name("events-bucket"), make_name("objects")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"suffix": ".md"}]}}}
    group = collect(platform, events, "default", name, pattern)
    s3.put_object(Bucket=bucket, Key="a.txt", Body=b"no")
    s3.put_object(Bucket=bucket, Key="a.md", Body=b"hello")
    [event] = wait_for(platform, group, 1)
    assert (event["detail-type"], event["source"]) == ("Object Created", "aws.s3")
    assert event["resources"] == [f"arn:aws:s3:::{bucket}"]
    assert (event["detail"]["object"]["key"], event["detail"]["object"]["size"]) == ("a.md", 5)
    drop(events, name)


def test_what_became_of_an_invocation(
    platform: PlatformProcess, events: Any, bus: str, make_name: Callable[[str], str]
) -> None:
    functions, name, rule = platform.client("lambda"), make_name("with-destination"), make_name("ended")
    arn = functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="app.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/r",
        Code={"ZipFile": zipped({"app.py": "def handler(event, context):\n    return event['n'] + 1\n"})},
    )["FunctionArn"]
    functions.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": BUS + bus}}
    )
    group = collect(platform, events, bus, rule, {"source": ["lambda"]})
    functions.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": 1}')
    [event] = wait_for(platform, group, 1)
    assert event["detail-type"] == "Lambda Function Invocation Result - Success"
    assert event["resources"] == [f"{arn}:$LATEST", BUS + bus]
    assert event["detail"]["requestPayload"] == {"n": 1}
    assert event["detail"]["responsePayload"] == 2
