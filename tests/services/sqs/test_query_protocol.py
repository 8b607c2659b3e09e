"""The query protocol: an SDK of before November 2023, and what curl sends.

The SDK is botocore with the names of the older model put back, so that its own serializer and parser are at work.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader

from lambent.services.sqs import query_names
from lambent.wire import model as models
from platform_process import PlatformProcess
from services.sqs.conftest import MakeQueue, bodies
from services.sqs.test_queues import code_of

NAMESPACE = 'xmlns="http://queue.amazonaws.com/doc/2012-11-05/"'


def _merged(into: Any, extra: Any) -> None:
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merged(into[key], value)
        else:
            into[key] = value


@pytest.fixture(scope="module")
def old_sqs(platform: PlatformProcess, tmp_path_factory: pytest.TempPathFactory) -> Any:
    data = tmp_path_factory.mktemp("botocore")
    description = Loader().load_service_model("sqs", "service-2")
    _merged(description, query_names.QUERY_AMENDMENTS)
    description["metadata"].update(protocol="query", protocols=["query"])
    del description["metadata"]["awsQueryCompatible"]
    for shape in description["shapes"].values():
        for member in shape.get("members", {}).values():
            member.pop("location", None)
    for name, operation in description["operations"].items():
        operation.get("output", {})["resultWrapper"] = f"{name}Result"
    _write(data / "sqs" / "2012-11-05" / "service-2.json", description)
    session = botocore.session.Session()
    session.register_component("data_loader", Loader(extra_search_paths=[str(data)], include_default_search_paths=True))
    loader = session.get_component("data_loader")
    loader.search_paths.insert(0, str(data))
    return boto3.Session(botocore_session=session).client(
        "sqs",
        endpoint_url=platform.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document))


def test_the_whole_way_of_a_message(old_sqs: Any) -> None:
    assert old_sqs.meta.service_model.metadata["protocol"] == "query"
    url = old_sqs.create_queue(QueueName="old-way", Attributes={"VisibilityTimeout": "7"}, tags={"a": "b"})["QueueUrl"]
    assert old_sqs.list_queues(QueueNamePrefix="old-way")["QueueUrls"] == [url]
    assert old_sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "b"}
    shown = old_sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert shown == {"VisibilityTimeout": "7"}
    attributes = {
        "text": {"DataType": "String", "StringValue": "a & <b>"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sent = old_sqs.send_message(QueueUrl=url, MessageBody="<&> ü\n", MessageAttributes=attributes)
    [got] = old_sqs.receive_message(QueueUrl=url, AttributeNames=["All"], MessageAttributeNames=["All"])["Messages"]
    assert (got["Body"], got["MessageAttributes"]) == ("<&> ü\n", attributes)
    assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert got["Attributes"]["ApproximateReceiveCount"] == "1"
    old_sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=60)
    old_sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])


def test_batches_and_errors(old_sqs: Any) -> None:
    url = old_sqs.create_queue(QueueName="old-batches")["QueueUrl"]
    sent = old_sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2", "DelaySeconds": 901}]
    )
    assert [one["Id"] for one in sent["Successful"]] == ["a"]
    assert [(one["Id"], one["Code"]) for one in sent["Failed"]] == [("b", "InvalidParameterValue")]
    got = old_sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert bodies(got) == ["1"]
    deleted = old_sqs.delete_message_batch(
        QueueUrl=url, Entries=[{"Id": "x", "ReceiptHandle": got[0]["ReceiptHandle"]}]
    )
    assert deleted["Successful"] == [{"Id": "x"}]
    with pytest.raises(ClientError) as caught:
        old_sqs.send_message(QueueUrl=f"{url}-not", MessageBody="x")
    assert caught.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert caught.value.response["Error"]["Message"] == "The specified queue does not exist for this wsdl version."
    with pytest.raises(ClientError) as caught:
        old_sqs.create_queue(QueueName="old-batches", Attributes={"DelaySeconds": "1"})
    assert code_of(caught.value) == "QueueAlreadyExists"


Get = Callable[..., tuple[int, str]]


@pytest.fixture
def public_queue(sqs: Any, make_queue: MakeQueue) -> str:
    url = make_queue()
    allowed = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"],
        "Resource": "*",
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [allowed]})})
    return url


def fetch(url: str, form: dict[str, str] | None = None) -> tuple[int, str]:
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        with urllib.request.urlopen(url, data, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_as_curl_does_it(public_queue: str) -> None:
    status, text = fetch(f"{public_queue}?Action=SendMessage&MessageBody=by+get&Version=2012-11-05")
    assert (status, text.startswith(f"<SendMessageResponse {NAMESPACE}><SendMessageResult>")) == (200, True)
    status, text = fetch(public_queue, {"Action": "SendMessage", "MessageBody": "by post"})
    assert status == 200
    status, text = fetch(f"{public_queue}?Action=ReceiveMessage&MaxNumberOfMessages=10")
    assert status == 200
    assert "<Body>by get</Body>" in text
    assert "<Body>by post</Body>" in text
    status, text = fetch(f"{public_queue}?Action=PurgeQueue")
    assert (status, "<Code>AccessDenied</Code>" in text) == (403, True)
    status, text = fetch(f"{public_queue}?Action=Nonsense")
    assert (status, "<Code>InvalidAction</Code>" in text) == (400, True)


def test_amendments_name_shapes_that_there_are() -> None:
    raw = Loader().load_service_model("sqs", "service-2")
    assert set(query_names.QUERY_AMENDMENTS["shapes"]) <= set(raw["shapes"])
    loaded = models.load_service("sqs", raw["operations"], amendments=query_names.QUERY_AMENDMENTS)
    assert (loaded.protocol, loaded.xml_namespace) == ("query", "http://queue.amazonaws.com/doc/2012-11-05/")
