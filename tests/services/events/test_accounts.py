"""Buses belong to their accounts: others put events onto one only where its policy says so."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from platform_process import PlatformProcess
from services.events.test_buses import refusal

OWNER, FRIEND, STRANGER = "111111111111", "222222222222", "333333333333"
ARN = f"arn:aws:events:us-east-1:{OWNER}:event-bus/open"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """Anybody's credentials are taken: an access key of twelve digits is the root of that account."""
    with PlatformProcess.started(tmp_path_factory.mktemp("accounts"), ["--auth", "off"]) as platform:
        owner = events_of(platform, OWNER)
        owner.create_event_bus(Name="open")
        owner.put_permission(EventBusName="open", StatementId="s", Action="events:PutEvents", Principal=FRIEND)
        yield platform


def events_of(platform: PlatformProcess, account: str) -> Any:
    return platform.client("events", aws_access_key_id=account)


def entry(bus: str = ARN, **fields: str) -> dict[str, str]:
    return {"Source": "orders", "DetailType": "placed", "Detail": "{}", "EventBusName": bus, **fields}


def test_friends_and_strangers(shared: PlatformProcess) -> None:
    assert events_of(shared, FRIEND).put_events(Entries=[entry()])["FailedEntryCount"] == 0
    code, message = refusal(events_of(shared, STRANGER).put_events, Entries=[entry()])
    assert code == "AccessDeniedException"
    assert message == (
        f"User: arn:aws:iam::{STRANGER}:root is not authorized to perform: events:PutEvents on resource: {ARN} "
        "because no resource-based policy allows the events:PutEvents action"
    )


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("describe_event_bus", {"Name": ARN}),
        ("put_rule", {"Name": "r", "EventBusName": ARN, "EventPattern": '{"source": ["a"]}'}),
        ("list_rules", {"EventBusName": ARN}),
        ("list_tags_for_resource", {"ResourceARN": ARN}),
    ],
)
def test_nobody_changes_or_reads_anothers(shared: PlatformProcess, operation: str, request_: dict[str, str]) -> None:
    call = getattr(events_of(shared, FRIEND), operation)
    assert refusal(call, **request_) == ("ResourceNotFoundException", "Event bus open does not exist.")


def test_each_account_and_region_has_its_own_default(shared: PlatformProcess) -> None:
    events_of(shared, OWNER).put_rule(Name="mine", EventPattern='{"source": ["a"]}')
    assert events_of(shared, FRIEND).list_rules()["Rules"] == []
    abroad = shared.client("events", aws_access_key_id=OWNER, region_name="eu-west-1")
    assert abroad.list_rules()["Rules"] == []
    assert abroad.describe_event_bus()["Arn"] == f"arn:aws:events:eu-west-1:{OWNER}:event-bus/default"


def test_from_a_friends_rule_into_the_owners_log_group(shared: PlatformProcess) -> None:
    """A rule's target may be another account's bus; the event still says where it came from."""
    logs = shared.client("logs", aws_access_key_id=OWNER)
    logs.create_log_group(logGroupName="/friends")
    owner, friend = events_of(shared, OWNER), events_of(shared, FRIEND)
    owner.put_rule(Name="all", EventBusName="open", EventPattern=json.dumps({"account": [FRIEND]}))
    group = f"arn:aws:logs:us-east-1:{OWNER}:log-group:/friends"
    owner.put_targets(Rule="all", EventBusName="open", Targets=[{"Id": "l", "Arn": group}])
    friend.put_rule(Name="on", EventPattern='{"source": ["orders"]}')
    friend.put_targets(Rule="on", Targets=[{"Id": "b", "Arn": ARN}])
    [answer] = friend.put_events(Entries=[entry("default", Detail='{"n": 1}')])["Entries"]
    deadline = time.monotonic() + 20
    lines: list[Any] = []
    while not lines:
        assert time.monotonic() < deadline
        lines = logs.filter_log_events(logGroupName="/friends")["events"]
        time.sleep(0.02)
    event = json.loads(lines[0]["message"])
    assert (event["id"], event["account"], event["detail"]) == (answer["EventId"], FRIEND, {"n": 1})
