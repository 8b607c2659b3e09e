import pytest

from lambent.services.lambda_ import names
from lambent.services.lambda_.errors import InvalidParameterValue, ResourceNotFound
from lambent.services.lambda_.names import FunctionKey, FunctionReference
from lambent.wire.errors import ServiceError, ValidationError

ACCOUNT, REGION = "123456789012", "us-east-1"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


def parse(text: str, qualifier: str = "") -> FunctionReference:
    return names.parse_reference(text, qualifier, account_id=ACCOUNT, region=REGION)


@pytest.mark.parametrize(
    ("text", "qualifier", "expected"),
    [
        ("f", "", ""),
        ("f:prod", "", "prod"),
        ("f", "prod", "prod"),
        ("f:prod", "prod", "prod"),
        ("f:$LATEST", "", "$LATEST"),
        ("function:f", "", ""),
        ("function:f:7", "", "7"),
        ("123456789012:function:f", "", ""),
        ("123456789012:function:f:prod", "", "prod"),
        (ARN, "", ""),
        (f"{ARN}:prod", "", "prod"),
        (ARN, "$LATEST", "$LATEST"),
    ],
)
def test_every_form_of_a_name_means_the_same_function(text: str, qualifier: str, expected: str) -> None:
    assert parse(text, qualifier) == FunctionReference(FunctionKey(ACCOUNT, REGION, "f"), expected)


def test_a_partial_arn_may_name_another_account() -> None:
    assert parse("999999999999:function:f").key == FunctionKey("999999999999", REGION, "f")


@pytest.mark.parametrize(
    ("text", "qualifier", "error", "message"),
    [
        ("f:prod", "test", InvalidParameterValue, "The derived qualifier"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:f", "", ResourceNotFound, "not reachable in this region"),
        ("arn:aws:lambda:us-east-1:123456789012:layer:f", "", InvalidParameterValue, "Invalid function ARN"),
        ("x" * 65, "", ValidationError, "less than or equal to 64"),
    ],
)
def test_what_no_function_can_be_called(text: str, qualifier: str, error: type[ServiceError], message: str) -> None:
    with pytest.raises(error, match=message):
        parse(text, qualifier)


@pytest.mark.parametrize("text", ["f", "f:$LATEST"])
def test_latest_is_there(text: str) -> None:
    assert names.require_latest(parse(text)).name == "f"


@pytest.mark.parametrize(
    ("text", "message"), [("f:1", f"Function not found: {ARN}:1"), ("f:prod", f"Cannot find alias arn: {ARN}:prod")]
)
def test_versions_and_aliases_are_not_there(text: str, message: str) -> None:
    with pytest.raises(ResourceNotFound) as raised:
        names.require_latest(parse(text))
    assert raised.value.message == message


@pytest.mark.parametrize("text", ["", "f", "arn:aws:s3:::b", "arn:aws:lambda:r::function:f", f"{ARN}:a:b"])
def test_no_function_arn(text: str) -> None:
    assert names.parse_arn(text) is None
