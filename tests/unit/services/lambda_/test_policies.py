from typing import Any

import orjson
import pytest

from lambent.services.lambda_ import policies
from lambent.services.lambda_.errors import InvalidParameterValue, PolicyLengthExceeded, ResourceConflict
from lambent.services.lambda_.policies import Permission

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


def made(principal: str, **more: Any) -> dict[str, Any]:
    return policies.make_statement(Permission("s", "lambda:InvokeFunction", principal, **more), ARN)


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("s3.amazonaws.com", {"Service": "s3.amazonaws.com"}),
        ("123456789012", {"AWS": "arn:aws:iam::123456789012:root"}),
        ("arn:aws:iam::123456789012:user/u", {"AWS": "arn:aws:iam::123456789012:user/u"}),
        ("*", "*"),
    ],
)
def test_principals(principal: str, expected: Any) -> None:
    assert made(principal) == {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": expected,
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
    }


def test_an_impossible_principal() -> None:
    with pytest.raises(InvalidParameterValue, match="principal was invalid"):
        made("nobody")


@pytest.mark.parametrize(
    ("asked", "condition"),
    [
        ({"source_arn": "arn:aws:s3:::b"}, {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}),
        ({"source_account": "123456789012"}, {"StringEquals": {"AWS:SourceAccount": "123456789012"}}),
        ({"organization_id": "o-1"}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        ({"event_source_token": "t"}, {"StringEquals": {"lambda:EventSourceToken": "t"}}),
        ({"url_auth_type": "NONE"}, {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}),
        ({"via_function_url": True}, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
        (
            {"source_arn": "arn:aws:s3:::b", "source_account": "123456789012"},
            {
                "StringEquals": {"AWS:SourceAccount": "123456789012"},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
            },
        ),
    ],
)
def test_conditions(asked: dict[str, Any], condition: dict[str, Any]) -> None:
    assert made("s3.amazonaws.com", **asked)["Condition"] == condition


def test_a_statement_id_is_used_once() -> None:
    one = made("*")
    with pytest.raises(ResourceConflict, match=r"The statement id \(s\) provided already exists"):
        policies.add_statement([one], one)


def test_a_policy_may_measure_20_kb() -> None:
    size = len(orjson.dumps(made("*"))) + 1
    full = [{**made("*"), "Sid": "x"}] * ((policies.MAX_POLICY_BYTES - 100) // size)
    assert len(policies.add_statement(full[1:], made("*"))) == len(full)
    with pytest.raises(PolicyLengthExceeded, match="bigger than the limit"):
        policies.add_statement([*full, *full[:2]], made("*"))


def test_the_document() -> None:
    assert orjson.loads(policies.document([made("*")])) == {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [made("*")],
    }
