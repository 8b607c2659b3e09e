"""A function belongs to its account: others reach it only where its policy says so."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from platform_process import PlatformProcess
from zips import zipped

OWNER, STRANGER = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{OWNER}:role/f"
ARN = f"arn:aws:lambda:us-east-1:{OWNER}:function:f"
SOURCE = """
import boto3

def handler(event, context):
    return [boto3.client("s3").list_buckets()["Buckets"][0]["Name"], context.invoked_function_arn]
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """Anybody's credentials are taken: an access key of twelve digits is the root of that account."""
    with PlatformProcess.started(tmp_path_factory.mktemp("accounts"), ["--auth", "off"]) as platform:
        owner = lambda_of(platform, OWNER)
        owner.create_function(FunctionName="f", **DESCRIPTION, Timeout=20)
        platform.client("s3", aws_access_key_id=OWNER).create_bucket(Bucket="of-the-owner")
        yield platform


DESCRIPTION = {
    "Runtime": "python3.11",
    "Handler": "m.handler",
    "Role": ROLE,
    "Code": {"ZipFile": zipped({"m.py": SOURCE})},
}


def lambda_of(platform: PlatformProcess, account: str) -> Any:
    return platform.client("lambda", aws_access_key_id=account)


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("get_function", {"FunctionName": ARN}),
        ("create_function", {**DESCRIPTION, "FunctionName": f"{ARN}2"}),
        ("update_function_configuration", {"FunctionName": f"{OWNER}:function:f", "Timeout": 5}),
        ("delete_function", {"FunctionName": ARN}),
        ("tag_resource", {"Resource": ARN, "Tags": {"a": "b"}}),
        ("invoke", {"FunctionName": ARN}),
        ("invoke", {"FunctionName": ARN, "InvocationType": "Event"}),
        ("invoke", {"FunctionName": f"{ARN}-that-is-not-there"}),
    ],
)
def test_a_function_of_another_account_is_out_of_reach(
    shared: PlatformProcess, operation: str, given: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(lambda_of(shared, STRANGER), operation)(**given)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert raised.value.response["Error"]["Code"] == "AccessDeniedException"
    assert f"arn:aws:iam::{STRANGER}:root is not authorized" in raised.value.response["Error"]["Message"]


def test_a_permission_lets_another_account_invoke(shared: PlatformProcess) -> None:
    owner, stranger = lambda_of(shared, OWNER), lambda_of(shared, STRANGER)
    owner.add_permission(FunctionName="f", StatementId="x", Action="lambda:InvokeFunction", Principal=STRANGER)
    assert stranger.invoke(FunctionName=ARN)["StatusCode"] == 200
    with pytest.raises(ClientError, match="not authorized"):
        stranger.get_function(FunctionName=ARN)
    owner.remove_permission(FunctionName="f", StatementId="x")
    with pytest.raises(ClientError, match="not authorized"):
        stranger.invoke(FunctionName=ARN)


def ask_page(platform: PlatformProcess, account: str, page: str) -> Any:
    scope = f"{account}/20260101/us-east-1/lambda/aws4_request"
    signed = {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    return urllib.request.urlopen(urllib.request.Request(f"{platform.url}/_lambent/{page}", headers=signed), timeout=10)


def test_what_happened_is_shown_to_its_account(shared: PlatformProcess) -> None:
    owner = lambda_of(shared, OWNER)
    owner.create_function(FunctionName="idle", **DESCRIPTION)
    owner.put_function_concurrency(FunctionName="idle", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError):
        owner.invoke(FunctionName="idle")
    owner.invoke(FunctionName="idle", InvocationType="Event")
    deadline = time.monotonic() + 20
    seen: dict[str, list[dict[str, str]]] = {"discarded": [], "events": []}
    while not (seen["discarded"] and {one["outcome"] for one in seen["events"]} >= {"throttled", "discarded"}):
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
        seen = json.load(ask_page(shared, OWNER, "events"))
    assert all(f":{OWNER}:" in one["functionArn"] for one in seen["events"])
    seen = json.load(ask_page(shared, STRANGER, "events"))
    assert not seen["discarded"]
    assert not [one for one in seen["events"] if OWNER in one["functionArn"]]


def test_the_live_tail_is_of_the_callers_log_groups(shared: PlatformProcess) -> None:
    with (
        ask_page(shared, OWNER, "tail?group=/tailed") as own,
        ask_page(shared, STRANGER, "tail?group=/tailed") as other,
    ):
        assert own.readline() == other.readline() == b"\n"
        for account, word in ((OWNER, "mine"), (STRANGER, "theirs")):
            logs = shared.client("logs", aws_access_key_id=account)
            logs.create_log_group(logGroupName="/tailed")
            logs.create_log_stream(logGroupName="/tailed", logStreamName="s")
            event = {"timestamp": int(time.time() * 1000), "message": word}
            logs.put_log_events(logGroupName="/tailed", logStreamName="s", logEvents=[event])
        assert json.loads(own.readline())["message"] == "mine"
        assert json.loads(other.readline())["message"] == "theirs"


def test_a_tail_that_cannot_be_is_refused(shared: PlatformProcess) -> None:
    with pytest.raises(urllib.error.HTTPError) as raised:
        ask_page(shared, OWNER, "tail?group=/tailed&filter=%5B")
    assert raised.value.code == 400
    assert json.load(raised.value)["code"] == "InvalidParameterException"


def test_a_role_of_another_account_does_not_take_a_function_there(shared: PlatformProcess) -> None:
    stranger = lambda_of(shared, STRANGER)
    shared.client("s3", aws_access_key_id=STRANGER).create_bucket(Bucket="of-the-stranger")
    stranger.create_function(FunctionName="f", **DESCRIPTION, Timeout=20)
    answer = stranger.invoke(FunctionName="f")["Payload"].read()
    assert answer.decode() == f'["of-the-stranger", "arn:aws:lambda:us-east-1:{STRANGER}:function:f"]'


def test_a_table_of_another_account_is_no_source(shared: PlatformProcess) -> None:
    table = shared.client("dynamodb", aws_access_key_id=OWNER).create_table(
        TableName="private",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    stranger = lambda_of(shared, STRANGER)
    stranger.create_function(FunctionName="spy", **DESCRIPTION)
    with pytest.raises(ClientError) as refused:
        stranger.create_event_source_mapping(
            FunctionName="spy", EventSourceArn=table["LatestStreamArn"], StartingPosition="TRIM_HORIZON"
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert stranger.list_event_source_mappings()["EventSourceMappings"] == []
