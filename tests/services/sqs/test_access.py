"""Who may do what to a queue: its owner, other accounts, nobody in particular, each as its policy says."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from platform_process import PlatformProcess
from services.sqs.conftest import arn_of, receive
from services.sqs.test_queues import code_of

OTHER = "123456789012"


@pytest.fixture(scope="module")
def open_platform(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Without signatures an access key id names the account, so that there can be several."""
    directory: Path = tmp_path_factory.mktemp("accounts")
    with PlatformProcess.started(directory / "data", ["--auth", "off"]) as platform:
        yield platform


def allow(client: Any, url: str, **statement: Any) -> None:
    whole = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn_of(url), **statement}
    client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": whole})})


def is_refused(call: Any) -> bool:
    try:
        call()
    except ClientError as error:
        return code_of(error) == "AccessDenied"
    return False


def test_another_account_needs_an_allow(open_platform: PlatformProcess) -> None:
    mine = open_platform.client("sqs")
    theirs = open_platform.client("sqs", aws_access_key_id=OTHER)
    url = mine.create_queue(QueueName="shared")["QueueUrl"]
    assert is_refused(lambda: theirs.send_message(QueueUrl=url, MessageBody="x"))
    allow(mine, url, Principal={"AWS": OTHER})
    theirs.send_message(QueueUrl=url, MessageBody="x")
    theirs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x"}])
    assert is_refused(lambda: receive(theirs, url))
    assert len(receive(mine, url)) == 2
    allow(mine, url, Principal={"AWS": OTHER}, Action="sqs:*")
    assert receive(theirs, url) == []
    assert theirs.get_queue_url(QueueName="shared", QueueOwnerAWSAccountId="000000000000")["QueueUrl"] == url
    assert is_refused(lambda: theirs.delete_queue(QueueUrl=url))
    assert is_refused(lambda: theirs.tag_queue(QueueUrl=url, Tags={"a": "b"}))


def test_a_deny_is_for_the_owner_as_well(platform: PlatformProcess) -> None:
    mine = platform.client("sqs")
    url = mine.create_queue(QueueName="denied")["QueueUrl"]
    allow(mine, url, Effect="Deny", Action="sqs:*")
    assert is_refused(lambda: mine.send_message(QueueUrl=url, MessageBody="x"))
    mine.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    mine.send_message(QueueUrl=url, MessageBody="x")


def test_nobody_in_particular(platform: PlatformProcess) -> None:
    mine = platform.client("sqs")
    nobody = platform.client("sqs", config=Config(signature_version=UNSIGNED))
    url = mine.create_queue(QueueName="public")["QueueUrl"]
    assert is_refused(lambda: nobody.send_message(QueueUrl=url, MessageBody="x"))
    assert is_refused(lambda: nobody.create_queue(QueueName="theirs"))
    assert is_refused(nobody.list_queues)
    allow(mine, url, Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})
    nobody.send_message(QueueUrl=url, MessageBody="x")
    [got] = receive(mine, url, AttributeNames=["SenderId"])
    assert got["Attributes"]["SenderId"] == "anonymous"
    allow(mine, url, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    assert is_refused(lambda: nobody.send_message(QueueUrl=url, MessageBody="x"))
