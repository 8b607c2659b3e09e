"""Event source mappings over queues through boto3: what is accepted, what is shown, and that a function runs."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.lambda_.conftest import CreateFunction

#: Sends what it was given to a queue.
FORWARD = """
import boto3, json, os

sqs = boto3.client("sqs")

def handler(event, context):
    for record in event["Records"]:
        sqs.send_message(QueueUrl=os.environ["OUT"], MessageBody=json.dumps(record))
"""


@pytest.fixture
def lambda_client(connect: Callable[[str], Any]) -> Any:
    return connect("lambda")


@pytest.fixture
def sqs(connect: Callable[[str], Any]) -> Any:
    return connect("sqs")


def make_queue(sqs: Any, suffix: str = "", **attributes: str) -> tuple[str, str]:
    """(URL, ARN)."""
    name = f"mapped-{uuid.uuid4().hex[:8]}{suffix}"
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:us-east-1:000000000000:{name}"


def eventually(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def test_a_function_sees_messages_and_sends_on(
    lambda_client: Any, sqs: Any, create: CreateFunction, platform: Any
) -> None:
    out_url, _ = make_queue(sqs)
    in_url, in_arn = make_queue(sqs)
    name = create(source=FORWARD, Environment={"Variables": {"OUT": out_url}}, Timeout=20)
    made = lambda_client.create_event_source_mapping(EventSourceArn=in_arn, FunctionName=name)
    assert made["State"] == "Creating"
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
    sqs.send_message(
        QueueUrl=in_url,
        MessageBody="hello",
        MessageAttributes={"n": {"DataType": "Number", "StringValue": "1"}},
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": trace}},
    )
    [got] = sqs.receive_message(QueueUrl=out_url, WaitTimeSeconds=20)["Messages"]
    record = json.loads(got["Body"])
    assert (record["body"], record["eventSourceARN"]) == ("hello", in_arn)
    assert record["attributes"]["AWSTraceHeader"] == trace
    assert record["messageAttributes"]["n"]["stringValue"] == "1"
    eventually(lambda: lambda_client.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled")


def test_what_is_shown_and_changed(lambda_client: Any, sqs: Any, create: CreateFunction) -> None:
    _, arn = make_queue(sqs)
    name = create()
    made = lambda_client.create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName=name,
        BatchSize=500,
        MaximumBatchingWindowInSeconds=1,
        ScalingConfig={"MaximumConcurrency": 2},
        FunctionResponseTypes=["ReportBatchItemFailures"],
        FilterCriteria={"Filters": [{"Pattern": '{"body": {"a": [1]}}'}]},
    )
    assert (made["BatchSize"], made["ScalingConfig"]) == (500, {"MaximumConcurrency": 2})
    # As recorded at AWS: how the last batch ended is told of streams only.
    of_streams = {"StartingPosition", "ParallelizationFactor", "DestinationConfig", "LastProcessingResult"}
    assert not of_streams & made.keys()
    changed = lambda_client.update_event_source_mapping(
        UUID=made["UUID"], BatchSize=5, MaximumBatchingWindowInSeconds=0, ScalingConfig={}, FilterCriteria={}
    )
    assert (changed["BatchSize"], changed["MaximumBatchingWindowInSeconds"]) == (5, 0)
    assert not {"ScalingConfig", "FilterCriteria"} & changed.keys()
    with pytest.raises(ClientError):
        lambda_client.update_event_source_mapping(UUID=made["UUID"], BatchSize=11)
    with pytest.raises(lambda_client.exceptions.ResourceConflictException) as again:
        lambda_client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)
    assert again.value.response["Error"]["Message"] == (
        f'An event source mapping with SQS arn (" {arn} ") and function (" {name} ") already exists. '
        f"Please update or delete the existing mapping with UUID {made['UUID']}"
    )
    listed = lambda_client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    assert [one["UUID"] for one in listed] == [made["UUID"]]
    lambda_client.delete_event_source_mapping(UUID=made["UUID"])


KEY_ARN = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_metrics_key_and_provisioned_pollers(lambda_client: Any, sqs: Any, create: CreateFunction) -> None:
    """Ranges and defaults: https://docs.aws.amazon.com/lambda/latest/api/API_ProvisionedPollerConfig.html."""
    _, arn = make_queue(sqs)
    made = lambda_client.create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName=create(),
        MetricsConfig={"Metrics": ["EventCount"]},
        KMSKeyArn=KEY_ARN,
        ProvisionedPollerConfig={"MinimumPollers": 5},
    )
    assert made["MetricsConfig"] == {"Metrics": ["EventCount"]}
    assert made["KMSKeyArn"] == KEY_ARN
    assert made["ProvisionedPollerConfig"] == {"MinimumPollers": 5, "MaximumPollers": 200}
    with pytest.raises(ClientError, match="cannot be used at the same time"):
        lambda_client.update_event_source_mapping(UUID=made["UUID"], ScalingConfig={"MaximumConcurrency": 2})
    shown = lambda_client.update_event_source_mapping(UUID=made["UUID"], BatchSize=5)
    assert shown["ProvisionedPollerConfig"] == made["ProvisionedPollerConfig"], "what is left out stays"
    emptied = lambda_client.update_event_source_mapping(
        UUID=made["UUID"],
        MetricsConfig={},
        KMSKeyArn="",
        ProvisionedPollerConfig={},
        ScalingConfig={"MaximumConcurrency": 2},
    )
    assert not {"MetricsConfig", "KMSKeyArn", "ProvisionedPollerConfig"} & emptied.keys()
    lambda_client.delete_event_source_mapping(UUID=made["UUID"])


@pytest.mark.parametrize(
    ("suffix", "options", "message"),
    [
        ("", {"StartingPosition": "LATEST"}, "StartingPosition is not valid for SQS event sources."),
        ("", {"ParallelizationFactor": 2}, "Unsupported ParallelizationFactor"),
        ("", {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::b"}}}, "Unsupported DestinationConfig"),
        ("", {"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ("", {"ScalingConfig": {"MaximumConcurrency": 1}}, "MaximumConcurrency"),
        ("", {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition."),
        ("", {"MetricsConfig": {"Metrics": ["KafkaMetrics"]}}, "KafkaMetrics is for Apache Kafka"),
        ("", {"LoggingConfig": {"SystemLogLevel": "INFO"}}, "Unsupported LoggingConfig"),
        ("", {"ProvisionedPollerConfig": {"MinimumPollers": 1}}, "MinimumPollers"),
        ("", {"ProvisionedPollerConfig": {"MinimumPollers": 9, "MaximumPollers": 8}}, "greater than MaximumPollers"),
        ("", {"ProvisionedPollerConfig": {"PollerGroupName": "g"}}, "PollerGroupName"),
        (
            "",
            {"ProvisionedPollerConfig": {"MaximumPollers": 5}, "ScalingConfig": {"MaximumConcurrency": 2}},
            "cannot be used at the same time",
        ),
        (".fifo", {"BatchSize": 11}, "Maximum batch size"),
        (".fifo", {"MaximumBatchingWindowInSeconds": 1}, "Batching window is not supported"),
    ],
)
def test_parameters_that_are_refused(
    lambda_client: Any, sqs: Any, create: CreateFunction, suffix: str, options: dict[str, Any], message: str
) -> None:
    _, arn = make_queue(sqs, suffix, **({"FifoQueue": "true"} if suffix else {}))
    with pytest.raises(ClientError) as caught:
        lambda_client.create_event_source_mapping(EventSourceArn=arn, FunctionName=create(), **options)
    assert caught.value.response["Error"]["Code"] in ("InvalidParameterValueException", "ValidationException")
    assert message.lower() in str(caught.value).lower()


def test_a_visibility_timeout_shorter_than_the_function(lambda_client: Any, sqs: Any, create: CreateFunction) -> None:
    """Looked at when a mapping is created or updated, not when the function is.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    _, arn = make_queue(sqs)
    name = create(Timeout=60)
    told = "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"
    with pytest.raises(ClientError) as caught:
        lambda_client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)
    assert caught.value.response["Error"]["Message"] == told
    lambda_client.update_function_configuration(FunctionName=name, Timeout=30)
    uuid = lambda_client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)["UUID"]
    assert lambda_client.update_function_configuration(FunctionName=name, Timeout=60)["Timeout"] == 60
    with pytest.raises(ClientError) as caught:
        lambda_client.update_event_source_mapping(UUID=uuid, BatchSize=5)
    assert caught.value.response["Error"]["Message"] == told
    assert lambda_client.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"


def test_no_such_queue(lambda_client: Any, create: CreateFunction) -> None:
    arn = "arn:aws:sqs:us-east-1:000000000000:nowhere"
    with pytest.raises(ClientError, match="NonExistentQueue"):
        lambda_client.create_event_source_mapping(EventSourceArn=arn, FunctionName=create())
