"""The sentences are AWS's own, as its services answer them and as people quote them in the SDKs' issues."""

from typing import Any

import pytest

from lambent.wire.errors import ValidationError
from lambent.wire.model import load_service
from lambent.wire.validation import MAX_PROBLEMS, validate

MODELS = {
    "lambda": load_service(
        "lambda", ["CreateFunction", "Invoke", "TagResource", "ListFunctions"], open_enums=["Runtime"]
    ),
    "logs": load_service("logs", ["CreateLogGroup", "PutLogEvents", "FilterLogEvents"]),
    "dynamodb": load_service("dynamodb", ["CreateTable", "PutItem", "TransactWriteItems"], opaque=["AttributeValue"]),
    "sts": load_service("sts", ["AssumeRole"]),
    "s3": load_service("s3", ["PutObject", "CreateBucket"]),
}
ROLE = "arn:aws:iam::000000000000:role/r"


def refusal(service: str, operation: str, value: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        validate(MODELS[service].operations[operation], value)
    assert caught.value.status == 400
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("service", "operation", "value"),
    [
        ("lambda", "Invoke", {"FunctionName": "f", "Payload": b"{}"}),
        ("lambda", "Invoke", {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST"}),
        (
            "lambda",
            "CreateFunction",
            {"FunctionName": "f", "Role": ROLE, "Code": {"ZipFile": b"x"}, "Runtime": "cobol"},
        ),
        ("logs", "CreateLogGroup", {"logGroupName": "/aws/lambda/f_1.x#y-z"}),
        ("dynamodb", "PutItem", {"TableName": "abc", "Item": {"k": {"S": ""}}}),
        ("s3", "CreateBucket", {"Bucket": "", "ACL": "nonsense"}),
        ("sts", "AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "ab"}),
    ],
)
def test_accepted(service: str, operation: str, value: dict[str, Any]) -> None:
    validate(MODELS[service].operations[operation], value)


def test_the_whole_sentence() -> None:
    assert refusal("dynamodb", "PutItem", {"Item": {}}) == (
        "ValidationException",
        "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null",
    )
    _, message = refusal("logs", "CreateLogGroup", {"logGroupName": ""})
    assert message.startswith(
        "2 validation errors detected: Value '' at 'logGroupName' failed to satisfy constraint: Member must have "
        "length greater than or equal to 1; Value '' at 'logGroupName' failed to satisfy constraint: Member must"
    )


EVENTS = [{"timestamp": 1, "message": "m"}, {"timestamp": -1, "message": ""}]
TABLE = {
    "TableName": "abc",
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "BillingMode": "FREE",
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "Q"}],
}
FUNCTION = {"FunctionName": "f", "Role": ROLE, "Code": {}, "Environment": {"Variables": {"1": "x"}}}


@pytest.mark.parametrize(
    ("service", "operation", "value", "code", "problems"),
    [
        (
            "lambda",
            "ListFunctions",
            {"MaxItems": 0},
            "ValidationException",
            {"'0' at 'maxItems'": "Member must have value greater than or equal to 1"},
        ),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "g", "logStreamName": "s", "logEvents": EVENTS},
            "InvalidParameterException",
            {
                "'-1' at 'logEvents.2.member.timestamp'": "Member must have value greater than or equal to 0",
                "'' at 'logEvents.2.member.message'": "Member must have length greater than or equal to 1",
            },
        ),
        (
            "dynamodb",
            "CreateTable",
            TABLE,
            "ValidationException",
            {
                "'Q' at 'attributeDefinitions.1.member.attributeType'": "Member must satisfy enum value set: [S, N, B]",
                "'FREE' at 'billingMode'": "Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]",
            },
        ),
        (
            "lambda",
            "CreateFunction",
            FUNCTION,
            "ValidationException",
            {
                "'{1=x}' at 'environment.variables'": "Map keys must satisfy constraint: "
                "[Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
            },
        ),
        (
            "sts",
            "AssumeRole",
            {"RoleArn": ROLE, "RoleSessionName": "a", "DurationSeconds": 1},
            "ValidationError",
            {
                "'a' at 'roleSessionName'": "Member must have length greater than or equal to 2",
                "'1' at 'durationSeconds'": "Member must have value greater than or equal to 900",
            },
        ),
    ],
)
def test_problems(service: str, operation: str, value: dict[str, Any], code: str, problems: dict[str, str]) -> None:
    given_code, message = refusal(service, operation, value)
    assert given_code == code
    assert message.partition(": ")[2].split("; ") == [
        f"Value {where} failed to satisfy constraint: {what}" for where, what in problems.items()
    ]


def test_a_thousand_faults_make_a_short_sentence() -> None:
    events = [{"timestamp": -1, "message": "m"}] * 1000
    _, message = refusal("logs", "PutLogEvents", {"logGroupName": "g", "logStreamName": "s", "logEvents": events})
    assert message.startswith(f"{MAX_PROBLEMS} validation errors detected: ")
    assert len(message) < 3000


def test_scalars_of_a_list_are_reported_together() -> None:
    _, message = refusal("logs", "FilterLogEvents", {"logGroupName": "g", "logStreamNames": ["a", "b:*"]})
    assert message.startswith(
        "1 validation error detected: Value '[a, b:*]' at 'logStreamNames' failed to satisfy constraint: "
        "Member must satisfy constraint: [Member must have length less than or equal to 512, Member must have length "
        "greater than or equal to 1, Member must satisfy regular expression pattern: "
    )
