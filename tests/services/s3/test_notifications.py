"""Notification configurations through boto3; that changes reach the log with the object is in test_store."""

from typing import Any

from services.s3.refusals import refusal, refused

NOWHERE = "arn:aws:lambda:us-east-1:000000000000:function:no-such-function"


def configuration(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"LambdaFunctionConfigurations": list(entries)}


def entry(arn: str = NOWHERE, **more: Any) -> dict[str, Any]:
    return {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"], **more}


def test_a_destination_must_be_there(s3: Any, bucket: str) -> None:
    error = refused(
        s3.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration=configuration(entry())
    )["Error"]
    assert error["Code"] == "InvalidArgument"
    assert error["Message"] == "Unable to validate the following destination configurations"
    assert error["ArgumentName"] == NOWHERE


def test_put_get_and_remove(s3: Any, bucket: str) -> None:
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    rules = [{"Name": "Prefix", "Value": "a/"}, {"Name": "Suffix", "Value": ".md"}]
    first = entry(Id="first", Filter={"Key": {"FilterRules": rules}})
    second = entry(Id="second", Events=["s3:ObjectRemoved:*"])
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration(first, second), SkipDestinationValidation=True
    )
    shown = s3.get_bucket_notification_configuration(Bucket=bucket)["LambdaFunctionConfigurations"]
    assert shown == [first, second]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_what_cannot_be_configured(s3: Any, bucket: str) -> None:
    def put(document: dict[str, Any]) -> tuple[str, int]:
        return refusal(
            s3.put_bucket_notification_configuration,
            Bucket=bucket,
            NotificationConfiguration=document,
            SkipDestinationValidation=True,
        )

    assert put(configuration(entry(), entry())) == ("InvalidArgument", 400)
    assert put(configuration(entry(arn="arn:aws:sqs:us-east-1:000000000000:q"))) == ("InvalidArgument", 400)
    assert put({"QueueConfigurations": [{"QueueArn": NOWHERE, "Events": ["s3:ObjectCreated:*"]}]}) == (
        "InvalidArgument",
        400,
    )
