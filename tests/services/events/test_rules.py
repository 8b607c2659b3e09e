"""Rules and their targets, through boto3."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.events.test_buses import ACCOUNT, refusal

PATTERN = '{"source": ["orders"]}'
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
LOG_GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/events"


@pytest.fixture
def rule(events: Any, make_name: Callable[[str], str]) -> Iterator[str]:
    """On the default bus."""
    name = make_name("rule")
    events.put_rule(Name=name, EventPattern=PATTERN)
    yield name
    ids = [target["Id"] for target in events.list_targets_by_rule(Rule=name)["Targets"]]
    if ids:
        events.remove_targets(Rule=name, Ids=ids)
    events.delete_rule(Name=name)


def test_a_rule_on_the_default_bus(events: Any, rule: str) -> None:
    described = events.describe_rule(Name=rule)
    described.pop("ResponseMetadata")
    assert described == {
        "Name": rule,
        "Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{rule}",
        "EventPattern": PATTERN,
        "State": "ENABLED",
        "EventBusName": "default",
        "CreatedBy": ACCOUNT,
    }


def test_a_rule_on_another_bus(events: Any, bus: str) -> None:
    made = events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN, State="DISABLED", Description="d")
    assert made["RuleArn"] == f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{bus}/r"
    events.enable_rule(Name="r", EventBusName=f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/{bus}")
    [listed] = events.list_rules(EventBusName=bus)["Rules"]
    assert (listed["State"], listed["Description"], listed["EventBusName"]) == ("ENABLED", "d", bus)
    events.disable_rule(Name="r", EventBusName=bus)
    assert events.describe_rule(Name="r", EventBusName=bus)["State"] == "DISABLED"


def test_put_again_replaces_all_but_the_tags(events: Any, make_name: Callable[[str], str]) -> None:
    name = make_name("rule")
    arn = events.put_rule(Name=name, EventPattern=PATTERN, Description="d", Tags=[{"Key": "a", "Value": "1"}])[
        "RuleArn"
    ]
    events.put_rule(Name=name, ScheduleExpression="rate(5 minutes)", Tags=[{"Key": "b", "Value": "2"}])
    described = events.describe_rule(Name=name)
    assert described["ScheduleExpression"] == "rate(5 minutes)"
    assert described.keys().isdisjoint({"EventPattern", "Description"})
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "2"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["x"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "2"}]
    events.delete_rule(Name=name)
    events.delete_rule(Name=name)


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({}, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."),
        *(
            ({"ScheduleExpression": text}, "ValidationException", "Parameter ScheduleExpression is not valid.")
            for text in ("rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "at(2030-01-01T00:00:00)", "hourly")
        ),
        ({"ScheduleExpression": "cron(0 12 * * MON *)"}, "ValidationException", None),
        (
            {"EventPattern": "{"},
            "InvalidEventPatternException",
            None,
        ),
        (
            {"EventPattern": "{}"},
            "InvalidEventPatternException",
            "Event pattern is not valid. Reason: Empty objects are not allowed",
        ),
        (
            {"EventPattern": '{"source": "orders"}'},
            "InvalidEventPatternException",
            'Event pattern is not valid. Reason: "source" must be an object or an array',
        ),
        (
            {"EventPattern": '{"source": [{"like": "x"}]}'},
            "InvalidEventPatternException",
            "Event pattern is not valid. Reason: Unrecognized match type like",
        ),
        (
            {"EventPattern": '{"a": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}'},
            "InvalidEventPatternException",
            (
                "Event pattern is not valid. Reason: Rule is too complex - try using fewer wildcard characters or "
                "fewer repeating character sequences after a wildcard character"
            ),
        ),
        (
            {"EventPattern": '{"a":' * 600 + '["x"]' + "}" * 600},
            "InvalidEventPatternException",
            "Event pattern is not valid. Reason: Event pattern is nested more than 100 levels deep",
        ),
        (
            {
                "EventPattern": PATTERN,
                "EventBusName": f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/default",
            },
            "ResourceNotFoundException",
            "Event bus default does not exist.",
        ),
        (
            {"EventPattern": PATTERN, "EventBusName": "nowhere"},
            "ResourceNotFoundException",
            "Event bus nowhere does not exist.",
        ),
    ],
)
def test_no_such_rule(events: Any, request_: dict[str, str], code: str, message: str | None) -> None:
    refused = refusal(events.put_rule, Name="r", **request_)
    assert refused[0] == code
    assert message in (None, refused[1])


def test_schedules_are_for_the_default_bus(events: Any, bus: str) -> None:
    assert refusal(events.put_rule, Name="r", EventBusName=bus, ScheduleExpression="rate(1 hour)") == (
        "ValidationException",
        "ScheduleExpression is supported only on the default event bus.",
    )


@pytest.mark.parametrize("call", ["describe_rule", "enable_rule", "disable_rule"])
def test_a_rule_that_is_not_there(events: Any, call: str) -> None:
    assert refusal(getattr(events, call), Name="nobody") == (
        "ResourceNotFoundException",
        "Rule nobody does not exist on EventBus default.",
    )


def test_listing_goes_on_where_it_stopped(events: Any, bus: str) -> None:
    for number in range(5):
        events.put_rule(Name=f"a{number}", EventBusName=bus, EventPattern=PATTERN)
    events.put_rule(Name="b", EventBusName=bus, EventPattern=PATTERN)
    pages = events.get_paginator("list_rules").paginate(
        EventBusName=bus, NamePrefix="a", PaginationConfig={"PageSize": 2}
    )
    assert [[rule["Name"] for rule in page["Rules"]] for page in pages] == [["a0", "a1"], ["a2", "a3"], ["a4"]]


def test_targets(events: Any, rule: str) -> None:
    targets = [
        {"Id": "1", "Arn": FUNCTION, "InputPath": "$.detail", "RetryPolicy": {"MaximumRetryAttempts": 0}},
        {"Id": "2", "Arn": LOG_GROUP},
    ]
    assert events.put_targets(Rule=rule, Targets=targets)["FailedEntryCount"] == 0
    assert events.list_targets_by_rule(Rule=rule)["Targets"] == targets
    pages = events.get_paginator("list_targets_by_rule").paginate(Rule=rule, PaginationConfig={"PageSize": 1})
    assert [page["Targets"] for page in pages] == [[targets[0]], [targets[1]]]
    assert rule in events.list_rule_names_by_target(TargetArn=LOG_GROUP)["RuleNames"]
    assert refusal(events.delete_rule, Name=rule) == (
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    )
    removed = events.remove_targets(Rule=rule, Ids=["1", "7"])
    assert removed["FailedEntryCount"] == 1
    assert removed["FailedEntries"] == [
        {
            "TargetId": "7",
            "ErrorCode": "ResourceNotFoundException",
            "ErrorMessage": f"Rule '{rule}' does not have a target with the Id '7'.",
        }
    ]
    assert [target["Id"] for target in events.list_targets_by_rule(Rule=rule)["Targets"]] == ["2"]


def test_five_targets_a_rule(events: Any, rule: str) -> None:
    targets = [{"Id": str(number), "Arn": FUNCTION} for number in range(6)]
    assert refusal(events.put_targets, Rule=rule, Targets=targets) == (
        "LimitExceededException",
        "The requested resource exceeds the maximum number allowed.",
    )
    assert events.list_targets_by_rule(Rule=rule)["Targets"] == []
    events.put_targets(Rule=rule, Targets=targets[:5])
    events.put_targets(Rule=rule, Targets=targets[:5])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"Arn": "f"}, "Parameter f is not valid. Reason: Provided Arn is not in correct format."),
        (
            {"Arn": "arn:aws:ecs:us-east-1:1:cluster/c"},
            "Parameter arn:aws:ecs:us-east-1:1:cluster/c is not valid. Reason: Provided Arn is not in correct format.",
        ),
        ({"Input": "{}", "InputPath": "$"}, "Only one of Input, InputPath, or InputTransformer must be provided"),
        ({"Input": "hello"}, "JSON syntax error in input for target t"),
        ({"InputPath": "detail"}, "Invalid InputPath for target t."),
        (
            {"InputTransformer": {"InputTemplate": '{"a": <b>}'}},
            "InputTemplate for target t contains invalid placeholder b.",
        ),
        ({"InputTransformer": {"InputTemplate": "hello"}}, "InputTemplate for target t is neither JSON nor a string"),
        ({"DeadLetterConfig": {"Arn": FUNCTION}}, f"Parameter {FUNCTION} is not valid."),
        (
            {"Arn": "arn:aws:sqs:us-east-1:1:q.fifo"},
            "Parameter(s) SqsParameters must be specified for target: t.",
        ),
        (
            {"Arn": "arn:aws:kinesis:us-east-1:1:stream/s"},
            "RoleArn is required for target arn:aws:kinesis:us-east-1:1:stream/s.",
        ),
    ],
)
def test_no_such_target(events: Any, rule: str, target: dict[str, Any], message: str) -> None:
    code, told = refusal(events.put_targets, Rule=rule, Targets=[{"Id": "t", "Arn": FUNCTION, **target}])
    assert code == "ValidationException"
    assert told.startswith(message)


def test_limits_of_the_model(unchecked: Any, rule: str) -> None:
    policy = {"MaximumRetryAttempts": 186, "MaximumEventAgeInSeconds": 59}
    code, _ = refusal(unchecked.put_targets, Rule=rule, Targets=[{"Id": "t", "Arn": FUNCTION, "RetryPolicy": policy}])
    assert code == "ValidationException"
    assert refusal(unchecked.put_events, Entries=[])[0] == "ValidationException"
