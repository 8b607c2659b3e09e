"""From Publish to the subscriber, over the whole platform: functions, HTTP endpoints, signatures, refusals."""

import base64
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from platform_process import PlatformProcess
from services.sns.conftest import ACCOUNT, CreateTopic, Inbox, Post, until
from zips import zipped

SOURCE = """
import json

def handler(event, context):
    print("EVENT " + json.dumps(event))
"""


@pytest.fixture
def function(platform: PlatformProcess, unique: str) -> Iterator[str]:
    functions = platform.client("lambda")
    made = functions.create_function(
        FunctionName=unique,
        Runtime="python3.11",
        Handler="app.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/test",
        Code={"ZipFile": zipped({"app.py": SOURCE})},
    )
    yield made["FunctionArn"]
    functions.delete_function(FunctionName=unique)


def permit(platform: PlatformProcess, function: str, topic: str) -> None:
    platform.client("lambda").add_permission(
        FunctionName=function,
        StatementId="sns",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )


def events(platform: PlatformProcess, function: str, count: int) -> list[dict[str, Any]]:
    logs, group = platform.client("logs"), f"/aws/lambda/{function.rpartition(':')[2]}"

    def seen() -> list[str]:
        try:
            found = logs.filter_log_events(logGroupName=group, filterPattern='"EVENT"')["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return found if len(found) >= count else []

    return [json.loads(one["message"].partition("EVENT ")[2]) for one in until(seen)]


def confirm(sns: Any, inbox: Inbox, topic: str, **attributes: str) -> str:
    endpoint = f"{inbox.url}/{topic.rpartition(':')[2]}"
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint, Attributes=attributes)
    request = inbox.wait(1)[0]
    inbox.posts.clear()
    arn: str = sns.confirm_subscription(TopicArn=topic, Token=request.document["Token"])["SubscriptionArn"]
    return arn


def test_a_function_gets_the_event(platform: PlatformProcess, sns: Any, create: CreateTopic, function: str) -> None:
    topic = create()
    permit(platform, function, topic)
    arn = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)["SubscriptionArn"]
    attributes = {"colour": {"DataType": "String", "StringValue": "blue"}}
    message_id = sns.publish(TopicArn=topic, Message="hello", Subject="s", MessageAttributes=attributes)["MessageId"]
    [event] = events(platform, function, 1)
    [record] = event["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", arn)
    sent = record["Sns"]
    assert (sent["MessageId"], sent["Message"], sent["Subject"]) == (message_id, "hello", "s")
    assert sent["MessageAttributes"] == {"colour": {"Type": "String", "Value": "blue"}}


def test_a_function_whose_policy_does_not_let_us_shows_why(
    platform: PlatformProcess, sns: Any, create: CreateTopic, function: str
) -> None:
    topic = create()
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.publish(TopicArn=topic, Message="hello")

    def refused() -> list[dict[str, Any]]:
        client = platform.client("lambda")
        request = urllib.request.Request(f"{platform.url}/_lambent/events", headers=signed(client, platform.url))
        with urllib.request.urlopen(request, timeout=10) as response:
            happened = json.loads(response.read())["events"]
        return [one for one in happened if one["functionArn"] == function]

    [shown] = until(refused)
    assert (shown["outcome"], shown["source"]) == ("discarded", f"sns:{topic.rpartition(':')[2]}")
    assert shown["detail"].startswith("AccessDeniedException: The policy of")


def signed(client: Any, url: str) -> dict[str, str]:
    """Headers of a GET of our page about events."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    request = AWSRequest("GET", f"{url}/_lambent/events")
    SigV4Auth(client._request_signer._credentials, "lambda", "us-east-1").add_auth(request)
    return dict(request.headers)


@pytest.mark.parametrize("version", ["1", "2"])
def test_signatures_can_be_verified(sns: Any, create: CreateTopic, inbox: Inbox, version: str) -> None:
    topic = create(SignatureVersion=version)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=inbox.url)
    request = inbox.wait(1)[0].document
    verify(request, ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"))
    sns.confirm_subscription(TopicArn=topic, Token=request["Token"])
    sns.publish(TopicArn=topic, Message="h\u00e9llo\nworld", Subject="s")
    notification = inbox.wait(2)[1].document
    assert notification["SignatureVersion"] == version
    verify(notification, ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"))


def verify(document: dict[str, str], members: tuple[str, ...]) -> None:
    """As the developer guide says: the certificate from its URL, names and values each on a line."""
    with urllib.request.urlopen(document["SigningCertURL"], timeout=10) as response:
        key = x509.load_pem_x509_certificate(response.read()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    text = "".join(f"{name}\n{document[name]}\n" for name in members)
    algorithm = hashes.SHA1() if document["SignatureVersion"] == "1" else hashes.SHA256()
    key.verify(base64.b64decode(document["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)


def test_each_protocol_its_text(
    platform: PlatformProcess, sns: Any, create: CreateTopic, function: str, inbox: Inbox
) -> None:
    topic = create()
    permit(platform, function, topic)
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    confirm(sns, inbox, topic)
    texts = json.dumps({"default": "for all", "http": "for endpoints"})
    sns.publish(TopicArn=topic, Message=texts, MessageStructure="json")
    assert inbox.wait(1)[0].document["Message"] == "for endpoints"
    assert events(platform, function, 1)[0]["Records"][0]["Sns"]["Message"] == "for all"


def test_raw_is_the_message_and_nothing_else(sns: Any, create: CreateTopic, inbox: Inbox) -> None:
    topic = create()
    policy = json.dumps({"requestPolicy": {"headerContentType": "application/json"}})
    arn = confirm(sns, inbox, topic, RawMessageDelivery="true", DeliveryPolicy=policy)
    sns.publish(TopicArn=topic, Message='{"a": 1}')
    [post] = inbox.wait(1)
    assert post.body == b'{"a": 1}'
    headers = ("x-amz-sns-rawdelivery", "x-amz-sns-subscription-arn", "content-type")
    assert [post.headers[name] for name in headers] == ["true", arn, "application/json"]


def test_filters(sns: Any, create: CreateTopic, inbox: Inbox) -> None:
    topic = create()
    confirm(sns, inbox, topic, FilterPolicy='{"kind": ["order"]}', RawMessageDelivery="true")

    def publish(message: str, kind: str) -> None:
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=topic, Message=message, MessageAttributes=attributes)

    publish("first", "order")
    publish("second", "refund")
    sns.publish(TopicArn=topic, Message="third")
    publish("last", "order")
    assert {post.body for post in inbox.wait(2)} == {b"first", b"last"}


RETRIES = json.dumps(
    {"healthyRetryPolicy": {"minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 2, "numNoDelayRetries": 2}}
)


def test_what_may_pass_is_tried_again(sns: Any, create: CreateTopic, inbox: Inbox) -> None:
    topic = create()
    confirm(sns, inbox, topic, DeliveryPolicy=RETRIES)
    inbox.statuses = [503, 429]
    message_id = sns.publish(TopicArn=topic, Message="m")["MessageId"]
    posts: list[Post] = inbox.wait(3)
    assert {post.headers["x-amz-sns-message-id"] for post in posts} == {message_id}


@pytest.mark.parametrize("status", [301, 404])
def test_what_will_not_pass_is_not(sns: Any, create: CreateTopic, inbox: Inbox, status: int) -> None:
    topic = create()
    confirm(sns, inbox, topic, DeliveryPolicy=RETRIES, RawMessageDelivery="true")
    inbox.statuses, inbox.headers = [status], {"location": f"{inbox.url}/elsewhere"}
    sns.publish(TopicArn=topic, Message="first")
    inbox.wait(1)
    sns.publish(TopicArn=topic, Message="second")
    assert [post.body for post in inbox.wait(2)] == [b"first", b"second"]


def test_credentials_in_the_url_are_sent_as_a_header(sns: Any, create: CreateTopic, inbox: Inbox) -> None:
    endpoint = inbox.url.replace("http://", "http://user:secret@") + "/path?a=b"
    sns.subscribe(TopicArn=create(), Protocol="http", Endpoint=endpoint)
    [post] = inbox.wait(1)
    assert post.path == "/path?a=b"
    assert post.headers["authorization"] == "Basic " + base64.b64encode(b"user:secret").decode()
