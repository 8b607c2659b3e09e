"""Targets of every kind there is, for real: what each of them receives, through boto3."""

import json
import time
from collections.abc import Callable
from typing import Any

from platform_process import PlatformProcess
from services.events.test_buses import ACCOUNT

PATIENCE_SECONDS = 30


def test_a_stream(platform: PlatformProcess, events: Any, bus: str, make_name: Callable[[str], str]) -> None:
    """The partition key comes out of the event, the record is what the transformer made. Too long a key is refused."""
    kinesis, stream = platform.client("kinesis"), make_name("events-stream")
    kinesis.create_stream(StreamName=stream, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
    events.put_rule(Name="all", EventBusName=bus, EventPattern='{"source": ["orders"]}')
    target = {
        "Id": "s",
        "Arn": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{stream}",
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r",
        "KinesisParameters": {"PartitionKeyPath": "$.detail.customer"},
        "InputTransformer": {"InputPathsMap": {"who": "$.detail.customer"}, "InputTemplate": '"<who> bought"'},
    }
    events.put_targets(Rule="all", EventBusName=bus, Targets=[target])
    entry = {"Source": "orders", "DetailType": "placed", "EventBusName": bus}
    customers = ("ann", "x" * 70_000, "bob", "ann")
    events.put_events(Entries=[{**entry, "Detail": json.dumps({"customer": name})} for name in customers])
    shards = [one["ShardId"] for one in kinesis.list_shards(StreamName=stream)["Shards"]]
    deadline = time.monotonic() + PATIENCE_SECONDS
    found: list[tuple[str, bytes]] = []
    while len(found) < 3:
        assert time.monotonic() < deadline
        found = []
        for shard in shards:
            start = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
            page = kinesis.get_records(ShardIterator=start["ShardIterator"])
            found += [(one["PartitionKey"], one["Data"]) for one in page["Records"]]
    assert sorted(found) == [("ann", b'"ann bought"'), ("ann", b'"ann bought"'), ("bob", b'"bob bought"')]
    kinesis.delete_stream(StreamName=stream)


def policy(action: str, service: str = "events", source: str = "rule/*") -> str:
    """Lets a service use a queue or a topic on behalf of this account's resources."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": action,
        "Resource": "*",
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:{service}:us-east-1:{ACCOUNT}:{source}"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


ENTRY = {"Source": "orders", "DetailType": "placed", "Detail": '{"n": 1}'}


def make_queue(platform: PlatformProcess, name: str, *, is_open: bool = True, **attributes: str) -> tuple[str, str]:
    """Its URL and its ARN."""
    given = {**attributes, **({"Policy": policy("sqs:SendMessage")} if is_open else {})}
    url: str = platform.client("sqs").create_queue(QueueName=name, Attributes=given)["QueueUrl"]
    return url, f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


def receive(platform: PlatformProcess, url: str) -> Any:
    [message] = platform.client("sqs").receive_message(
        QueueUrl=url, WaitTimeSeconds=20, AttributeNames=["All"], MessageAttributeNames=["All"]
    )["Messages"]
    return message


def send_on(events: Any, bus: str, *targets: dict[str, Any]) -> str:
    """An event that a rule sends to these targets; returns the rule's ARN."""
    arn: str = events.put_rule(Name="r", EventBusName=bus, EventPattern='{"source": ["orders"]}')["RuleArn"]
    events.put_targets(
        Rule="r", EventBusName=bus, Targets=[{"Id": str(number), **one} for number, one in enumerate(targets)]
    )
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    answer = events.put_events(Entries=[{**ENTRY, "EventBusName": bus, "TraceHeader": trace}])
    assert answer["FailedEntryCount"] == 0
    return arn


def test_queues(platform: PlatformProcess, events: Any, bus: str, make_name: Callable[[str], str]) -> None:
    plain_url, plain = make_queue(platform, make_name("plain"))
    fifo_url, fifo = make_queue(
        platform, f"{make_name('ordered')}.fifo", FifoQueue="true", ContentBasedDeduplication="true"
    )
    send_on(
        events,
        bus,
        {"Arn": plain},
        {"Arn": fifo, "InputPath": "$.detail", "SqsParameters": {"MessageGroupId": "orders"}},
    )
    message = receive(platform, plain_url)
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    assert message["Attributes"]["AWSTraceHeader"].startswith("Root=1-5759e988-bd862e3fe1be46a994272793")
    message = receive(platform, fifo_url)
    assert (message["Body"], message["Attributes"]["MessageGroupId"]) == ('{"n":1}', "orders")


def test_a_topic(platform: PlatformProcess, events: Any, bus: str, make_name: Callable[[str], str]) -> None:
    sns = platform.client("sns")
    to_topics = policy("sqs:SendMessage", "sns", "*")
    url, queue = make_queue(platform, make_name("subscribed"), is_open=False, Policy=to_topics)
    topic = sns.create_topic(Name=make_name("topic"), Attributes={"Policy": policy("sns:Publish")})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    send_on(events, bus, {"Arn": topic, "Input": '{"constant": true}'})
    assert receive(platform, url)["Body"] == '{"constant": true}'


def test_a_queue_that_does_not_let_rules_send(
    platform: PlatformProcess, events: Any, bus: str, make_name: Callable[[str], str]
) -> None:
    """The dead-letter queue tells why, and has the event as it was."""
    _, closed = make_queue(platform, make_name("closed"), is_open=False)
    dead_url, dead = make_queue(platform, make_name("dead"))
    rule = send_on(events, bus, {"Arn": closed, "InputPath": "$.id", "DeadLetterConfig": {"Arn": dead}})
    message = receive(platform, dead_url)
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    told = {name: one["StringValue"] for name, one in message["MessageAttributes"].items()}
    assert told.pop("ERROR_MESSAGE")
    assert told == {
        "RULE_ARN": rule,
        "TARGET_ARN": closed,
        "ERROR_CODE": "NO_PERMISSIONS",
        "RETRY_ATTEMPTS": "0",
    }
