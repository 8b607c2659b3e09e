"""What the platform counts about queues, topics, buses and streams, as GetMetricData tells it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import killing
from platform_process import PlatformProcess
from services.lambda_.conftest import ROLE
from zips import zipped

#: The platform writes what it has counted every five seconds.
PATIENCE_SECONDS = 25.0

Told = Callable[..., dict[str, float]]


@pytest.fixture(scope="module")
def told(platform: PlatformProcess) -> Told:
    """All is used before anything is looked up, so that the tests wait together for what is written at intervals."""
    for use in (use_functions, use_queues, use_topics, use_rules, use_streams):
        use(platform)
    cloudwatch = platform.client("cloudwatch")

    def look(namespace: str, dimensions: dict[str, str], metrics: dict[str, str]) -> dict[str, float]:
        """By metric: its statistic."""
        named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        queries = [
            {
                "Id": f"m{number}",
                "Label": metric,
                "MetricStat": {
                    "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": named},
                    "Period": 3600,
                    "Stat": statistic,
                },
            }
            for number, (metric, statistic) in enumerate(metrics.items())
        ]
        now = datetime.now(UTC)
        window = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(minutes=1)}
        results = cloudwatch.get_metric_data(MetricDataQueries=queries, **window)["MetricDataResults"]
        return {one["Label"]: sum(one["Values"]) for one in results if one["Values"]}

    def told(namespace: str, dimensions: dict[str, str], expected: dict[str, tuple[str, float]]) -> dict[str, float]:
        """Of each metric its statistic and value; waits until all are there."""
        metrics = {name: statistic for name, (statistic, _) in expected.items()}
        wanted = {name: value for name, (_, value) in expected.items()}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := look(namespace, dimensions, metrics)) != wanted and time.monotonic() < deadline:
            time.sleep(0.2)
        assert found == wanted
        return found

    return told


def use_functions(platform: PlatformProcess) -> None:
    functions = killing.client_without_retries(platform, "lambda")
    code = {"ZipFile": zipped({"app.py": "def handler(event, context): raise ValueError('no')"})}
    for name in ("metered", "metered-off"):
        functions.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=code)
    functions.put_function_event_invoke_config(FunctionName="metered", MaximumRetryAttempts=0)
    for _ in range(3):
        functions.invoke(FunctionName="metered", InvocationType="Event", Payload="{}")
    functions.put_function_concurrency(FunctionName="metered-off", ReservedConcurrentExecutions=0)
    with pytest.raises(functions.exceptions.TooManyRequestsException):
        functions.invoke(FunctionName="metered-off", Payload="{}")


def test_asynchronous_invocations(told: Told) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, "Asynchronous invocation metrics"."""
    told(
        "AWS/Lambda",
        {"FunctionName": "metered"},
        {
            "Invocations": ("Sum", 3),
            "Errors": ("Sum", 3),
            "AsyncEventsReceived": ("Sum", 3),
            "AsyncEventAge": ("SampleCount", 3),
            "AsyncEventsDropped": ("Sum", 3),
        },
    )
    told("AWS/Lambda", {"FunctionName": "metered-off"}, {"Throttles": ("Sum", 1)})


def use_queues(platform: PlatformProcess) -> None:
    queues = platform.client("sqs")
    url = queues.create_queue(QueueName="metered")["QueueUrl"]
    queues.receive_message(QueueUrl=url)
    attributes = {"kind": {"DataType": "String", "StringValue": "book"}}
    queues.send_message(QueueUrl=url, MessageBody="x" * 10, MessageAttributes=attributes)
    entries: list[Any] = [{"Id": f"{number}", "MessageBody": "x"} for number in range(3)]
    refused = {"Id": "r", "MessageBody": "x", "DelaySeconds": 1_000}
    answer = queues.send_message_batch(QueueUrl=url, Entries=[*entries, refused])
    assert [one["Id"] for one in answer["Failed"]] == ["r"]
    received = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    first, *others = [one["ReceiptHandle"] for one in received]
    queues.delete_message(QueueUrl=url, ReceiptHandle=first)
    deleted = [{"Id": f"{number}", "ReceiptHandle": handle} for number, handle in enumerate(others)]
    queues.delete_message_batch(QueueUrl=url, Entries=[*deleted, {"Id": "r", "ReceiptHandle": "none"}])


def test_queues(told: Told) -> None:
    told(
        "AWS/SQS",
        {"QueueName": "metered"},
        {
            "NumberOfMessagesSent": ("Sum", 4),
            "SentMessageSize": ("Sum", 10 + len("kindStringbook") + 3),
            "NumberOfMessagesReceived": ("Sum", 4),
            "NumberOfEmptyReceives": ("Sum", 1),
            "NumberOfMessagesDeleted": ("Sum", 4),
        },
    )


def use_topics(platform: PlatformProcess) -> None:
    topics, queues = platform.client("sns"), platform.client("sqs")
    arn = topics.create_topic(Name="metered")["TopicArn"]
    url = queues.create_queue(QueueName="metered-behind")["QueueUrl"]
    queue_arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = f"""{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "sqs:SendMessage",
        "Principal": {{"Service": "sns.amazonaws.com"}}, "Resource": "{queue_arn}"}}]}}"""
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    topics.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})
    topics.publish(TopicArn=arn, Message="x" * 7)
    entries: list[Any] = [{"Id": f"{number}", "Message": "x"} for number in range(2)]
    topics.publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries)


def test_topics_and_the_queues_they_send_to(told: Told) -> None:
    told(
        "AWS/SNS",
        {"TopicName": "metered"},
        {
            "NumberOfMessagesPublished": ("Sum", 3),
            "PublishSize": ("Sum", 9),
            "NumberOfNotificationsDelivered": ("Sum", 3),
        },
    )
    told(
        "AWS/SQS",
        {"QueueName": "metered-behind"},
        {"NumberOfMessagesSent": ("Sum", 3), "SentMessageSize": ("Sum", 9)},
    )


def use_rules(platform: PlatformProcess) -> None:
    events, topics = platform.client("events"), platform.client("sns")
    arn = topics.create_topic(Name="behind-a-rule")["TopicArn"]
    policy = f"""{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "sns:Publish",
        "Principal": {{"Service": "events.amazonaws.com"}}, "Resource": "{arn}"}}]}}"""
    topics.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    events.put_rule(Name="metered", EventPattern='{"source": ["metered"]}')
    events.put_targets(Rule="metered", Targets=[{"Id": "1", "Arn": arn, "Input": '"x"'}])
    entry = {"Source": "metered", "DetailType": "t", "Detail": "{}"}
    events.put_events(Entries=[entry, entry, {**entry, "Source": "nobody"}])


def test_rules(told: Told) -> None:
    counted: dict[str, tuple[str, float]] = {
        "TriggeredRules": ("Sum", 2),
        "InvocationAttempts": ("Sum", 2),
        "Invocations": ("Sum", 2),
    }
    told("AWS/Events", {"RuleName": "metered"}, counted)
    told("AWS/SNS", {"TopicName": "behind-a-rule"}, {"NumberOfMessagesPublished": ("Sum", 2)})


def use_streams(platform: PlatformProcess) -> None:
    streams = platform.client("kinesis")
    streams.create_stream(StreamName="metered", ShardCount=1)
    streams.put_record(StreamName="metered", Data=b"12345", PartitionKey="k")
    records: list[Any] = [{"Data": b"12", "PartitionKey": "k"}] * 3
    streams.put_records(StreamName="metered", Records=records)
    iterator = streams.get_shard_iterator(
        StreamName="metered", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    page = streams.get_records(ShardIterator=iterator)
    assert len(page["Records"]) == 4
    streams.get_records(ShardIterator=page["NextShardIterator"])
    streams.create_stream(StreamName="metered-throttled", ShardCount=1, Tags={"lambent:throttle": "on"})
    large: list[Any] = [{"Data": b"x" * 700_000, "PartitionKey": "k"}] * 3
    assert streams.put_records(StreamName="metered-throttled", Records=large)["FailedRecordCount"] == 1


def test_streams(told: Told) -> None:
    told(
        "AWS/Kinesis",
        {"StreamName": "metered"},
        {
            "IncomingRecords": ("Sum", 4),
            "IncomingBytes": ("Sum", 5 + 3 * 2 + 4),
            "PutRecord.Success": ("Average", 1),
            "PutRecords.Success": ("SampleCount", 1),
            "PutRecord.Bytes": ("Sum", 6),
            "PutRecords.Bytes": ("Sum", 3 * 3),
            "PutRecords.TotalRecords": ("Sum", 3),
            "PutRecords.SuccessfulRecords": ("Sum", 3),
            "GetRecords.Success": ("Sum", 2),
            "GetRecords.Records": ("Sum", 4),
            "GetRecords.Bytes": ("Sum", 5 + 3 * 2),
            "GetRecords.IteratorAgeMilliseconds": ("SampleCount", 2),
        },
    )
    told(
        "AWS/Kinesis",
        {"StreamName": "metered-throttled"},
        {
            "IncomingRecords": ("Sum", 2),
            "PutRecords.TotalRecords": ("Sum", 3),
            "PutRecords.SuccessfulRecords": ("Sum", 2),
            "PutRecords.ThrottledRecords": ("Sum", 1),
            "WriteProvisionedThroughputExceeded": ("Sum", 1),
        },
    )
