"""EventBridge Scheduler through boto3: what is stored, listed, refused; and schedules that fire while we wait."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from platform_process import PlatformProcess
from zips import zipped

PATIENCE_SECONDS = 20.0
ROLE = "arn:aws:iam::000000000000:role/scheduler"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
TARGET = {"Arn": FUNCTION, "RoleArn": ROLE}
OFF = {"Mode": "OFF"}

RECORDER = """
import boto3, json, os
s3 = boto3.client("s3")

def handler(event, context):
    s3.put_object(Bucket=os.environ["BUCKET"], Key=context.aws_request_id, Body=json.dumps(event).encode())
"""


@pytest.fixture
def scheduler(platform: PlatformProcess) -> Any:
    return platform.client("scheduler")


@pytest.fixture
def group(scheduler: Any) -> str:
    name = f"g-{uuid.uuid4().hex[:8]}"
    scheduler.create_schedule_group(Name=name)
    return name


def create(scheduler: Any, group: str, name: str = "s", expression: str = "cron(0 12 * * ? *)", **more: Any) -> str:
    request = {"ScheduleExpression": expression, "Target": TARGET, "FlexibleTimeWindow": OFF, **more}
    arn: str = scheduler.create_schedule(Name=name, GroupName=group, **request)["ScheduleArn"]
    return arn


def refusal(call: Any, *arguments: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(*arguments, **request)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def at(moment: datetime) -> str:
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


def test_a_schedule_is_kept_as_it_was_made(scheduler: Any, group: str) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    arn = create(
        scheduler,
        group,
        ScheduleExpressionTimezone="Europe/Zurich",
        StartDate=start,
        EndDate=start + timedelta(days=10),
        Description="at noon",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        ActionAfterCompletion="DELETE",
        Target={**TARGET, "Input": '{"a": 1}', "RetryPolicy": {"MaximumRetryAttempts": 3}},
    )
    assert arn == f"arn:aws:scheduler:us-east-1:000000000000:schedule/{group}/s"
    found = scheduler.get_schedule(Name="s", GroupName=group)
    assert found["Arn"] == arn
    assert found["ScheduleExpression"] == "cron(0 12 * * ? *)"
    assert found["ScheduleExpressionTimezone"] == "Europe/Zurich"
    assert (found["StartDate"], found["EndDate"]) == (start, start + timedelta(days=10))
    assert found["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert found["ActionAfterCompletion"] == "DELETE"
    assert found["State"] == "ENABLED"
    assert found["Description"] == "at noon"
    assert found["Target"] == {
        **TARGET,
        "Input": '{"a": 1}',
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 86400},
    }
    assert abs(found["CreationDate"].timestamp() - time.time()) < 60


def test_an_update_replaces_everything(scheduler: Any, group: str) -> None:
    create(scheduler, group, Description="old", State="DISABLED", ScheduleExpressionTimezone="Asia/Tokyo")
    scheduler.update_schedule(
        Name="s", GroupName=group, ScheduleExpression="rate(5 days)", Target=TARGET, FlexibleTimeWindow=OFF
    )
    found = scheduler.get_schedule(Name="s", GroupName=group)
    assert "Description" not in found
    assert (found["State"], found["ScheduleExpressionTimezone"]) == ("ENABLED", "UTC")
    assert found["ScheduleExpression"] == "rate(5 days)"
    scheduler.delete_schedule(Name="s", GroupName=group)
    assert refusal(scheduler.get_schedule, Name="s", GroupName=group) == (
        "ResourceNotFoundException",
        "Schedule s does not exist.",
    )
    assert refusal(scheduler.delete_schedule, Name="s", GroupName=group)[0] == "ResourceNotFoundException"


def test_a_request_that_is_sent_again_is_the_same_request(scheduler: Any, group: str) -> None:
    first = create(scheduler, group, ClientToken="token")
    assert create(scheduler, group, ClientToken="token") == first
    assert refusal(create, scheduler, group, ClientToken="other") == (
        "ConflictException",
        "Schedule s already exists.",
    )
    assert refusal(create, scheduler, group, ClientToken="token", Description="x")[0] == "ConflictException"
    scheduler.create_schedule_group(Name=f"{group}2", ClientToken="t")
    scheduler.create_schedule_group(Name=f"{group}2", ClientToken="t")
    assert refusal(scheduler.create_schedule_group, Name=f"{group}2") == (
        "ConflictException",
        f"Schedule Group {group}2 already exists.",
    )


def test_listing(scheduler: Any, group: str) -> None:
    for name in ("a1", "a2", "b1"):
        create(scheduler, group, name, State="DISABLED" if name == "a2" else "ENABLED")

    def names(**choice: Any) -> list[str]:
        pages = scheduler.get_paginator("list_schedules").paginate(
            GroupName=group, **choice, PaginationConfig={"PageSize": 1}
        )
        return [one["Name"] for page in pages for one in page["Schedules"]]

    assert names() == ["a1", "a2", "b1"]
    assert names(NamePrefix="a") == ["a1", "a2"]
    assert names(State="ENABLED") == ["a1", "b1"]
    [first] = scheduler.list_schedules(GroupName=group, MaxResults=1)["Schedules"]
    assert first["Target"] == {"Arn": FUNCTION}
    assert first["GroupName"] == group
    everywhere = [one["Name"] for one in scheduler.list_schedules(NamePrefix="a1")["Schedules"]]
    assert "a1" in everywhere
    assert refusal(scheduler.list_schedules, GroupName="gone")[0] == "ResourceNotFoundException"
    assert refusal(scheduler.list_schedules, NextToken="nonsense")[0] == "ValidationException"


def test_groups(scheduler: Any, group: str) -> None:
    found = scheduler.get_schedule_group(Name=group)
    assert found["Arn"] == f"arn:aws:scheduler:us-east-1:000000000000:schedule-group/{group}"
    assert found["State"] == "ACTIVE"
    listed = [one["Name"] for one in scheduler.list_schedule_groups()["ScheduleGroups"]]
    assert "default" in listed
    assert group in listed
    assert [one["Name"] for one in scheduler.list_schedule_groups(NamePrefix=group)["ScheduleGroups"]] == [group]
    create(scheduler, group)
    scheduler.delete_schedule_group(Name=group)
    gone = ("ResourceNotFoundException", f"Schedule Group {group} does not exist.")
    assert refusal(scheduler.get_schedule_group, Name=group) == gone
    assert refusal(create, scheduler, group) == gone
    assert refusal(scheduler.get_schedule, Name="s", GroupName=group)[0] == "ResourceNotFoundException"
    assert refusal(scheduler.delete_schedule_group, Name="default")[0] == "ValidationException"


def test_a_large_group_is_deleted_bit_by_bit(scheduler: Any, group: str) -> None:
    for number in range(510):
        create(scheduler, group, f"s{number}", State="DISABLED")
    scheduler.delete_schedule_group(Name=group)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while scheduler.list_schedule_groups(NamePrefix=group)["ScheduleGroups"]:
        assert time.monotonic() < deadline
    scheduler.create_schedule_group(Name=group)
    assert scheduler.list_schedules(GroupName=group)["Schedules"] == []


def test_tags(scheduler: Any, group: str) -> None:
    arn = scheduler.get_schedule_group(Name=group)["Arn"]
    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    scheduler.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert refusal(scheduler.list_tags_for_resource, ResourceArn=arn + "x")[0] == "ResourceNotFoundException"
    many = [{"Key": str(number), "Value": ""} for number in range(51)]
    assert refusal(scheduler.tag_resource, ResourceArn=arn, Tags=[{**one, "Value": "v"} for one in many])[0] == (
        "ServiceQuotaExceededException"
    )


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ScheduleExpression": "cron(61 * * * ? *)"}, "Invalid Schedule Expression cron(61 * * * ? *)."),
        ({"ScheduleExpression": "every day"}, "Invalid Schedule Expression every day."),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "Invalid ScheduleExpressionTimezone Mars/Olympus."),
        ({"StartDate": NOW - timedelta(hours=1)}, "The StartDate you specify cannot be earlier than 5 minutes ago."),
        ({"EndDate": NOW - timedelta(hours=1)}, "The EndDate you specify cannot be in the past."),
        (
            {"StartDate": NOW + timedelta(hours=2), "EndDate": NOW + timedelta(hours=1)},
            "The EndDate you specify must be later than the StartDate.",
        ),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes is required when"),
        ({"Target": {**TARGET, "Arn": "arn:aws:glue:us-east-1:1:job/x"}}, "Provided Arn is not in correct format."),
        ({"Target": {**TARGET, "Arn": "nothing"}}, "Provided Arn is not in correct format."),
        *[
            ({"Target": {**TARGET, "Arn": f"arn:aws:{arn}"}}, "Provided Arn is not in correct format.")
            for arn in (
                "lambda:us-east-1:000000000000:layer:x",
                "lambda:us-east-1:000000000000:function",
                "logs:us-east-1:000000000000:log-group:/x",
                "events:us-east-1:000000000000:rule/x",
                "kinesis:us-east-1:000000000000:stream",
                "sqs::000000000000:q",
                "sns:us-east-1:1:t",
            )
        ],
        ({"Target": {**TARGET, "Input": "{no"}}, "Input must be well-formed JSON"),
        (
            {"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:s3:getObject", "RoleArn": ROLE, "Input": "{}"}},
            "getObject only reads",
        ),
        (
            {"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:s3:flyObject", "RoleArn": ROLE, "Input": "{}"}},
            "Provided Arn is not in correct format.",
        ),
        ({"GroupName": "gone"}, "Schedule Group gone does not exist."),
    ],
)
def test_refusals(scheduler: Any, group: str, changes: dict[str, Any], sentence: str) -> None:
    request = {
        "Name": "s", "GroupName": group, "ScheduleExpression": "rate(1 hour)", "Target": TARGET,
        "FlexibleTimeWindow": OFF,
    }  # fmt: skip
    code, message = refusal(scheduler.create_schedule, **{**request, **changes})
    assert code == ("ResourceNotFoundException" if "GroupName" in changes else "ValidationException")
    assert message.startswith(sentence)


def test_a_function_is_invoked_at_the_time(platform: PlatformProcess, scheduler: Any, group: str) -> None:
    bucket = f"fired-{uuid.uuid4().hex[:8]}"
    s3 = platform.client("s3")
    s3.create_bucket(Bucket=bucket)
    arn = platform.client("lambda").create_function(
        FunctionName=bucket,
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"app.py": RECORDER})},
        Environment={"Variables": {"BUCKET": bucket}},
    )["FunctionArn"]
    moment = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)
    text = '{"at": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"}'
    schedule = create(
        *(scheduler, group, "once", at(moment)),
        ActionAfterCompletion="DELETE",
        Target={"Arn": arn, "RoleArn": ROLE, "Input": text},
    )
    create(scheduler, group, "plain", at(moment), Target={"Arn": arn, "RoleArn": ROLE})
    events = wait_for_objects(s3, bucket, 2)
    assert {"at": f"{moment:%Y-%m-%dT%H:%M:%S}Z", "by": schedule} in events
    [plain] = [event for event in events if "source" in event]
    assert (plain["source"], plain["detail-type"], plain["detail"]) == ("aws.scheduler", "Scheduled Event", "{}")
    assert [one["Name"] for one in scheduler.list_schedules(GroupName=group)["Schedules"]] == ["plain"]


def wait_for_objects(s3: Any, bucket: str, count: int) -> list[Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found := s3.list_objects_v2(Bucket=bucket).get("Contents", [])) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [json.loads(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()) for one in found]


def test_queues_and_their_dead_letters(platform: PlatformProcess, scheduler: Any, group: str) -> None:
    queues, name = platform.client("sqs"), f"q-{uuid.uuid4().hex[:8]}"
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    create(scheduler, group, "queue", "rate(1 day)", Target={"Arn": arn, "RoleArn": ROLE, "Input": "hello"})
    gone = {"Arn": f"{arn}-gone", "RoleArn": ROLE, "Input": "lost", "DeadLetterConfig": {"Arn": arn}}
    lost = create(scheduler, group, "lost", "rate(1 day)", Target={**gone, "RetryPolicy": {"MaximumRetryAttempts": 0}})
    found: dict[str, Any] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found) < 2:
        assert time.monotonic() < deadline
        answer = queues.receive_message(QueueUrl=url, WaitTimeSeconds=2, MessageAttributeNames=["All"])
        found |= {message["Body"]: message for message in answer.get("Messages", [])}
    assert "MessageAttributes" not in found["hello"]
    attributes = {name: one["StringValue"] for name, one in found["lost"]["MessageAttributes"].items()}
    assert attributes["SCHEDULE_ARN"] == lost
    assert attributes["TARGET_ARN"] == f"{arn}-gone"
    assert attributes["RETRY_ATTEMPTS"] == "0"
    assert attributes["ERROR_MESSAGE"]


def test_topics_and_buses(platform: PlatformProcess, scheduler: Any, group: str) -> None:
    queues, topics, buses = platform.client("sqs"), platform.client("sns"), platform.client("events")
    name = f"q-{uuid.uuid4().hex[:8]}"
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    topic = topics.create_topic(Name=name)["TopicArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    bus = buses.create_event_bus(Name=name)["EventBusArn"]
    buses.put_rule(Name="r", EventBusName=name, EventPattern='{"source": ["app"]}')
    buses.put_targets(Rule="r", EventBusName=name, Targets=[{"Id": "1", "Arn": arn}])
    create(scheduler, group, "topic", "rate(1 day)", Target={"Arn": topic, "RoleArn": ROLE, "Input": "hello"})
    event = {"EventBridgeParameters": {"Source": "app", "DetailType": "tick"}, "Input": '{"n": 1}'}
    create(scheduler, group, "bus", "rate(1 day)", Target={"Arn": bus, "RoleArn": ROLE, **event})
    found: set[str] = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found) < 2:
        assert time.monotonic() < deadline
        answer = queues.receive_message(QueueUrl=url, WaitTimeSeconds=2)
        found |= {message["Body"] for message in answer.get("Messages", [])}
    assert "hello" in found
    [event] = [json.loads(body) for body in found - {"hello"}]
    assert (event["source"], event["detail-type"], event["detail"]) == ("app", "tick", {"n": 1})


def test_universal_targets_call_what_they_name(platform: PlatformProcess, scheduler: Any, group: str) -> None:
    name = f"called-{uuid.uuid4().hex[:8]}"
    s3, tables, logs = platform.client("s3"), platform.client("dynamodb"), platform.client("logs")
    s3.create_bucket(Bucket=name)
    tables.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def call(action: str, request: dict[str, Any]) -> None:
        target = {
            "Arn": f"arn:aws:scheduler:::aws-sdk:{action}", "RoleArn": ROLE, "Input": json.dumps(request),
            "RetryPolicy": {"MaximumRetryAttempts": 0},
        }  # fmt: skip
        create(scheduler, group, action.replace(":", "-"), "rate(1 day)", Target=target)

    attempt = "<aws.scheduler.attempt-number>"
    call("dynamodb:putItem", {"TableName": name, "Item": {"id": {"S": "x"}, "n": {"N": attempt}}})
    call("s3:putObject", {"Bucket": name, "Key": "k", "Body": '{"a": 1}', "ContentType": "application/json"})
    call("cloudwatchlogs:createLogGroup", {"LogGroupName": f"/{name}"})
    assert wait_for_objects(s3, name, 1) == [{"a": 1}]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not logs.describe_log_groups(logGroupNamePrefix=f"/{name}")["logGroups"]:
        assert time.monotonic() < deadline
    while not (item := tables.get_item(TableName=name, Key={"id": {"S": "x"}}).get("Item")):
        assert time.monotonic() < deadline
    assert item["n"] == {"N": "1"}
