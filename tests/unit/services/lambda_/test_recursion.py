import pytest

from lambent.services.lambda_ import recursion


@pytest.mark.parametrize(
    ("source", "is_counted"),
    [
        ("invoke", True),
        ("destination", True),
        ("s3:bucket", True),
        ("sns:topic", True),
        ("sqs:queue", True),
        ("dynamodb:table", False),
        ("kinesis:stream", False),
        ("events:bus", False),
    ],
)
def test_where_loops_are_detected(source: str, is_counted: bool) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html, "Supported AWS services and SDKs"."""
    assert recursion.is_counted(source) is is_counted


def test_the_advice_names_the_command() -> None:
    advice = recursion.advice("arn:aws:lambda:us-east-1:000000000000:function:roll", "s3:games")
    assert "s3:games" in advice
    assert "put-function-recursion-config --function-name roll --recursive-loop Allow" in advice
