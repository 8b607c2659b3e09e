"""Conservation on real processes: what went in was handled or lies in a failure destination, and nothing else exists.

Every source is fed while the platform is killed and started again. What a record's function does is decided by the
record: it handles it, raises, runs out of time, or takes its environment down. Afterwards nothing is due any more, and
for each source the records that went in are those that were handled and those that were given up, with none missing.
LAMBENT_CRASH_ROUNDS sets how often the platform is killed.
"""

import base64
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import killing
from platform_process import PlatformProcess

ROUNDS = killing.rounds(2)
PATIENCE_SECONDS = 120.0
HERE = "us-east-1:000000000000"

#: A record's number decides its fate: one in seven raises, one in eleven is too slow, one in thirteen kills.
HANDLER = """
import base64, json, os, time, urllib.parse
import boto3

table = boto3.client("dynamodb")

def names(event):
    for record in event["Records"]:
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
]


def deploy(platform: PlatformProcess) -> None:
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
        killing.create_function(platform, source.name, HANDLER, Timeout=1, MemorySize=512)
        functions.put_function_event_invoke_config(
            FunctionName=source.name,
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": given_up}},
        )
    connect(platform, items_stream)


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


class Found:
    """What was handled, and what lies in the failure destinations; looked up over and over."""

    def __init__(self, platform: PlatformProcess) -> None:
        self._platform = platform
        self._s3, self._queues = platform.client("s3"), platform.client("sqs")
        self._queue = self._queues.get_queue_url(QueueName="given-up")["QueueUrl"]
        self._seen_keys: set[str] = set()
        self.given_up: set[str] = set()

    def handled(self) -> set[str]:
        return killing.ids_in(self._platform, "handled")

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
    return set(_names_in(document.get("requestPayload") or document["payload"]))


def _names_in(event: dict[str, Any]) -> Iterator[str]:
    for record in event["Records"]:
        if "s3" in record:
            yield record["s3"]["object"]["key"]
        elif "dynamodb" in record:
            yield record["dynamodb"]["Keys"]["id"]["S"]
        elif "kinesis" in record:
            yield base64.b64decode(record["kinesis"]["data"]).decode()
        else:
            yield record["Sns"]["Message"]


def is_doomed(name: str) -> bool:
    number = int(name.rpartition("-")[2])
    return number % 7 == 3 or number % 11 == 5 or number % 13 == 7


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_RETRY_DELAYS_SECONDS", "0.2,0.2")
    numbers = itertools.count(1)
    with PlatformProcess.started(tmp_path) as platform:
        deploy(platform)
    works = [partial(feed_until_killed, source, numbers) for source in SOURCES]
    for _ in range(ROUNDS):
        killing.kill_amid(tmp_path, works, (1.0, 2.0))
    with PlatformProcess.started(tmp_path) as platform:
        _settle(Found(platform))


def _settle(found: Found) -> None:
    acknowledged = set().union(*(source.acknowledged for source in SOURCES))
    assert all(source.acknowledged for source in SOURCES)

    def missing() -> set[str]:
        found.look()
        return acknowledged - found.handled() - found.given_up

    killing.wait_until_complete(missing, "records are nowhere", PATIENCE_SECONDS, pause=0.5)
    handled = found.handled()
    assert not [name for name in handled if is_doomed(name)], "handled although its function failed"
    lost = {name for name in acknowledged if is_doomed(name)} - found.given_up
    assert not lost, f"given up without a trace: {sorted(lost)[:10]}"
