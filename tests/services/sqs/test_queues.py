"""Queues through boto3: names, attributes, listings, tags, permissions, purging."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from platform_process import PlatformProcess
from services.sqs.conftest import MakeQueue, arn_of, receive


def code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def test_create_and_look_up(sqs: Any, platform: PlatformProcess) -> None:
    url = sqs.create_queue(QueueName="looked-up", tags={"team": "a"})["QueueUrl"]
    assert url == f"{platform.url}/000000000000/looked-up"
    assert sqs.get_queue_url(QueueName="looked-up")["QueueUrl"] == url
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "a"}
    assert sqs.create_queue(QueueName="looked-up", Attributes={"VisibilityTimeout": "30"})["QueueUrl"] == url
    with pytest.raises(sqs.exceptions.QueueNameExists) as caught:
        sqs.create_queue(QueueName="looked-up", Attributes={"VisibilityTimeout": "31"})
    assert code_of(caught.value) == "QueueAlreadyExists"
    assert "VisibilityTimeout" in str(caught.value)


def test_a_deleted_queue_is_gone_and_its_name_is_free(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    sqs.send_message(QueueUrl=url, MessageBody="lost")
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
        sqs.send_message(QueueUrl=url, MessageBody="x")
    error = caught.value.response
    assert error["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert error["Error"]["Type"] == "Sender"
    assert error["ResponseMetadata"]["HTTPHeaders"]["x-amzn-query-error"] == f"{error['Error']['Code']};Sender"
    sqs.create_queue(QueueName=url.rpartition("/")[2])
    assert receive(sqs, url) == []


def test_every_attribute_is_shown(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue(DelaySeconds=1)
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert shown.pop("CreatedTimestamp") == shown.pop("LastModifiedTimestamp")
    assert shown == {
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "DelaySeconds": "1",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "QueueArn": arn_of(url),
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
    }
    some = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn", "DelaySeconds"])["Attributes"]
    assert some == {"QueueArn": arn_of(url), "DelaySeconds": "1"}
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url)


def test_counts_follow_messages(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    for delay in (0, 0, 900):
        sqs.send_message(QueueUrl=url, MessageBody="m", DelaySeconds=delay)
    receive(sqs, url, MaxNumberOfMessages=1)
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    names = (
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    )
    assert [shown[name] for name in names] == ["1", "1", "1"]


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"Nonsense": "1"}, "InvalidAttributeName"),
        ({"QueueArn": "x"}, "InvalidAttributeName"),
        ({"FifoQueue": "true"}, "InvalidAttributeName"),
        ({"KmsMasterKeyId": "key", "SqsManagedSseEnabled": "true"}, "InvalidAttributeName"),
        ({"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
        ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
        ({"DelaySeconds": "-1"}, "InvalidAttributeValue"),
        ({"MaximumMessageSize": "1023"}, "InvalidAttributeValue"),
        ({"MessageRetentionPeriod": "59"}, "InvalidAttributeValue"),
        ({"ReceiveMessageWaitTimeSeconds": "21"}, "InvalidAttributeValue"),
        ({"Policy": "{"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": "{}"}, "InvalidParameterValue"),
        ({"RedriveAllowPolicy": '{"redrivePermission":"byQueue"}'}, "InvalidParameterValue"),
    ],
)
def test_attributes_that_cannot_be_set(sqs: Any, make_queue: MakeQueue, attributes: dict[str, str], code: str) -> None:
    url = make_queue()
    with pytest.raises(ClientError) as caught:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    assert code_of(caught.value) == code


def test_attributes_change_and_documents_are_removed(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy, "KmsMasterKeyId": "alias/aws/sqs"})
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (shown["Policy"], shown["SqsManagedSseEnabled"]) == (policy, "false")
    assert shown["KmsDataKeyReusePeriodSeconds"] == "300"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": "", "SqsManagedSseEnabled": "true"})
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert not {"Policy", "KmsMasterKeyId"} & shown.keys()


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("no spaces", {}),
        ("x" * 81, {}),
        ("fifo.fifo", {}),
        ("standard", {"FifoQueue": "true"}),
        ("x" * 80 + ".fifo", {"FifoQueue": "true"}),
    ],
)
def test_names_that_no_queue_has(sqs: Any, name: str, attributes: dict[str, str]) -> None:
    with pytest.raises(ClientError) as caught:
        sqs.create_queue(QueueName=name, Attributes=attributes)
    assert code_of(caught.value) == "InvalidParameterValue"


def test_fifo_attributes(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue(fifo=True)
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (shown["FifoQueue"], shown["DeduplicationScope"], shown["FifoThroughputLimit"]) == (
        "true",
        "queue",
        "perQueue",
    )
    with pytest.raises(ClientError):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"FifoThroughputLimit": "perMessageGroupId"})
    with pytest.raises(ClientError):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"FifoQueue": "false"})
    high = {"FifoThroughputLimit": "perMessageGroupId", "DeduplicationScope": "messageGroup"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=high)


def test_listing_by_prefix_and_page(sqs: Any) -> None:
    for number in range(5):
        sqs.create_queue(QueueName=f"listed-{number}")
    found = [
        url.rpartition("/")[2]
        for page in sqs.get_paginator("list_queues").paginate(
            QueueNamePrefix="listed-", PaginationConfig={"PageSize": 2}
        )
        for url in page["QueueUrls"]
    ]
    assert found == [f"listed-{number}" for number in range(5)]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="nobody-has-this")
    with pytest.raises(ClientError):
        sqs.list_queues(MaxResults=1001)


def test_regions_and_accounts_have_their_own(platform: PlatformProcess, sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    elsewhere = platform.client("sqs", region_name="eu-west-1")
    with pytest.raises(elsewhere.exceptions.QueueDoesNotExist):
        elsewhere.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    with pytest.raises(ClientError) as caught:
        sqs.send_message(QueueUrl="orders", MessageBody="x")
    assert code_of(caught.value) == "InvalidAddress"
    other_host = url.replace(platform.url, "https://sqs.us-east-1.amazonaws.com")
    sqs.send_message(QueueUrl=other_host, MessageBody="x")
    assert len(receive(sqs, url)) == 1


def test_tags(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)
    sqs.tag_queue(QueueUrl=url, Tags={"a": "1", "b": "2"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a", "c"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}
    with pytest.raises(ClientError):
        sqs.tag_queue(QueueUrl=url, Tags={f"k{n}": "" for n in range(51)})


def test_purging(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    [taken] = receive(sqs, url, MaxNumberOfMessages=1)
    sqs.purge_queue(QueueUrl=url)
    assert receive(sqs, url) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=taken["ReceiptHandle"])
    sqs.send_message(QueueUrl=url, MessageBody="later")
    assert len(receive(sqs, url)) == 1
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress) as caught:
        sqs.purge_queue(QueueUrl=url)
    assert code_of(caught.value) == "AWS.SimpleQueueService.PurgeQueueInProgress"


def test_permissions_are_statements_of_the_policy(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    sqs.add_permission(QueueUrl=url, Label="send", AWSAccountIds=["123456789012"], Actions=["SendMessage"])
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    assert (policy["Version"], policy["Id"]) == ("2008-10-17", f"{arn_of(url)}/SQSDefaultPolicy")
    assert policy["Statement"] == [
        {
            "Sid": "send",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "SQS:SendMessage",
            "Resource": arn_of(url),
        }
    ]
    with pytest.raises(ClientError):
        sqs.add_permission(QueueUrl=url, Label="send", AWSAccountIds=["123456789012"], Actions=["SendMessage"])
    with pytest.raises(ClientError):
        sqs.add_permission(QueueUrl=url, Label="own", AWSAccountIds=["123456789012"], Actions=["DeleteQueue"])
    with pytest.raises(ClientError):
        sqs.remove_permission(QueueUrl=url, Label="unknown")
    sqs.remove_permission(QueueUrl=url, Label="send")
    assert not sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes")
