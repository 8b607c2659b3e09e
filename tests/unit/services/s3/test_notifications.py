"""Notifications: which functions hear of what, the event they get, and which configurations S3 takes."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.s3 import notification_rules, notifications
from lambent.services.s3.notifications import ChangeRecord, Notification, NotificationConfiguration, TargetKind
from lambent.wire.errors import ServiceError
from unit.services.s3.outcomes import refusal

ARN = "arn:aws:lambda:us-east-1:000000000000:function:build"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
TOPIC = "arn:aws:sns:us-east-1:000000000000:t"
RECORD = ChangeRecord(
    event_name="ObjectCreated:Put",
    region="eu-west-1",
    time_ms=1_750_000_000_007,
    bucket="content",
    bucket_owner="A3NL1KOZZKEXAM",
    key="posts/Red flower+ü.md",
    size=1024,
    etag="d41d8cd98f00b204e9800998ecf8427e",
    sequencer="0055AED6DCD90281E5",
    principal_id="AWS:AKIAEXAMPLE",
    source_ip="127.0.0.1",
    request_id="C3D13FE58DE4C810",
    host_id="FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD",
)


def test_a_record_survives_the_log() -> None:
    assert ChangeRecord.from_bytes(RECORD.to_bytes()) == RECORD


def test_the_event_is_the_documented_structure() -> None:
    assert notifications.event(RECORD, "config-1") == {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "eu-west-1",
                "eventTime": "2025-06-15T15:06:40.007Z",
                "eventName": "ObjectCreated:Put",
                "userIdentity": {"principalId": "AWS:AKIAEXAMPLE"},
                "requestParameters": {"sourceIPAddress": "127.0.0.1"},
                "responseElements": {
                    "x-amz-request-id": "C3D13FE58DE4C810",
                    "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD",
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "config-1",
                    "bucket": {
                        "name": "content",
                        "ownerIdentity": {"principalId": "A3NL1KOZZKEXAM"},
                        "arn": "arn:aws:s3:::content",
                    },
                    "object": {
                        "key": "posts/Red+flower%2B%C3%BC.md",
                        "size": 1024,
                        "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                        "sequencer": "0055AED6DCD90281E5",
                    },
                },
            }
        ]
    }


def test_a_removal_has_neither_size_nor_etag() -> None:
    removed = replace(RECORD, event_name="ObjectRemoved:Delete", version_id="v1")
    described = notifications.event(removed, "c")["Records"][0]["s3"]["object"]
    assert described == {"key": "posts/Red+flower%2B%C3%BC.md", "versionId": "v1", "sequencer": "0055AED6DCD90281E5"}


def function(*events: str, prefix: str = "", suffix: str = "", name: str = "c") -> Notification:
    return Notification(name, ARN, events or ("s3:ObjectCreated:*",), prefix, suffix)


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        (function("s3:ObjectCreated:*"), True),
        (function("s3:ObjectCreated:Put"), True),
        (function("s3:ObjectCreated:Copy"), False),
        (function("s3:ObjectRemoved:*", "s3:ObjectCreated:Put"), True),
        (function("s3:ObjectRemoved:*"), False),
        (function(prefix="posts/"), True),
        (function(prefix="pages/"), False),
        (function(suffix=".md"), True),
        (function(suffix=".html"), False),
        (function(prefix="posts/", suffix="ü.md"), True),
        (function(prefix="posts/", suffix="+%C3%BC.md"), False),
    ],
)
def test_matching(configured: Notification, expected: bool) -> None:
    found = notifications.matching(NotificationConfiguration((configured,)), RECORD)
    assert found == ([configured] if expected else [])


def entry(*events: str, prefix: str | None = None, suffix: str | None = None, **more: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {"LambdaFunctionArn": ARN, "Events": list(events or ("s3:ObjectCreated:*",)), **more}
    rules = [{"Name": name, "Value": value} for name, value in (("prefix", prefix), ("suffix", suffix)) if value]
    return {**shown, "Filter": {"Key": {"FilterRules": rules}}} if rules else shown


AMBIGUOUS = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
    "overlapping for the same event type."
)
OVERLAP = "Configurations overlap. Configurations on the same bucket cannot share a common event type."


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        # The examples of "Configuring event notifications using object key name filtering".
        (entry(prefix="images/"), entry(prefix="logs/"), None),
        (entry(suffix=".jpg"), entry(suffix=".png"), None),
        (entry(prefix="images/", suffix=".jpg"), entry(prefix="images/", suffix=".png"), None),
        (entry(), entry(prefix="images"), AMBIGUOUS),
        (entry(suffix="jpg"), entry(suffix="pg"), AMBIGUOUS),
        (entry(prefix="images/"), entry(suffix=".jpg"), AMBIGUOUS),
        (entry(prefix="images/", suffix=".jpg"), entry(prefix="images/x", suffix="x.jpg"), AMBIGUOUS),
        (entry(), entry(), OVERLAP),
        (entry(), entry("s3:ObjectCreated:Put"), OVERLAP),
        (entry(), entry("s3:ObjectRemoved:*"), None),
        (entry("s3:ObjectCreated:Put"), entry("s3:ObjectCreated:Copy"), None),
        (entry(prefix="a"), entry("s3:ObjectRemoved:Delete", prefix="a"), None),
    ],
)
def test_overlaps(one: dict[str, Any], other: dict[str, Any], message: str | None) -> None:
    for pair in ([one, other], [other, one]):
        numbered = [{**configured, "Id": str(index)} for index, configured in enumerate(pair)]
        refused = refusal(partial(notification_rules.parse, {"LambdaFunctionConfigurations": numbered}, str))
        assert (refused and refused.message) == message
        assert refused is None or refused.code == "InvalidArgument"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"LambdaFunctionConfigurations": [entry("s3:ObjectCreated")]}, "InvalidArgument"),
        ({"LambdaFunctionConfigurations": [entry("s3:TestEvent")]}, "InvalidArgument"),
        ({"LambdaFunctionConfigurations": [{**entry(), "Events": []}]}, "InvalidArgument"),
        ({"LambdaFunctionConfigurations": [{**entry(), "LambdaFunctionArn": "build"}]}, "InvalidArgument"),
        (
            {"LambdaFunctionConfigurations": [{**entry(), "LambdaFunctionArn": "arn:aws:sqs:us-east-1:1:q"}]},
            "InvalidArgument",
        ),
        ({"LambdaFunctionConfigurations": [entry(prefix="a", Id="x" * 256)]}, "InvalidArgument"),
        ({"LambdaFunctionConfigurations": [entry(prefix="x" * 1025)]}, "InvalidArgument"),
        (
            {"LambdaFunctionConfigurations": [entry(prefix="a", Id="same"), entry(prefix="b", Id="same")]},
            "InvalidArgument",
        ),
        (
            {
                "LambdaFunctionConfigurations": [
                    {**entry(), "Filter": {"Key": {"FilterRules": [{"Name": "infix", "Value": "x"}]}}}
                ]
            },
            "InvalidArgument",
        ),
        ({"QueueConfigurations": [{"QueueArn": QUEUE}]}, "InvalidArgument"),
        ({"QueueConfigurations": [{"QueueArn": f"{QUEUE}.fifo", "Events": ["s3:ObjectCreated:*"]}]}, "InvalidArgument"),
        ({"TopicConfigurations": [{"TopicArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}]}, "InvalidArgument"),
        (
            {
                "QueueConfigurations": [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}],
                "TopicConfigurations": [{"TopicArn": TOPIC, "Events": ["s3:ObjectCreated:Put"]}],
            },
            "InvalidArgument",
        ),
    ],
)
def test_what_cannot_be_configured(document: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        notification_rules.parse(document, lambda: "generated")
    assert refused.value.code == code


def test_configurations_come_back_as_they_were_put() -> None:
    put = [entry(prefix="images/", suffix=".jpg", Id="first"), entry("s3:ObjectRemoved:*", Id="second")]
    parsed = notification_rules.parse({"LambdaFunctionConfigurations": put}, lambda: "unused")
    stored = NotificationConfiguration.from_text(parsed.to_text())
    shown = notification_rules.to_document(stored)["LambdaFunctionConfigurations"]
    assert shown[0]["Filter"]["Key"]["FilterRules"] == [
        {"Name": "Prefix", "Value": "images/"},
        {"Name": "Suffix", "Value": ".jpg"},
    ]
    assert shown[1] == put[1]
    assert notification_rules.to_document(NotificationConfiguration()) == {}


def test_all_kinds_of_targets_come_back() -> None:
    put = {
        "QueueConfigurations": [{"Id": "q", "QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}],
        "TopicConfigurations": [{"Id": "t", "TopicArn": TOPIC, "Events": ["s3:ObjectRemoved:*"]}],
        "EventBridgeConfiguration": {},
    }
    parsed = notification_rules.parse(put, lambda: "unused")
    assert [target.kind for target in parsed.targets] == [TargetKind.QUEUE, TargetKind.TOPIC]
    assert notification_rules.to_document(NotificationConfiguration.from_text(parsed.to_text())) == put
    shown = notification_rules.to_document_2015(parsed)
    assert (shown["QueueConfiguration"]["Queue"], shown["TopicConfiguration"]["Topic"]) == (QUEUE, TOPIC)
    assert notification_rules.parse_2015(shown, lambda: "unused").targets == parsed.targets


def test_only_a_bus_is_a_configuration_too() -> None:
    only = notification_rules.parse({"EventBridgeConfiguration": {}}, lambda: "unused")
    assert only
    assert only.to_bus
    assert not NotificationConfiguration()


def test_the_event_on_a_bus() -> None:
    record = replace(RECORD, requester="123456789012", owner="000000000000")
    detail_type, detail = notifications.bus_detail(record)
    assert detail_type == "Object Created"
    assert detail == {
        "version": "0",
        "bucket": {"name": "content"},
        "object": {
            "key": "posts/Red flower+ü.md",
            "size": 1024,
            "etag": "d41d8cd98f00b204e9800998ecf8427e",
            "sequencer": "0055AED6DCD90281E5",
        },
        "request-id": "C3D13FE58DE4C810",
        "requester": "123456789012",
        "source-ip-address": "127.0.0.1",
        "reason": "PutObject",
    }
    detail_type, detail = notifications.bus_detail(replace(record, event_name="ObjectRemoved:Delete"))
    assert (detail_type, detail["reason"], detail["deletion-type"]) == (
        "Object Deleted",
        "DeleteObject",
        "Permanently Deleted",
    )
    assert "size" not in detail["object"]


def test_the_form_of_2015() -> None:
    role = "arn:aws:iam::000000000000:role/s3-invokes"
    document = {
        "CloudFunctionConfiguration": {
            "Id": "old",
            "Event": "s3:ObjectCreated:Put",
            "Events": ["s3:ObjectCreated:Copy"],
            "CloudFunction": ARN,
            "InvocationRole": role,
        }
    }
    parsed = notification_rules.parse_2015(document, lambda: "unused")
    assert parsed.targets[0].events == ("s3:ObjectCreated:Copy", "s3:ObjectCreated:Put")
    shown = notification_rules.to_document_2015(parsed)["CloudFunctionConfiguration"]
    assert (shown["CloudFunction"], shown["InvocationRole"]) == (ARN, role)
    assert notification_rules.parse_2015({}, lambda: "unused") == NotificationConfiguration()


WORDS = st.text(st.sampled_from("ab."), max_size=3)


@given(
    prefixes=st.tuples(WORDS, WORDS), suffixes=st.tuples(WORDS, WORDS), key=st.text(st.sampled_from("ab."), max_size=8)
)
def test_no_key_ever_matches_two_configurations_that_were_let_through(
    prefixes: tuple[str, str], suffixes: tuple[str, str], key: str
) -> None:
    pair = [entry(prefix=prefix, suffix=suffix, Id=str(index))
            for index, (prefix, suffix) in enumerate(zip(prefixes, suffixes, strict=True))]  # fmt: skip
    try:
        parsed = notification_rules.parse({"LambdaFunctionConfigurations": pair}, lambda: "unused")
    except ServiceError:
        return
    assert len(notifications.matching(parsed, replace(RECORD, key=key))) <= 1
