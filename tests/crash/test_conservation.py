"""Conservation on real processes: what went in was handled or lies in a failure destination, and nothing else exists.

Every source is fed while the platform is killed and started again. What a record's function does is decided by the
record: it handles it, raises, runs out of time, or takes its environment down. Afterwards nothing is due any more, and
for each source the records that went in are those that were handled and those that were given up, with none missing.
LAMBENT_CRASH_ROUNDS sets how often the platform is killed.
"""

import base64
import itertools
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from platform_process import PlatformProcess
from zips import zipped

ROUNDS = int(os.environ.get("LAMBENT_CRASH_ROUNDS", "2"))
PATIENCE_SECONDS = 120.0
HERE = "us-east-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/conserve"

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

NO_RETRIES = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)

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
    tables, queues, functions = (platform.client(name) for name in ("dynamodb", "sqs", "lambda"))
    for name in ("handled", "items"):
        tables.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
    for bucket in ("objects", "given-up"):
        platform.client("s3").create_bucket(Bucket=bucket)
    platform.client("kinesis").create_stream(StreamName="records", ShardCount=2)
    platform.client("sns").create_topic(Name="notices")
    queues.create_queue(QueueName="given-up")
    given_up = f"arn:aws:sqs:{HERE}:given-up"
    redrive = json.dumps({"deadLetterTargetArn": given_up, "maxReceiveCount": 2})
    queues.create_queue(QueueName="messages", Attributes={"VisibilityTimeout": "3", "RedrivePolicy": redrive})
    for source in SOURCES:
        create(functions, source.name)
        functions.put_function_event_invoke_config(
            FunctionName=source.name,
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": given_up}},
        )
    connect(platform, tables.describe_table(TableName="items")["Table"]["LatestStreamArn"])


def create(functions: Any, name: str) -> None:
    functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Timeout=1,
        MemorySize=512,
        Code={"ZipFile": zipped({"app.py": HANDLER})},
    )


def connect(platform: PlatformProcess, items_stream: str) -> None:
    functions = platform.client("lambda")
    for name, service, arn in (
        ("objects", "s3", "arn:aws:s3:::objects"),
        ("notices", "sns", f"arn:aws:sns:{HERE}:notices"),
    ):
        functions.add_permission(
            FunctionName=name,
            StatementId="source",
            Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
            SourceArn=arn,
        )
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


def feed_until_killed(platform: PlatformProcess, source: Source, numbers: Iterator[int]) -> None:
    """What got no answer may be there or not: its number is not used again."""
    client = platform.client(source.service, config=NO_RETRIES)
    while platform.process.poll() is None:
        name = f"{source.name}-{next(numbers)}"
        try:
            source.feed(client, name)
        except (BotoCoreError, ClientError):
            return
        source.acknowledged.add(name)
        time.sleep(0.02)


class Found:
    """What was handled, and what lies in the failure destinations; looked up over and over."""

    def __init__(self, platform: PlatformProcess) -> None:
        self._tables, self._s3, self._queues = (platform.client(name) for name in ("dynamodb", "s3", "sqs"))
        self._queue = self._queues.get_queue_url(QueueName="given-up")["QueueUrl"]
        self._seen_keys: set[str] = set()
        self.given_up: set[str] = set()

    def handled(self) -> set[str]:
        pages = self._tables.get_paginator("scan").paginate(TableName="handled")
        return {item["id"]["S"] for page in pages for item in page["Items"]}

    def look(self) -> None:
        while received := self._queues.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                self.given_up |= _named(message["Body"])
                self._queues.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket="given-up")
        keys = {one["Key"] for page in pages for one in page.get("Contents", [])}
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
    for _ in range(ROUNDS):
        with PlatformProcess.started(tmp_path) as platform:
            feeders = [
                threading.Thread(target=feed_until_killed, args=(platform, source, numbers)) for source in SOURCES
            ]
            for feeder in feeders:
                feeder.start()
            time.sleep(random.uniform(1.0, 2.0))
            platform.kill()
            for feeder in feeders:
                feeder.join()
    with PlatformProcess.started(tmp_path) as platform:
        _settle(Found(platform))


def _settle(found: Found) -> None:
    acknowledged = set().union(*(source.acknowledged for source in SOURCES))
    assert all(source.acknowledged for source in SOURCES)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found.look()
        missing = acknowledged - found.handled() - found.given_up
        if not missing:
            break
        assert time.monotonic() < deadline, f"{len(missing)} records are nowhere: {sorted(missing)[:10]}"
        time.sleep(0.5)
    handled = found.handled()
    assert not [name for name in handled if is_doomed(name)], "handled although its function failed"
    lost = {name for name in acknowledged if is_doomed(name)} - found.given_up
    assert not lost, f"given up without a trace: {sorted(lost)[:10]}"
