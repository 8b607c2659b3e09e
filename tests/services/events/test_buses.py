"""Event buses and their policies, through boto3."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**request)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_the_default_bus_is_there(events: Any) -> None:
    described = events.describe_event_bus()
    assert described["Name"] == "default"
    assert described["Arn"] == f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    assert "default" in [bus["Name"] for bus in events.list_event_buses(NamePrefix="def")["EventBuses"]]


def test_a_bus_of_ones_own(events: Any, make_name: Callable[[str], str]) -> None:
    name = make_name("mine")
    made = events.create_event_bus(Name=name, Description="orders", Tags=[{"Key": "a", "Value": "b"}])
    assert made["EventBusArn"] == f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/{name}"
    assert made["Description"] == "orders"
    described = events.describe_event_bus(Name=made["EventBusArn"])
    assert described["Name"] == name
    assert described["CreationTime"] == described["LastModifiedTime"]
    assert events.list_tags_for_resource(ResourceARN=made["EventBusArn"])["Tags"] == [{"Key": "a", "Value": "b"}]
    events.update_event_bus(Name=name, DeadLetterConfig={"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"})
    described = events.describe_event_bus(Name=name)
    assert "Description" not in described
    assert described["DeadLetterConfig"]["Arn"].endswith(":dead")
    events.delete_event_bus(Name=name)
    events.delete_event_bus(Name=name)
    assert refusal(events.describe_event_bus, Name=name) == (
        "ResourceNotFoundException",
        f"Event bus {name} does not exist.",
    )


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({"Name": "default"}, "ResourceAlreadyExistsException", "Event bus default already exists."),
        ({"Name": "team/bus"}, "ValidationException", "Event bus name must not contain '/'."),
        (
            {"Name": "aws.partner/a/b", "EventSourceName": "aws.partner/a/b"},
            "ResourceNotFoundException",
            "Event source aws.partner/a/b does not exist.",
        ),
    ],
)
def test_no_such_bus(events: Any, request_: dict[str, Any], code: str, message: str) -> None:
    assert refusal(events.create_event_bus, **request_) == (code, message)


def test_a_name_is_taken_once(events: Any, bus: str) -> None:
    assert refusal(events.create_event_bus, Name=bus) == (
        "ResourceAlreadyExistsException",
        f"Event bus {bus} already exists.",
    )


def test_the_default_bus_has_times_as_any(events: Any) -> None:
    """Recorded at AWS (LocalStack, `test_put_permission[default]`); ours is as old as the installation."""
    described = events.describe_event_bus()
    [listed] = events.list_event_buses(NamePrefix="default")["EventBuses"]
    assert described["CreationTime"] == listed["CreationTime"] <= datetime.now(UTC)
    assert described["CreationTime"] <= described["LastModifiedTime"]


def test_the_default_bus_stays(events: Any) -> None:
    assert refusal(events.delete_event_bus, Name="default") == (
        "ValidationException",
        "Cannot delete event bus default.",
    )


def test_a_bus_with_rules_stays(events: Any, bus: str) -> None:
    events.put_rule(Name="r", EventBusName=bus, EventPattern='{"source": ["a"]}')
    assert refusal(events.delete_event_bus, Name=bus) == (
        "ValidationException",
        "EventBus can't be deleted since it has rules.",
    )


def test_listing_goes_on_where_it_stopped(events: Any, make_name: Callable[[str], str]) -> None:
    names = sorted(make_name("listed-bus") for _ in range(5))
    for name in names:
        events.create_event_bus(Name=name)
    found: list[str] = []
    token: dict[str, str] = {}
    while token is not None:
        page = events.list_event_buses(NamePrefix="listed-bus-", Limit=2, **token)
        found += [bus["Name"] for bus in page["EventBuses"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == names
    for name in names:
        events.delete_event_bus(Name=name)
    assert refusal(events.list_event_buses, NextToken="!")[0] == "ValidationException"


def test_permissions(events: Any, bus: str) -> None:
    events.put_permission(EventBusName=bus, StatementId="friend", Action="events:PutEvents", Principal="111111111111")
    events.put_permission(
        EventBusName=bus,
        StatementId="family",
        Action="events:PutEvents",
        Principal="*",
        Condition={"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1234567890"},
    )
    arn = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/{bus}"
    policy = json.loads(events.describe_event_bus(Name=bus)["Policy"])
    assert policy == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "friend",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                "Action": "events:PutEvents",
                "Resource": arn,
            },
            {
                "Sid": "family",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "events:PutEvents",
                "Resource": arn,
                "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}},
            },
        ],
    }
    events.remove_permission(EventBusName=bus, StatementId="family")
    assert refusal(events.remove_permission, EventBusName=bus, StatementId="family") == (
        "ResourceNotFoundException",
        "Statement with the provided id does not exist.",
    )
    events.remove_permission(EventBusName=bus, RemoveAllPermissions=True)
    assert "Policy" not in events.describe_event_bus(Name=bus)
    # The same without any policy (recorded at AWS: LocalStack, `test_remove_permission_non_existing_sid`).
    assert refusal(events.remove_permission, EventBusName=bus, StatementId="friend") == (
        "ResourceNotFoundException",
        "Statement with the provided id does not exist.",
    )


def test_a_whole_policy(events: Any, bus: str) -> None:
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*", "Sid": "all"}
            ],
        }
    )
    events.put_permission(EventBusName=bus, Policy=policy)
    assert events.describe_event_bus(Name=bus)["Policy"] == policy
    assert refusal(events.put_permission, EventBusName=bus, Policy="{")[0] == "ValidationException"
    long = policy.replace("all", "x" * 11_000)
    assert refusal(events.put_permission, EventBusName=bus, Policy=long)[0] == "PolicyLengthExceededException"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Action": "events:PutRule"}, "Provided value in parameter 'action' is not supported."),
        ({"StatementId": None}, "Parameter StatementId must be specified."),
    ],
)
def test_no_such_permission(events: Any, bus: str, changed: dict[str, str | None], message: str) -> None:
    request = {"StatementId": "s", "Action": "events:PutEvents", "Principal": "*", **changed}
    given = {name: value for name, value in request.items() if value is not None}
    assert refusal(events.put_permission, EventBusName=bus, **given) == ("ValidationException", message)


def test_tags(events: Any, bus: str) -> None:
    arn = events.describe_event_bus(Name=bus)["Arn"]
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["a", "c"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    assert refusal(events.tag_resource, ResourceARN=arn, Tags=many)[0] == "ValidationException"
    assert refusal(events.list_tags_for_resource, ResourceARN=f"{arn}x")[0] == "ResourceNotFoundException"
    assert refusal(events.list_tags_for_resource, ResourceARN="arn:aws:events:us-east-1:0:nonsense/x") == (
        "ValidationException",
        "Parameter arn:aws:events:us-east-1:0:nonsense/x is not valid. Reason: Provided Arn is not in correct format.",
    )
