"""From Publish to a queue: envelopes and raw messages, FIFO to FIFO, policies, dead letters, traces."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from platform_process import PlatformProcess
from services.sns.conftest import ACCOUNT, CreateTopic, until

FIFO = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}


@pytest.fixture(scope="module")
def sqs(platform: PlatformProcess) -> Any:
    return platform.client("sqs")


class Queue:
    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self.url = url
        self.arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def let(self, topic: str) -> None:
        """Let the topic send here."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})

    def receive(self, count: int) -> list[dict[str, Any]]:
        """So many, deleted as they come, so that a FIFO group goes on."""
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            result = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=1,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            for message in result.get("Messages", []):
                found.append(message)
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            return len(found) >= count

        until(enough)
        return found

    def is_empty(self) -> bool:
        return "Messages" not in self._sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=0)


CreateQueue = Callable[[str], Queue]


@pytest.fixture
def queue(sqs: Any, unique: str) -> Iterator[CreateQueue]:
    made: list[Queue] = []

    def create_queue(name: str) -> Queue:
        attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        made.append(Queue(sqs, sqs.create_queue(QueueName=f"{unique}-{name}", Attributes=attributes)["QueueUrl"]))
        return made[-1]

    yield create_queue
    for one in made:
        try:
            sqs.delete_queue(QueueUrl=one.url)
        except sqs.exceptions.QueueDoesNotExist:
            continue


def subscribe(sns: Any, topic: str, to: Queue, **attributes: str) -> str:
    to.let(topic)
    arn: str = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=to.arn, Attributes=attributes)["SubscriptionArn"]
    return arn


def redrive(to: Queue, topic: str) -> str:
    to.let(topic)
    return json.dumps({"deadLetterTargetArn": to.arn})


ATTRIBUTES = {
    "number": {"DataType": "Number", "StringValue": "99.12"},
    "bytes": {"DataType": "Binary", "BinaryValue": b"\x02\x03\x04"},
    "list": {"DataType": "String.Array", "StringValue": '["a", "b"]'},
}


def test_an_envelope(sns: Any, create: CreateTopic, queue: CreateQueue) -> None:
    topic, to = create(), queue("q")
    arn = subscribe(sns, topic, to)
    message_id = sns.publish(TopicArn=topic, Message="hello", MessageAttributes=ATTRIBUTES)["MessageId"]
    [message] = to.receive(1)
    document = json.loads(message["Body"])
    assert (document["Type"], document["MessageId"], document["Message"]) == ("Notification", message_id, "hello")
    assert document["MessageAttributes"]["bytes"] == {"Type": "Binary", "Value": "AgME"}
    assert document["UnsubscribeURL"].endswith(f"SubscriptionArn={arn}")
    assert document["Signature"]
    assert "MessageAttributes" not in message


def test_raw(sns: Any, create: CreateTopic, queue: CreateQueue) -> None:
    """boto3 verifies the digests of body and attributes."""
    topic, to = create(), queue("q")
    subscribe(sns, topic, to, RawMessageDelivery="true")
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes=ATTRIBUTES)
    [message] = to.receive(1)
    assert message["Body"] == "hello"
    assert message["MessageAttributes"] == ATTRIBUTES


def test_the_largest_message_of_all_comes_in_its_envelope(sns: Any, create: CreateTopic, queue: CreateQueue) -> None:
    topic, to = create(MaximumMessageSize="1048576"), queue("q")
    subscribe(sns, topic, to)
    sns.publish(TopicArn=topic, Message='"' * 1_048_576)
    [message] = to.receive(1)
    assert json.loads(message["Body"])["Message"] == '"' * 1_048_576


def test_the_trace_stands_where_sqs_has_it(platform: PlatformProcess, create: CreateTopic, queue: CreateQueue) -> None:
    trace, sns = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", platform.client("sns")
    topic, to = create(), queue("q")
    subscribe(sns, topic, to)

    def add(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = trace

    sns.meta.events.register("before-sign.sns.Publish", add)
    sns.publish(TopicArn=topic, Message="m")
    assert to.receive(1)[0]["Attributes"]["AWSTraceHeader"] == trace


def test_fifo_to_fifo(sns: Any, create: CreateTopic, queue: CreateQueue) -> None:
    topic, to = create(**FIFO), queue("q.fifo")
    subscribe(sns, topic, to, RawMessageDelivery="true")
    published = [(f"group-{number % 3}", f"message {number}") for number in range(12)]
    for group, text in published:
        sns.publish(TopicArn=topic, Message=text, MessageGroupId=group)
        sns.publish(TopicArn=topic, Message=text, MessageGroupId=group)
    received = to.receive(12)
    for group in {group for group, _ in published}:
        in_order = [one["Body"] for one in received if one["Attributes"]["MessageGroupId"] == group]
        assert in_order == [text for of, text in published if of == group]
    ids = {one["Body"]: one["Attributes"]["MessageDeduplicationId"] for one in received}
    assert ids["message 0"] == hashlib.sha256(b"message 0").hexdigest()
    assert to.is_empty()


def test_fifo_envelopes_have_a_number_and_no_signature(sns: Any, create: CreateTopic, queue: CreateQueue) -> None:
    topic, fifo, plain = create(**FIFO), queue("q.fifo"), queue("q")
    for to in (fifo, plain):
        subscribe(sns, topic, to)
    number = sns.publish(TopicArn=topic, Message="m", MessageGroupId="g")["SequenceNumber"]
    for to in (fifo, plain):
        [message] = to.receive(1)
        document = json.loads(message["Body"])
        assert document["SequenceNumber"] == number
        assert "Signature" not in document
        assert ("MessageGroupId" in message["Attributes"]) is (to is fifo)


def test_filters_on_bodies(sns: Any, create: CreateTopic, queue: CreateQueue) -> None:
    topic, to = create(), queue("q")
    policy = '{"order": {"total": [{"numeric": [">", 100]}]}}'
    subscribe(sns, topic, to, FilterPolicyScope="MessageBody", FilterPolicy=policy, RawMessageDelivery="true")
    for text in ('{"order": {"total": 99}}', '{"order": {"total": 101}}', "no json"):
        sns.publish(TopicArn=topic, Message=text)
    assert [one["Body"] for one in to.receive(1)] == ['{"order": {"total": 101}}']
    assert to.is_empty()


@pytest.mark.parametrize("raw", ["true", "false"])
def test_a_queue_that_is_gone(sns: Any, sqs: Any, create: CreateTopic, queue: CreateQueue, raw: str) -> None:
    topic, gone, dead = create(), queue("gone"), queue("dead")
    subscribe(sns, topic, gone, RawMessageDelivery=raw, RedrivePolicy=redrive(dead, topic))
    sqs.delete_queue(QueueUrl=gone.url)
    sns.publish(TopicArn=topic, Message="m", MessageAttributes=ATTRIBUTES)
    [message] = dead.receive(1)
    if raw == "true":
        assert (message["Body"], message["MessageAttributes"]) == ("m", ATTRIBUTES)
    else:
        assert json.loads(message["Body"])["Message"] == "m"


def test_a_queue_whose_policy_does_not_let_us(sns: Any, create: CreateTopic, queue: CreateQueue) -> None:
    topic, closed, dead = create(), queue("closed"), queue("dead")
    policy = redrive(dead, topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=closed.arn, Attributes={"RedrivePolicy": policy})
    sns.publish(TopicArn=topic, Message="m")
    assert json.loads(dead.receive(1)[0]["Body"])["Message"] == "m"
    assert closed.is_empty()


def test_a_fifo_dead_letter_keeps_its_group(sns: Any, sqs: Any, create: CreateTopic, queue: CreateQueue) -> None:
    topic, gone, dead = create(**FIFO), queue("gone.fifo"), queue("dead.fifo")
    subscribe(sns, topic, gone, RedrivePolicy=redrive(dead, topic))
    sqs.delete_queue(QueueUrl=gone.url)
    sns.publish(TopicArn=topic, Message="m", MessageGroupId="g", MessageDeduplicationId="d")
    [message] = dead.receive(1)
    kept = [message["Attributes"][name] for name in ("MessageGroupId", "MessageDeduplicationId")]
    assert kept == ["g", "d"]


def test_what_a_function_may_not_get_is_a_dead_letter_as_queues_have_it(
    sns: Any, create: CreateTopic, queue: CreateQueue
) -> None:
    topic, dead = create(), queue("dead")
    nobody = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:nobody"
    attributes = {"RedrivePolicy": redrive(dead, topic)}
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=nobody, Attributes=attributes)
    sns.publish(TopicArn=topic, Message="m")
    document = json.loads(dead.receive(1)[0]["Body"])
    assert (document["Type"], document["Message"]) == ("Notification", "m")
