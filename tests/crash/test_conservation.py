"""Conservation on real processes: what went in was handled or lies in a failure destination, and nothing else exists.

Every source is fed while the platform is killed and started again. What a record's function does is decided by the
record: it handles it, raises, runs out of time, or takes its environment down; and a URL answers, or it does not.
Events are archived meanwhile, and replayed. Afterwards nothing is due any more, and for each source the records that
went in are those that were handled and those that were given up, with none missing; a replay brought each event once.
LAMBENT_CRASH_ROUNDS sets how often the platform is killed.
"""

import base64
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

import killing
import posts
from platform_process import PlatformProcess

ROUNDS = killing.rounds(2)
PATIENCE_SECONDS = 120.0
HERE = "us-east-1:000000000000"
BUS = f"arn:aws:events:{HERE}:event-bus/default"

#: A record's number decides its fate: one in seven raises, one in eleven is too slow, one in thirteen kills.
HANDLER = """
import base64, json, os, time, urllib.parse
import boto3

table = boto3.client("dynamodb")

def names(event):
    if "detail" in event:
        yield event["detail"]["name"]
    for record in event.get("Records", ()):
        if "s3" in record:
            yield urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        elif "dynamodb" in record:
            yield record["dynamodb"]["Keys"]["id"]["S"]
        elif "kinesis" in record:
            yield base64.b64decode(record["kinesis"]["data"]).decode()
        elif "Sns" in record:
            yield record["Sns"]["Message"]
        else:
            yield record["body"]

def handler(event, context):
    for name in names(event):
        number = int(name.rpartition("-")[2])
        if number % 7 == 3:
            raise ValueError(name)
        if number % 11 == 5:
            time.sleep(60)
        if number % 13 == 7:
            os._exit(1)
        table.put_item(TableName="handled", Item={"id": {"S": name}})
"""

Feed = Callable[[Any, str], Any]
"""(client of the source's service, the record's name)."""


@dataclass
class Source:
    name: str
    service: str
    feed: Feed
    acknowledged: set[str] = field(default_factory=set)


SOURCES = [
    Source("objects", "s3", lambda client, name: client.put_object(Bucket="objects", Key=name, Body=b"")),
    Source("items", "dynamodb", lambda client, name: client.put_item(TableName="items", Item={"id": {"S": name}})),
    Source(
        "records",
        "kinesis",
        lambda client, name: client.put_record(StreamName="records", PartitionKey=name, Data=name.encode()),
    ),
    Source(
        "messages",
        "sqs",
        lambda client, name: client.send_message(
            QueueUrl=client.get_queue_url(QueueName="messages")["QueueUrl"], MessageBody=name
        ),
    ),
    Source("notices", "sns", lambda client, name: client.publish(TopicArn=f"arn:aws:sns:{HERE}:notices", Message=name)),
    Source("posts", "sns", lambda client, name: client.publish(TopicArn=f"arn:aws:sns:{HERE}:posts", Message=name)),
    Source(
        "events",
        "events",
        lambda client, name: client.put_events(
            Entries=[{"Source": "conserve", "DetailType": "record", "Detail": json.dumps({"name": name})}]
        ),
    ),
]
EVENTS = SOURCES[-1]


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Endpoint:
    """Lives as long as the test, whatever happens to the platform."""

    def __init__(self) -> None:
        self.url = ""
        self.tokens: list[str] = []
        self.taken: set[str] = set()

    def answer(self, document: dict[str, str]) -> bytes:
        if "Token" in document:
            self.tokens.append(document["Token"])
            return OK
        number = int(document["Message"].rpartition("-")[2])
        if number % 7 == 3:
            return b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
        if number % 11 == 5:
            return b""
        if number % 13 == 7:
            return b"\x00 no HTTP\r\n\r\n"
        self.taken.add(document["Message"])
        return OK


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    found = Endpoint()

    def answer(post: BaseHTTPRequestHandler, body: bytes) -> None:
        post.wfile.write(found.answer(json.loads(body)))

    with posts.listening(answer) as found.url:
        yield found


def deploy(platform: PlatformProcess, endpoint: Endpoint) -> None:
    queues, functions = platform.client("sqs"), platform.client("lambda")
    killing.create_table(platform, "handled")
    items_stream = killing.create_table(platform, "items", view="KEYS_ONLY")
    for bucket in ("objects", "given-up"):
        platform.client("s3").create_bucket(Bucket=bucket)
    platform.client("kinesis").create_stream(StreamName="records", ShardCount=2)
    platform.client("sns").create_topic(Name="notices")
    queues.create_queue(QueueName="given-up")
    given_up = f"arn:aws:sqs:{HERE}:given-up"
    redrive = json.dumps({"deadLetterTargetArn": given_up, "maxReceiveCount": 2})
    queues.create_queue(QueueName="messages", Attributes={"VisibilityTimeout": "3", "RedrivePolicy": redrive})
    for source in SOURCES:
        if source.name == "posts":
            continue
        killing.create_function(platform, source.name, HANDLER, Timeout=1, MemorySize=512)
        functions.put_function_event_invoke_config(
            FunctionName=source.name,
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": given_up}},
        )
    connect(platform, items_stream)
    connect_url(platform, endpoint)
    connect_bus(platform)


def connect_url(platform: PlatformProcess, endpoint: Endpoint) -> None:
    topics, topic = platform.client("sns"), f"arn:aws:sns:{HERE}:posts"
    topics.create_topic(Name="posts")
    allow_to_send(platform, "given-up", "sns")
    policy = {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 2, "numNoDelayRetries": 1}
    attributes = {
        "DeliveryPolicy": json.dumps({"healthyRetryPolicy": policy}),
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:{HERE}:given-up"}),
    }
    topics.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url, Attributes=attributes)
    killing.wait_until_complete(lambda: () if endpoint.tokens else (topic,), "topics have not asked for confirmation")
    topics.confirm_subscription(TopicArn=topic, Token=endpoint.tokens[0])


def connect_bus(platform: PlatformProcess) -> None:
    """Events go to a function, and those that are replayed to a queue."""
    events = platform.client("events")
    killing.permit(platform, "events", "events")
    platform.client("sqs").create_queue(QueueName="replayed")
    allow_to_send(platform, "replayed", "events")
    for rule, exists, target in (
        ("events", False, function_arn("events")),
        ("replayed", True, f"arn:aws:sqs:{HERE}:replayed"),
    ):
        pattern = {"source": ["conserve"], "replay-name": [{"exists": exists}]}
        events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": target}])
    pattern = {"source": ["conserve"]}
    events.create_archive(ArchiveName="kept", EventSourceArn=BUS, EventPattern=json.dumps(pattern))


def allow_to_send(platform: PlatformProcess, queue: str, service: str) -> None:
    queues = platform.client("sqs")
    principal = {"Service": f"{service}.amazonaws.com"}
    allowed = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    url = queues.get_queue_url(QueueName=queue)["QueueUrl"]
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def connect(platform: PlatformProcess, items_stream: str) -> None:
    functions = platform.client("lambda")
    killing.permit(platform, "objects", "s3", SourceArn="arn:aws:s3:::objects")
    killing.permit(platform, "notices", "sns", SourceArn=f"arn:aws:sns:{HERE}:notices")
    notified = {"LambdaFunctionArn": function_arn("objects"), "Events": ["s3:ObjectCreated:*"]}
    platform.client("s3").put_bucket_notification_configuration(
        Bucket="objects", NotificationConfiguration={"LambdaFunctionConfigurations": [notified]}
    )
    platform.client("sns").subscribe(
        TopicArn=f"arn:aws:sns:{HERE}:notices", Protocol="lambda", Endpoint=function_arn("notices")
    )
    for name, arn in (("items", items_stream), ("records", f"arn:aws:kinesis:{HERE}:stream/records")):
        functions.create_event_source_mapping(
            EventSourceArn=arn,
            FunctionName=name,
            StartingPosition="TRIM_HORIZON",
            BatchSize=20,
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=1,
            ParallelizationFactor=4,
            DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::given-up"}},
        )
    functions.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{HERE}:messages", FunctionName="messages", BatchSize=1
    )


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{HERE}:function:{name}"


def feed_until_killed(source: Source, numbers: Iterator[int], platform: PlatformProcess) -> None:
    """What got no answer may be there or not: its number is not used again."""
    client = killing.client_without_retries(platform, source.service)
    while platform.process.poll() is None:
        name = f"{source.name}-{next(numbers)}"
        try:
            source.feed(client, name)
        except killing.NO_ANSWER:
            return
        source.acknowledged.add(name)
        time.sleep(0.02)


@dataclass
class Replays:
    """What was to be replayed, by the names of the replays that were begun."""

    begun: dict[str, set[str]] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    """Without an answer: perhaps there is none of that name."""

    def begin_until_killed(self, platform: PlatformProcess) -> None:
        """One after the other, each of all that the archive has from earlier lives, so that some are under way."""
        client = killing.client_without_retries(platform, "events")
        names = set(EVENTS.acknowledged)
        try:
            while client.describe_archive(ArchiveName="kept")["EventCount"] < len(names):
                time.sleep(0.01)
            while platform.process.poll() is None:
                self._begin(client, names)
                time.sleep(0.3)
        except killing.NO_ANSWER:
            return

    def _begin(self, client: Any, names: set[str]) -> None:
        name = f"replay-{len(self.begun) + len(self.unsure)}"
        self.unsure.add(name)
        client.start_replay(
            ReplayName=name,
            EventSourceArn=f"arn:aws:events:{HERE}:archive/kept",
            EventStartTime=0,
            EventEndTime=time.time() + 60,
            Destination={"Arn": BUS, "FilterArns": [f"arn:aws:events:{HERE}:rule/replayed"]},
        )
        self.unsure.discard(name)
        self.begun[name] = names

    def have_begun(self) -> bool:
        return bool(self.begun)

    def check(self, platform: PlatformProcess) -> None:
        """Each event once for each replay."""
        owed = {(replay, name) for replay, names in self.begun.items() for name in names}
        came: Counter[tuple[str, str]] = Counter()

        def missing() -> set[tuple[str, str]]:
            came.update(_replayed(platform))
            return owed - came.keys()

        killing.wait_until_complete(missing, "replayed events are nowhere", PATIENCE_SECONDS)
        assert set(came.values()) == {1}, f"replayed twice: {[one for one, count in came.items() if count > 1][:10]}"


def _replayed(platform: PlatformProcess) -> Iterator[tuple[str, str]]:
    """(replay, record) of all that is in the queue, which is empty then."""
    queues = platform.client("sqs")
    url = queues.get_queue_url(QueueName="replayed")["QueueUrl"]
    while received := queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in received:
            event = json.loads(message["Body"])
            yield event["replay-name"], event["detail"]["name"]
        handles = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(received)]
        queues.delete_message_batch(QueueUrl=url, Entries=handles)


class Found:
    """What was handled, and what lies in the failure destinations; looked up over and over."""

    def __init__(self, platform: PlatformProcess, endpoint: Endpoint) -> None:
        self._platform = platform
        self._endpoint = endpoint
        self._s3, self._queues = platform.client("s3"), platform.client("sqs")
        self._queue = self._queues.get_queue_url(QueueName="given-up")["QueueUrl"]
        self._seen_keys: set[str] = set()
        self.given_up: set[str] = set()

    def handled(self) -> set[str]:
        return killing.ids_in(self._platform, "handled") | self._endpoint.taken

    def look(self) -> None:
        while received := self._queues.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                self.given_up |= _named(message["Body"])
                self._queues.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        keys = killing.keys_in(self._platform, "given-up")
        for key in keys - self._seen_keys:
            self.given_up |= _named(self._s3.get_object(Bucket="given-up", Key=key)["Body"].read().decode())
        self._seen_keys = keys


def _named(body: str) -> set[str]:
    """The records that a dead letter, an invocation record or a discarded batch is about."""
    try:
        document = json.loads(body)
    except json.JSONDecodeError:
        return {body}
    if "Message" in document:
        return {document["Message"]}
    return set(_names_in(document.get("requestPayload") or document["payload"]))


def _names_in(event: dict[str, Any]) -> Iterator[str]:
    if "detail" in event:
        yield event["detail"]["name"]
    for record in event.get("Records", ()):
        if "s3" in record:
            yield record["s3"]["object"]["key"]
        elif "dynamodb" in record:
            yield record["dynamodb"]["Keys"]["id"]["S"]
        elif "kinesis" in record:
            yield base64.b64decode(record["kinesis"]["data"]).decode()
        else:
            yield record["Sns"]["Message"]


def all_have_begun() -> bool:
    return all(source.acknowledged for source in SOURCES)


def is_doomed(name: str) -> bool:
    number = int(name.rpartition("-")[2])
    return number % 7 == 3 or number % 11 == 5 or number % 13 == 7


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint
) -> None:
    monkeypatch.setenv("LAMBENT_RETRY_DELAYS_SECONDS", "0.2,0.2")
    numbers = itertools.count(1)
    with PlatformProcess.started(tmp_path) as platform:
        deploy(platform, endpoint)
    works = [partial(feed_until_killed, source, numbers) for source in SOURCES]
    replays = Replays()
    killing.kill_amid(tmp_path, works, (0.5, 1.0), all_have_begun)
    for _ in range(max(ROUNDS - 1, 1)):
        killing.kill_amid(tmp_path, [*works, replays.begin_until_killed], (0.5, 1.0), replays.have_begun)
    with PlatformProcess.started(tmp_path) as platform:
        _settle(Found(platform, endpoint))
        replays.check(platform)


def _settle(found: Found) -> None:
    acknowledged = set().union(*(source.acknowledged for source in SOURCES))
    assert all_have_begun()

    def missing() -> set[str]:
        found.look()
        return acknowledged - found.handled() - found.given_up

    killing.wait_until_complete(missing, "records are nowhere", PATIENCE_SECONDS, pause=0.5)
    handled = found.handled()
    assert not [name for name in handled if is_doomed(name)], "handled although its function failed"
    lost = {name for name in acknowledged if is_doomed(name)} - found.given_up
    assert not lost, f"given up without a trace: {sorted(lost)[:10]}"
