"""The whole way: PutEvents through boto3, rules, and a real function that writes down what it was given."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from platform_process import PlatformProcess
from services.events.test_buses import ACCOUNT, refusal
from zips import zipped

PATIENCE_SECONDS = 30
SOURCE = """
import boto3, json

def handler(event, context):
    boto3.client("s3").put_object(Bucket="events-seen", Key=context.aws_request_id, Body=json.dumps(event))
"""


@pytest.fixture(scope="module")
def function(platform: PlatformProcess) -> str:
    """ARN of a function that leaves an object for each event."""
    platform.client("s3").create_bucket(Bucket="events-seen")
    functions = platform.client("lambda")
    made = functions.create_function(
        FunctionName="events-seen",
        Runtime="python3.11",
        Handler="app.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/r",
        Code={"ZipFile": zipped({"app.py": SOURCE})},
        Timeout=20,
    )
    functions.add_permission(
        FunctionName="events-seen",
        StatementId="rules",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=f"arn:aws:events:us-east-1:{ACCOUNT}:rule/*",
    )
    arn: str = made["FunctionArn"]
    return arn


@pytest.fixture
def seen(platform: PlatformProcess, function: str) -> Iterator[Callable[[int], list[Any]]]:
    """`seen(3)` -> three events, as soon as the function has got them."""
    del function
    s3 = platform.client("s3")

    def listed() -> list[str]:
        return [one["Key"] for one in s3.list_objects_v2(Bucket="events-seen").get("Contents", [])]

    def wait(count: int) -> list[Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(keys := listed()) < count:
            assert time.monotonic() < deadline, f"{len(keys)} of {count} events came"
            time.sleep(0.02)
        return [json.load(s3.get_object(Bucket="events-seen", Key=key)["Body"]) for key in keys]

    yield wait
    for key in listed():
        s3.delete_object(Bucket="events-seen", Key=key)


def test_an_event_reaches_the_function(events: Any, bus: str, function: str, seen: Callable[[int], list[Any]]) -> None:
    pattern = {"source": ["orders"], "detail": {"state": [{"prefix": "n"}]}}
    events.put_rule(Name="new", EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="new", EventBusName=bus, Targets=[{"Id": "f", "Arn": function}])
    entry = {"Source": "orders", "DetailType": "placed", "EventBusName": bus, "Time": 1_750_000_000, "Resources": ["r"]}
    answer = events.put_events(
        Entries=[{**entry, "Detail": json.dumps({"state": state, "n": 1.5})} for state in ("new", "old", "none")]
    )
    found = {event["id"]: event for event in seen(2)}
    ids = [one["EventId"] for one in answer["Entries"]]
    assert found.keys() == {ids[0], ids[2]}
    assert found[ids[0]] == {
        "version": "0",
        "id": ids[0],
        "detail-type": "placed",
        "source": "orders",
        "account": ACCOUNT,
        "time": "2025-06-15T15:06:40Z",
        "region": "us-east-1",
        "resources": ["r"],
        "detail": {"state": "new", "n": 1.5},
    }


def test_archived_and_replayed(
    events: Any, bus: str, function: str, seen: Callable[[int], list[Any]], make_name: Callable[[str], str]
) -> None:
    bus_arn = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/{bus}"
    archive, replay = make_name("archive"), make_name("replay")
    made = events.create_archive(
        ArchiveName=archive, EventSourceArn=bus_arn, RetentionDays=3, EventPattern='{"source": ["orders"]}'
    )
    assert made["State"] == "ENABLED"
    assert refusal(events.create_archive, ArchiveName=archive, EventSourceArn=bus_arn) == (
        "ResourceAlreadyExistsException",
        f"Archive {archive} already exists.",
    )
    entry = {"Source": "orders", "DetailType": "placed", "EventBusName": bus}
    events.put_events(Entries=[{**entry, "Detail": json.dumps({"n": n})} for n in range(3)])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while events.describe_archive(ArchiveName=archive)["EventCount"] < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    events.put_rule(Name="late", EventBusName=bus, EventPattern='{"source": ["orders"]}')
    events.put_targets(Rule="late", EventBusName=bus, Targets=[{"Id": "f", "Arn": function, "InputPath": "$.detail"}])
    now = datetime.now(UTC)
    started = events.start_replay(
        ReplayName=replay,
        EventSourceArn=made["ArchiveArn"],
        EventStartTime=now - timedelta(hours=1),
        EventEndTime=now + timedelta(hours=1),
        Destination={"Arn": bus_arn},
    )
    assert started["State"] == "STARTING"
    assert sorted(event["n"] for event in seen(3)) == [0, 1, 2]
    described = events.describe_replay(ReplayName=replay)
    assert described["State"] == "COMPLETED"
    assert described["Destination"] == {"Arn": bus_arn, "FilterArns": []}
    assert [one["ReplayName"] for one in events.list_replays(NamePrefix=replay)["Replays"]] == [replay]
    assert refusal(events.cancel_replay, ReplayName=replay) == (
        "IllegalStatusException",
        f"Replay {replay} is not in a valid state for this operation.",
    )
    events.update_archive(ArchiveName=archive, Description="d", RetentionDays=0)
    [listed] = events.list_archives(EventSourceArn=bus_arn)["Archives"]
    assert refusal(events.list_archives, EventSourceArn=f"{bus_arn}-not")[0] == "ResourceNotFoundException"
    assert (listed["ArchiveName"], listed["RetentionDays"], listed["EventCount"]) == (archive, 0, 3)
    events.delete_archive(ArchiveName=archive)
    assert refusal(events.describe_archive, ArchiveName=archive) == (
        "ResourceNotFoundException",
        f"Archive {archive} does not exist.",
    )


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        ({"EventEndTime": 1}, "ValidationException", "EventStartTime must be before EventEndTime."),
        (
            {"EventSourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:archive/nothing"},
            "ValidationException",
            "Archive nothing does not exist.",
        ),
        (
            {"Destination": {"Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"}},
            "ValidationException",
            "Cross event bus replay is not permitted.",
        ),
        (
            {"Destination": {"Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/none"}},
            "ResourceNotFoundException",
            "Event bus none does not exist.",
        ),
    ],
)
def test_no_such_replay(
    events: Any, bus: str, make_name: Callable[[str], str], changed: dict[str, Any], code: str, message: str
) -> None:
    bus_arn, archive = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/{bus}", make_name("archive")
    arn = events.create_archive(ArchiveName=archive, EventSourceArn=bus_arn)["ArchiveArn"]
    request = {
        "ReplayName": "r",
        "EventSourceArn": arn,
        "EventStartTime": 1,
        "EventEndTime": 2,
        "Destination": {"Arn": bus_arn},
    }
    refused = refusal(events.start_replay, **{**request, **changed})
    assert refused[0] == code
    assert refused[1].endswith(message)
    assert refusal(events.describe_replay, ReplayName="nothing") == (
        "ResourceNotFoundException",
        "Replay nothing does not exist.",
    )
    events.delete_archive(ArchiveName=archive)
