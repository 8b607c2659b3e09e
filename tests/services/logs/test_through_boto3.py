"""CloudWatch Logs as boto3 sees it, over HTTP, against the running platform."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import fresh
from platform_process import PlatformProcess

MESSAGES = ["START", "[ERROR] one", '{"level": "error", "n": 3}', '{"level": "info", "n": 4}', "ünïcode ✓"]


@pytest.fixture
def logs(platform: PlatformProcess) -> Any:
    # Without this setting boto3 would look for the host `stream-127.0.0.1` to start a live tail.
    return platform.client("logs", config=Config(inject_host_prefix=False))


@pytest.fixture
def group(logs: Any) -> Iterator[str]:
    name = fresh.name("/test/group")
    logs.create_log_group(logGroupName=name, tags={"team": "a"})
    yield name
    logs.delete_log_group(logGroupName=name)


def now_ms() -> int:
    return int(time.time() * 1000)


def put(logs: Any, group: str, stream: str, messages: list[str], start_ms: int | None = None) -> Any:
    first_ms = start_ms or now_ms()
    events = [{"timestamp": first_ms + number, "message": message} for number, message in enumerate(messages)]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


@pytest.fixture
def filled(logs: Any, group: str) -> str:
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    logs.create_log_stream(logGroupName=group, logStreamName="two")
    put(logs, group, "one", MESSAGES, now_ms() - 1000)
    put(logs, group, "two", ["[ERROR] two", "fine"], now_ms() - 500)
    return group


def error_of(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**request)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_groups_are_described_with_aws_fields(logs: Any, group: str) -> None:
    [found] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    assert found["arn"] == f"{arn}:*"
    assert found["logGroupArn"] == arn
    assert found["storedBytes"] == 0
    assert found["logGroupClass"] == "STANDARD"
    assert "retentionInDays" not in found
    assert abs(found["creationTime"] - now_ms()) < 60_000
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"] == 7
    logs.delete_retention_policy(logGroupName=group)
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePattern=group[3:])["logGroups"][0]


def test_groups_are_paged_by_name(logs: Any) -> None:
    names = [f"/paged/{number:02}" for number in range(7)]
    for name in reversed(names):
        logs.create_log_group(logGroupName=name)
    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix="/paged/", PaginationConfig={"PageSize": 3}
    )
    found = [[one["logGroupName"] for one in page["logGroups"]] for page in pages]
    assert found == [names[:3], names[3:6], names[6:]]
    for name in names:
        logs.delete_log_group(logGroupName=name)


def test_streams_are_listed_by_name_and_by_time(logs: Any, filled: str) -> None:
    logs.create_log_stream(logGroupName=filled, logStreamName="empty")

    def names(**request: Any) -> list[str]:
        found = logs.describe_log_streams(logGroupName=filled, **request)["logStreams"]
        return [stream["logStreamName"] for stream in found]

    assert names() == ["empty", "one", "two"]
    assert names(descending=True) == ["two", "one", "empty"]
    assert names(logStreamNamePrefix="t") == ["two"]
    assert names(orderBy="LastEventTime", descending=True) == ["two", "one", "empty"]
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=filled, orderBy="LastEventTime", PaginationConfig={"PageSize": 1}
    )
    assert [page["logStreams"][0]["logStreamName"] for page in pages] == ["empty", "one", "two"]
    [one] = logs.describe_log_streams(logGroupName=filled, logStreamNamePrefix="one")["logStreams"]
    assert one["lastEventTimestamp"] - one["firstEventTimestamp"] == len(MESSAGES) - 1
    assert one["arn"].endswith(f":log-group:{filled}:log-stream:one")
    code, _ = error_of(logs.describe_log_streams, logGroupName=filled, orderBy="LastEventTime", logStreamNamePrefix="o")
    assert code == "InvalidParameterException"


def test_events_come_back_in_order_and_in_pages(logs: Any, filled: str) -> None:
    request = {"logGroupName": filled, "logStreamName": "one", "startFromHead": True, "limit": 2}
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(**request, **token)
        found += [event["message"] for event in page["events"]]
        if token.get("nextToken") == page["nextForwardToken"]:
            break
        token = {"nextToken": page["nextForwardToken"]}
    assert found == MESSAGES
    last = logs.get_log_events(logGroupIdentifier=filled, logStreamName="one", limit=1)["events"]
    assert [event["message"] for event in last] == MESSAGES[-1:]
    assert last[0]["ingestionTime"] >= last[0]["timestamp"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", [*MESSAGES, "[ERROR] two", "fine"]),
        ("ERROR", ["[ERROR] one", "[ERROR] two"]),
        ('{ $.level = "error" || $.n > 3 }', MESSAGES[2:4]),
        ("?START ?fine", ["START", "fine"]),
        ('-ERROR -"level" -START', ["ünïcode ✓", "fine"]),
    ],
)
def test_filtering_searches_all_streams_in_order_of_time(logs: Any, filled: str, pattern: str, expected: Any) -> None:
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=filled, filterPattern=pattern, PaginationConfig={"PageSize": 2}
    )
    events = [event for page in pages for event in page["events"]]
    assert [event["message"] for event in events] == expected
    assert len({event["eventId"] for event in events}) == len(events)


def test_filtering_can_be_narrowed_to_streams_and_times(logs: Any, filled: str) -> None:
    def messages(**request: Any) -> list[str]:
        return [event["message"] for event in logs.filter_log_events(logGroupName=filled, **request)["events"]]

    assert messages(logStreamNames=["two"]) == ["[ERROR] two", "fine"]
    assert messages(logStreamNamePrefix="o") == MESSAGES
    at_ms = logs.filter_log_events(logGroupName=filled)["events"][1]["timestamp"]
    assert messages(startTime=at_ms, endTime=at_ms) == ["[ERROR] one"]
    found = logs.get_log_events(logGroupName=filled, logStreamName="one", startTime=at_ms, endTime=at_ms + 1)
    assert [event["message"] for event in found["events"]] == ["[ERROR] one"]
    assert messages(startFromHead=False, limit=1) == ["fine"]


def test_errors_are_those_of_aws(logs: Any, group: str) -> None:
    missing = ("ResourceNotFoundException", "The specified log group does not exist.")
    assert error_of(logs.get_log_events, logGroupName="no", logStreamName="s") == missing
    assert error_of(logs.delete_log_group, logGroupName="no") == missing
    assert error_of(logs.create_log_stream, logGroupName="no", logStreamName="s") == missing
    assert error_of(logs.get_log_events, logGroupName=group, logStreamName="s") == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
    assert error_of(logs.create_log_group, logGroupName=group) == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    assert error_of(logs.create_log_stream, logGroupName=group, logStreamName="s") == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    assert error_of(logs.put_retention_policy, logGroupName=group, retentionInDays=2)[0] == "InvalidParameterException"
    code, message = error_of(logs.filter_log_events, logGroupName=group, filterPattern="{ $.a = ")
    assert code == "InvalidParameterException"
    assert message.startswith("Invalid filter pattern")
    assert error_of(logs.describe_log_streams, logGroupName=group, logGroupIdentifier=group) == (
        "ValidationException",
        "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    )
    assert error_of(logs.describe_log_groups, nextToken="bm9uc2Vuc2U=")[0] == "InvalidParameterException"
    logs.delete_log_stream(logGroupName=group, logStreamName="s")
    assert error_of(logs.delete_log_stream, logGroupName=group, logStreamName="s")[0] == "ResourceNotFoundException"


def test_batches_that_break_a_limit_are_refused_whole(logs: Any, group: str) -> None:
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    base = {"logGroupName": group, "logStreamName": "s"}
    at_ms = now_ms()

    def refused(*events: tuple[int, str]) -> str:
        batch = [{"timestamp": time_ms, "message": message} for time_ms, message in events]
        code, message = error_of(logs.put_log_events, **base, logEvents=batch)
        assert code == "InvalidParameterException"
        return message

    assert "chronological order" in refused((at_ms, "b"), (at_ms - 1, "a"))
    assert "24 hours" in refused((at_ms - 86_400_001, "a"), (at_ms, "b"))
    assert "Upload too large: 1048577 bytes exceeds limit of 1048576" in refused((at_ms, "x" * (1_048_577 - 26)))
    put(logs, group, "s", ["x" * (1_048_576 - 26)])
    result = put(logs, group, "s", ["late"], at_ms + 3 * 3_600_000)
    assert result["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 0}
    assert result["nextSequenceToken"]


def test_tags_by_name_and_by_arn(logs: Any, group: str) -> None:
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    logs.tag_resource(resourceArn=arn, tags={"stage": "test"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "a", "stage": "test"}
    logs.untag_resource(resourceArn=arn, tagKeys=["team"])
    logs.tag_log_group(logGroupName=group, tags={"x": "y"})
    assert logs.list_tags_log_group(logGroupName=group)["tags"] == {"stage": "test", "x": "y"}
    logs.untag_log_group(logGroupName=group, tags=["x"])
    many = {f"k{number}": "v" for number in range(50)}
    assert error_of(logs.tag_resource, resourceArn=arn, tags=many)[0] == "TooManyTagsException"
    foreign = arn.replace("000000000000", "999999999999")
    assert error_of(logs.list_tags_for_resource, resourceArn=foreign)[0] == "ResourceNotFoundException"


def test_a_protected_group_is_not_deleted(logs: Any) -> None:
    logs.create_log_group(logGroupName="/protected", deletionProtectionEnabled=True)
    assert error_of(logs.delete_log_group, logGroupName="/protected")[0] == "ValidationException"
    logs.put_log_group_deletion_protection(logGroupIdentifier="/protected", deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName="/protected")


def test_a_live_tail_shows_what_arrives(logs: Any, group: str) -> None:
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    stream = logs.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="ERROR")["responseStream"]
    updates = iter(stream)
    assert next(updates)["sessionStart"]["logEventFilterPattern"] == "ERROR"
    put(logs, group, "s", ["[ERROR] live", "nothing"])
    found: list[Any] = []
    while not found:
        found = next(updates)["sessionUpdate"]["sessionResults"]
    assert [(event["message"], event["logStreamName"]) for event in found] == [("[ERROR] live", "s")]
    assert found[0]["logGroupIdentifier"] == f"000000000000:{group}"
    stream.close()


def test_the_aws_command_line_reads_the_same_log(platform: PlatformProcess, filled: str) -> None:
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "awscli", "--endpoint-url", platform.url, "logs", "filter-log-events"),
            *("--log-group-name", filled, "--filter-pattern", "ERROR", "--query", "events[].message"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": os.devnull, **credentials},
    )
    assert json.loads(done.stdout) == ["[ERROR] one", "[ERROR] two"], done.stderr
