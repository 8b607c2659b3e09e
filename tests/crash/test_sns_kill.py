"""kill -9 while messages are published: every acknowledged one reaches every subscriber.

Publishers count up while the platform is killed and started again. A function and an HTTP endpoint are subscribed to a
standard topic: what was acknowledged must have reached both in the end, perhaps more than once. A FIFO queue is
subscribed to a FIFO topic: there, everything acknowledged must stand once, in order. LAMBENT_CRASH_ROUNDS sets how
often it is killed.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

import killing
import posts
from platform_process import PlatformProcess

ROUNDS = killing.rounds(3)
PUBLISHERS = 3

SOURCE = """
import boto3

table = boto3.client("dynamodb")

def handler(event, context):
    for record in event["Records"]:
        table.put_item(TableName="seen", Item={"id": {"S": record["Sns"]["Message"]}})
"""

FIFO_TOPIC = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}


class Endpoint:
    """Lives as long as the test, whatever happens to the platform."""

    def __init__(self) -> None:
        self.url = ""
        self.tokens: list[str] = []
        self.seen: list[str] = []


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    found = Endpoint()

    def answer(post: BaseHTTPRequestHandler, body: bytes) -> None:
        document = json.loads(body)
        (found.tokens if "Token" in document else found.seen).append(document.get("Token", document["Message"]))
        post.send_response(200)
        post.end_headers()

    with posts.listening(answer) as found.url:
        yield found


@dataclass(frozen=True)
class Deployed:
    topic: str
    fifo: str
    queue_url: str


def deploy(platform: PlatformProcess, endpoint: Endpoint) -> Deployed:
    topics = platform.client("sns")
    killing.create_table(platform, "seen")
    function = killing.create_function(platform, "follower", SOURCE)
    topic: str = topics.create_topic(Name="numbers")["TopicArn"]
    killing.permit(platform, "follower", "sns", SourceArn=topic)
    topics.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    topics.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    wait_for(lambda: bool(endpoint.tokens), "the request for confirmation never came")
    topics.confirm_subscription(TopicArn=topic, Token=endpoint.tokens[0])
    fifo: str = topics.create_topic(Name="numbers.fifo", Attributes=FIFO_TOPIC)["TopicArn"]
    return Deployed(topic, fifo, deploy_queue(platform, fifo))


def deploy_queue(platform: PlatformProcess, fifo: str) -> str:
    queues = platform.client("sqs")
    arn = "arn:aws:sqs:us-east-1:000000000000:numbers.fifo"
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]})
    url: str = queues.create_queue(QueueName="numbers.fifo", Attributes={"FifoQueue": "true", "Policy": policy})[
        "QueueUrl"
    ]
    raw = {"RawMessageDelivery": "true"}
    platform.client("sns").subscribe(TopicArn=fifo, Protocol="sqs", Endpoint=arn, Attributes=raw)
    return url


def publish_until_killed(to: Deployed, acknowledged: list[str], name: str, platform: PlatformProcess) -> None:
    """What got no answer may be delivered or not: nobody looks."""
    topics, number = killing.client_without_retries(platform, "sns"), 0
    while platform.process.poll() is None:
        number += 1
        text = f"{name}-{number}"
        try:
            topics.publish(TopicArn=to.fifo, Message=text, MessageGroupId=name)
            topics.publish(TopicArn=to.topic, Message=text)
        except killing.NO_ANSWER:
            return
        acknowledged.append(text)


def wait_for(condition: Any, complaint: str) -> None:
    deadline = time.monotonic() + killing.PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


def drained(platform: PlatformProcess, deployed: Deployed) -> dict[str, list[int]]:
    """All that is in the queue: by group, in the order it came."""
    queues, seen = platform.client("sqs"), defaultdict[str, list[int]](list)
    url = deployed.queue_url.replace(deployed.queue_url.split("/")[2], f"127.0.0.1:{platform.port}")
    while messages := queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            name, _, number = message["Body"].rpartition("-")
            seen[name].append(int(number))
        handles = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
        queues.delete_message_batch(QueueUrl=url, Entries=handles)
    return seen


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_killed_under_load_every_message_reaches_every_subscriber(tmp_path: Path, endpoint: Endpoint) -> None:
    acknowledged: list[str] = []
    with PlatformProcess.started(tmp_path) as platform:
        deployed = deploy(platform, endpoint)
    for life in range(ROUNDS):
        names = [f"{life}-{number}" for number in range(PUBLISHERS)]
        works = [partial(publish_until_killed, deployed, acknowledged, name) for name in names]
        killing.kill_amid(tmp_path, works, (0.2, 0.8), killing.all_grow([acknowledged.__len__]))
    assert acknowledged
    wanted = set(acknowledged)
    with PlatformProcess.started(tmp_path) as platform:
        wait_for(lambda: wanted <= killing.ids_in(platform, "seen"), "a message never reached the function")
        wait_for(lambda: wanted <= set(endpoint.seen), "a message never reached the endpoint")
        queued = drained(platform, deployed)
    assert wanted <= {f"{name}-{number}" for name, numbers in queued.items() for number in numbers}
    for name, numbers in queued.items():
        assert numbers == list(range(1, len(numbers) + 1)), f"{name}: not each once and in order"
