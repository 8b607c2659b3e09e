"""Messages of standard queues through boto3, client and resource."""

import hashlib
import http.client
import json
import threading
import time
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from platform_process import PlatformProcess
from services.sqs.conftest import MakeQueue, bodies, receive
from services.sqs.test_queues import code_of

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"


def test_a_message_comes_as_it_was_sent(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    attributes = {
        "text": {"DataType": "String", "StringValue": "ü"},
        "number": {"DataType": "Number.int", "StringValue": "-1.5e3"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    body = 'zürich "\n\t\U0001f600'
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody=body,
        MessageAttributes=attributes,
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}},
    )
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    before_ms = time.time() * 1000
    [got] = receive(sqs, url, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"])
    assert (got["MessageId"], got["Body"]) == (sent["MessageId"], body)
    assert got["MessageAttributes"] == attributes
    assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert got["Attributes"]["AWSTraceHeader"] == TRACE
    assert got["Attributes"]["ApproximateReceiveCount"] == "1"
    assert got["Attributes"]["SenderId"] == "000000000000"
    assert abs(int(got["Attributes"]["SentTimestamp"]) - before_ms) < 60_000


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["order.id"], {"order.id"}),
        (["order.*"], {"order.id", "order.size"}),
        (["All"], {"order.id", "order.size", "other"}),
        ([".*"], {"order.id", "order.size", "other"}),
        (["nothing"], set()),
        ([], set()),
    ],
)
def test_attributes_are_asked_for_by_name_or_prefix(
    sqs: Any, make_queue: MakeQueue, names: list[str], expected: set[str]
) -> None:
    url = make_queue()
    value = {"DataType": "String", "StringValue": "v"}
    sqs.send_message(
        QueueUrl=url, MessageBody="b", MessageAttributes=dict.fromkeys(("order.id", "order.size", "other"), value)
    )
    [got] = receive(sqs, url, MessageAttributeNames=names)
    assert set(got.get("MessageAttributes", {})) == expected
    assert ("MD5OfMessageAttributes" in got) == bool(expected)


def test_visibility_and_receipt_handles(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue(VisibilityTimeout=1)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    [first] = receive(sqs, url)
    assert receive(sqs, url) == []
    [second] = receive(sqs, url, WaitTimeSeconds=5, AttributeNames=["ApproximateReceiveCount"])
    assert second["Attributes"] == {"ApproximateReceiveCount": "2"}
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])  # succeeds, and deletes nothing
    # Measured at AWS: the handle of an earlier receive serves, and so does one whose timeout has run out.
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=600)
    assert receive(sqs, url, WaitTimeSeconds=1) == []
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=600)
    assert receive(sqs, url) == []
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    [third] = receive(sqs, url, VisibilityTimeout=600)
    with pytest.raises(ClientError) as caught:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"], VisibilityTimeout=43201)
    assert caught.value.response["Error"]["Message"] == (
        "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200."
    )
    sqs.delete_message(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"])
    with pytest.raises(ClientError) as caught:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"], VisibilityTimeout=1)
    assert code_of(caught.value) == "InvalidParameterValue"
    assert receive(sqs, url, WaitTimeSeconds=1) == []


def test_a_long_poll_ends_with_the_message(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue(ReceiveMessageWaitTimeSeconds=20)
    timer = threading.Timer(0.3, lambda: sqs.send_message(QueueUrl=url, MessageBody="now"))
    began = time.monotonic()
    timer.start()
    assert bodies(receive(sqs, url)) == ["now"]
    assert 0.2 < time.monotonic() - began < 5
    timer.join()


def test_a_long_poll_ends_when_a_delay_does(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=1)
    assert receive(sqs, url) == []
    assert bodies(receive(sqs, url, WaitTimeSeconds=10)) == ["later"]


def test_a_long_poll_of_a_queue_that_is_deleted(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    timer = threading.Timer(0.2, lambda: sqs.delete_queue(QueueUrl=url))
    timer.start()
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        receive(sqs, url, WaitTimeSeconds=10)
    timer.join()


def test_a_receiver_that_left_takes_nothing(sqs: Any, platform: PlatformProcess, make_queue: MakeQueue) -> None:
    """Otherwise a consumer that is restarted would lose sight of the next message until its timeout."""
    url = make_queue()
    for _ in range(2):
        request = AWSRequest(
            "POST",
            platform.url + "/",
            data=json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}),
            headers={"X-Amz-Target": "AmazonSQS.ReceiveMessage", "Content-Type": "application/x-amz-json-1.0"},
        )
        SigV4Auth(Credentials("test", "test"), "sqs", "us-east-1").add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", platform.port)
        connection.request("POST", "/", body=request.data, headers=dict(request.headers.items()))
        time.sleep(0.2)
        connection.close()
    time.sleep(0.1)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert bodies(receive(sqs, url, WaitTimeSeconds=1)) == ["m"]


def test_many_waiting_receivers_get_each_message_once(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    got: list[str] = []

    def wait() -> None:
        got.extend(bodies(receive(sqs, url, WaitTimeSeconds=2, MaxNumberOfMessages=1)))

    waiters = [threading.Thread(target=wait) for _ in range(6)]
    for waiter in waiters:
        waiter.start()
    entries = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(6)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    for waiter in waiters:
        waiter.join()
    assert sorted(got) == [f"m{n}" for n in range(6)]


def test_batches_fail_entry_by_entry(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue(MaximumMessageSize=1024)
    sent = sqs.send_message_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "good", "MessageBody": "x"},
            {"Id": "long", "MessageBody": "x" * 1025},
            {"Id": "control", "MessageBody": "\x01"},
            {"Id": "delayed", "MessageBody": "x", "DelaySeconds": 901},
        ],
    )
    assert [one["Id"] for one in sent["Successful"]] == ["good"]
    assert {one["Id"]: (one["Code"], one["SenderFault"]) for one in sent["Failed"]} == {
        "long": ("InvalidParameterValue", True),
        "control": ("InvalidMessageContents", True),
        "delayed": ("InvalidParameterValue", True),
    }
    [got] = receive(sqs, url)
    entries = [{"Id": "a", "ReceiptHandle": got["ReceiptHandle"]}, {"Id": "b", "ReceiptHandle": "nonsense"}]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=url, Entries=[{**entry, "VisibilityTimeout": 10} for entry in entries]
    )
    assert ([one["Id"] for one in changed["Successful"]], changed["Failed"][0]["Code"]) == (
        ["a"],
        "ReceiptHandleIsInvalid",
    )
    too_long = [{**entries[0], "VisibilityTimeout": 43201}]
    [failed] = sqs.change_message_visibility_batch(QueueUrl=url, Entries=too_long)["Failed"]
    assert failed["Message"] == (
        "Value 43201 for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between "
        "0 and 43200."
    )
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    assert ([one["Id"] for one in deleted["Successful"]], [one["Id"] for one in deleted["Failed"]]) == (["a"], ["b"])


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "same", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "no spaces", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)], "BatchRequestTooLong"),
    ],
)
def test_batches_that_are_refused(sqs: Any, make_queue: MakeQueue, entries: list[dict[str, Any]], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        sqs.send_message_batch(QueueUrl=make_queue(), Entries=entries)
    assert code_of(caught.value) == f"AWS.SimpleQueueService.{code}"


STRING = {"DataType": "String", "StringValue": "v"}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"MessageBody": ""}, "MissingParameter"),
        ({"MessageBody": "\ufffe"}, "InvalidMessageContents"),
        ({"MessageBody": "x" * 1_048_577}, "InvalidParameterValue"),
        ({"DelaySeconds": 901}, "InvalidParameterValue"),
        ({"MessageDeduplicationId": "d"}, "InvalidParameterValue"),
        ({"MessageAttributes": {f"a{n}": STRING for n in range(11)}}, "InvalidParameterValue"),
        ({"MessageAttributes": {"AWS.x": STRING}}, "InvalidParameterValue"),
        ({"MessageAttributes": {"a..b": STRING}}, "InvalidParameterValue"),
        ({"MessageAttributes": {"a": {"DataType": "List", "StringValue": "v"}}}, "InvalidParameterValue"),
        ({"MessageAttributes": {"a": {"DataType": "String", "StringValue": ""}}}, "InvalidParameterValue"),
        (
            {"MessageAttributes": {"a": {**STRING, "StringListValues": ["v"]}}},
            "AWS.SimpleQueueService.UnsupportedOperation",
        ),
        ({"MessageAttributes": {"a": {"DataType": "Number", "StringValue": "one"}}}, "InvalidParameterValue"),
        ({"MessageAttributes": {"a": {"DataType": "Binary", "StringValue": "v"}}}, "InvalidParameterValue"),
        ({"MessageSystemAttributes": {"Other": STRING}}, "InvalidParameterValue"),
    ],
)
def test_messages_that_are_refused(sqs: Any, make_queue: MakeQueue, options: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        sqs.send_message(QueueUrl=make_queue(), **{"MessageBody": "x", **options})
    assert code_of(caught.value) == code


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"MaxNumberOfMessages": 0}, "Must be between 1 and 10, if provided."),
        ({"MaxNumberOfMessages": 11}, "Must be between 1 and 10, if provided."),
        ({"WaitTimeSeconds": 21}, "Must be >= 0 and <= 20, if provided."),
        ({"VisibilityTimeout": 43201}, "Must be >= 0 and <= 43200, if provided."),
        ({"AttributeNames": ["Nonsense"]}, "Unknown Attribute Nonsense."),
    ],
)
def test_receives_that_are_refused(sqs: Any, make_queue: MakeQueue, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as caught:
        receive(sqs, make_queue(), **options)
    assert caught.value.response["Error"]["Message"].endswith(message)


def test_the_largest_message(sqs: Any, make_queue: MakeQueue) -> None:
    url = make_queue()
    sqs.send_message(QueueUrl=url, MessageBody="é" * 524_288)
    [got] = receive(sqs, url)
    assert len(got["Body"]) == 524_288


def test_a_standard_queue_keeps_the_group_of_a_message(sqs: Any, make_queue: MakeQueue) -> None:
    """Fair queues, since July 2025: MessageGroupId on standard queues says whose a message is, not its order."""
    url = make_queue()
    for number in range(2):
        sqs.send_message(QueueUrl=url, MessageBody=f"m{number}", MessageGroupId="tenant")
    got = receive(sqs, url, AttributeNames=["All"])
    assert [one["Attributes"]["MessageGroupId"] for one in got] == ["tenant"] * 2


def test_through_the_resource(sqs_resource: Any, make_queue: MakeQueue) -> None:
    queue = sqs_resource.Queue(make_queue())
    queue.send_messages(Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(3)])
    messages = queue.receive_messages(MaxNumberOfMessages=10)
    assert sorted(message.body for message in messages) == ["0", "1", "2"]
    messages[0].change_visibility(VisibilityTimeout=60)
    queue.delete_messages(Entries=[{"Id": one.message_id, "ReceiptHandle": one.receipt_handle} for one in messages])
    assert sqs_resource.get_queue_by_name(QueueName=queue.url.rpartition("/")[2]).url == queue.url
