"""Universal targets: their ARNs, and the actions that AWS leaves out because they only read."""

import pytest

from lambent.services.scheduler.universal_targets import ApiAction, parse


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:scheduler:::aws-sdk:sqs:sendMessage", ApiAction("sqs", "sendMessage")),
        ("arn:aws:scheduler:::aws-sdk:eventbridge:putEvents", ApiAction("events", "putEvents")),
        ("arn:aws:scheduler:::aws-sdk:cloudwatchlogs:putLogEvents", ApiAction("logs", "putLogEvents")),
        ("arn:aws-cn:scheduler:::aws-sdk:lambda:invoke", ApiAction("lambda", "invoke")),
        ("arn:aws:scheduler:::aws-sdk:sqs:SendMessage", None),
        ("arn:aws:scheduler:::aws-sdk:sqs", None),
        ("arn:aws:scheduler:us-east-1::aws-sdk:sqs:sendMessage", None),
        ("arn:aws:lambda:us-east-1:000000000000:function:f", None),
    ],
)
def test_arns(arn: str, expected: ApiAction | None) -> None:
    assert parse(arn) == expected


@pytest.mark.parametrize(
    ("action", "only_reads"),
    [
        ("getObject", True),
        ("listBuckets", True),
        ("describeTable", True),
        ("batchGetItem", True),
        ("query", True),
        ("scan", True),
        ("receiveMessage", True),
        ("transactGetItems", True),
        ("sendMessage", False),
        ("putItem", False),
        ("transactWriteItems", False),
        ("invoke", False),
        ("selectivelyDelete", False),
    ],
)
def test_reading(action: str, only_reads: bool) -> None:
    assert ApiAction("s", action).only_reads is only_reads
