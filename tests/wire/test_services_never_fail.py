"""Requests that are nearly right, to every operation of the services of streams, queues, topics, buses and schedules.

Each is answered, soon, with success or with an error that the operation has in its model or that all services have;
none with a 500, and none leaves a traceback in the log, whatever it sets off. The seeds are fixed; a longer search is
`LAMBENT_FUZZ_REQUESTS=20000 pytest tests/wire/test_services_never_fail.py`.
"""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from platform_process import PlatformProcess
from wire.malformed_values import Maker
from wire.talking import Wire
from zips import zipped

REQUESTS = int(os.environ.get("LAMBENT_FUZZ_REQUESTS", "350"))
SLOWEST_SECONDS = 5.0

#: Nobody else's things are here.
REGION, ACCOUNT = "ap-south-1", "000000000000"

#: Errors that any operation may answer with: the gateway's, before the service is asked.
COMMON = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "IncompleteSignatureException", "InvalidAction", "InvalidAddress",
        "InvalidAttributeName", "InvalidParameter", "InvalidParameterCombination", "InvalidParameterValue",
        "InvalidSignatureException", "MalformedQueryString", "MissingParameter", "RequestEntityTooLarge",
        "RequestEntityTooLargeException", "SerializationException", "ValidationError", "ValidationException", "431",
    }
)  # fmt: skip

#: Of services with many more operations than concern events.
SOME_OF = {
    "logs": (
        "PutSubscriptionFilter", "DescribeSubscriptionFilters", "DeleteSubscriptionFilter", "PutLogEvents",
        "FilterLogEvents",
    ),
    "lambda": (
        "CreateEventSourceMapping", "UpdateEventSourceMapping", "ListEventSourceMappings",
        "PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig", "PutFunctionRecursionConfig",
        "GetFunctionRecursionConfig",
    ),
}  # fmt: skip

#: Answered as a stream of events for five minutes; or gone, and everything else is refused for want of it.
LEFT_OUT = frozenset(
    {"SubscribeToShard", "DeleteStream", "DeleteTopic", "DeleteQueue", "DeleteEventBus", "DeleteLogGroup"}
)


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


TARGETS = (
    *(arn("sqs", "fz"), arn("sns", "fz"), arn("lambda", "function:fz"), arn("kinesis", "stream/fz")),
    *(arn("events", "event-bus/fz"), arn("logs", "log-group:fz")),
)
POOL: dict[str, tuple[str, ...]] = {
    "Arn": (*TARGETS, "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "arn:aws:scheduler:::aws-sdk:s3:putObject"),
    "AttributeName": ("Policy", "RedrivePolicy", "FilterPolicy", "DeliveryPolicy", "All", "VisibilityTimeout"),
    "Attributes key": (
        "Policy", "RedrivePolicy", "FilterPolicy", "FilterPolicyScope", "DeliveryPolicy", "VisibilityTimeout",
        "FifoQueue", "DelaySeconds",
        "RawMessageDelivery", "RedriveAllowPolicy", "MaximumMessageSize", "SignatureVersion", "FifoTopic",
    ),
    "ConsumerARN": (arn("kinesis", "stream/fz/consumer/c:1"),),
    "Destination": TARGETS,
    "destinationArn": TARGETS,
    "DestinationArn": (arn("sqs", "fz"),),
    "Detail": ('{"a": 1}', "{", "[]", '{"a":' * 2000 + "1" + "}" * 2000, '{"a": 1e999}', '{"a": "\\ud800"}'),
    "Endpoint": (*TARGETS, "http://127.0.0.1:1/x", "http://[::1", "https://a:b@h:99999/", "http://h:port/", "http:///"),
    "EventBusName": ("fz", "default", arn("events", "event-bus/fz")),
    "EventPattern": ('{"source": ["a"]}', '{"source": [{"prefix": ""}]}'),
    "EventSourceArn": (arn("sqs", "fz"), arn("kinesis", "stream/fz"), arn("events", "event-bus/fz")),
    "Expression": (
        "m1+1", "SUM(METRICS())", "1/0", "m1^99999", "-" * 200 + "1", "(" * 500, "FILL(m1,REPEAT)", "9" * 400,
    ),
    "ExplicitHashKey": ("0", "9" * 39, "-1", str(2**128)),
    "FunctionName": ("fz",),
    "GroupName": ("fz", "default"),
    "Id": ("m1", "a"),
    "InputPath": ("$.detail", "$", "$..", "$[99999999999999999999]", "$.a["),
    "InputTemplate": ('"<a>"', "<a>", '{"a": <aws.events.event.json>}', '{"timestamp": <a>, "message": <a>}'),
    "InputPathsMap key": ("a",),
    "InputPathsMap value": ("$.detail", "$.detail.a", "$.x[*]"),
    "logGroupName": ("fz",),
    "logStreamName": ("s",),
    "MetricName": ("m",),
    "Name": ("fz", "default"),
    "Namespace": ("fz", "AWS/Lambda"),
    "NewStartingHashKey": (str(2**127), "0"),
    "PartitionKeyPath": ("$.detail", "$.detail.a", "$"),
    "Protocol": ("sqs", "lambda", "http", "https", "email"),
    "QueueName": ("fz", "fz.fifo", "nq"),
    "QueueUrl": tuple(f"http://localhost/{account}/{name}" for account, name in (
        (ACCOUNT, "fz"), (ACCOUNT, "fz.fifo"), (ACCOUNT, "none"), ("111111111111", "fz"),
    )),
    "ResourceArn": (arn("scheduler", "schedule-group/fz"), arn("sns", "fz")),
    "ResourceARN": (arn("events", "rule/fz"), arn("kinesis", "stream/fz")),
    "RoleArn": (f"arn:aws:iam::{ACCOUNT}:role/x",),
    "Rule": ("fz",),
    "ScheduleExpression": (
        "rate(1 day)", "rate(1 minute)", "cron(0 12 * * ? *)", "at(2030-01-01T00:00:00)", "rate(0 days)",
        "rate(99999999999999 days)", "at(9999-12-31T23:59:59)", "at(0001-01-01T00:00:00)", "cron(0 12 ? * 2#5 1970)",
    ),
    "ScheduleExpressionTimezone": ("Europe/Zurich", "UTC", "../../etc/passwd", "Africa", " "),
    "SequenceNumberForOrdering": ("1", "9" * 60),
    "ShardId": ("shardId-000000000000", "shardId-000000000001"),
    "Source": ("a", "aws.s3"),
    "SourceArn": (arn("sqs", "fz"), arn("sqs", "dead")),
    "StartingSequenceNumber": ("0", "9" * 100, "49590338271490256608559692538361571095921575989136588898"),
    "Statistic": ("Average", "p99", "p101", "TM(10%:90%)"),
    "StreamARN": (arn("kinesis", "stream/fz"),),
    "StreamName": ("fz",),
    "TopicArn": (arn("sns", "fz"), arn("sns", "fz.fifo"), arn("sns", "none")),
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(platform: PlatformProcess) -> Iterator[PlatformProcess]:
    """With something of each kind, and everything connected with everything."""
    made = {
        name: platform.client(name, region_name=REGION)
        for name in ("kinesis", "sqs", "sns", "events", "logs", "lambda")
    }
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
    for name in ("fz", "dead"):
        made["sqs"].create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})
    made["sqs"].create_queue(QueueName="fz.fifo", Attributes={"FifoQueue": "true"})
    made["kinesis"].create_stream(StreamName="fz", ShardCount=2)
    made["sns"].create_topic(Name="fz")
    made["sns"].create_topic(Name="fz.fifo", Attributes={"FifoTopic": "true"})
    made["sns"].subscribe(TopicArn=arn("sns", "fz"), Protocol="sqs", Endpoint=arn("sqs", "fz"))
    made["events"].create_event_bus(Name="fz")
    made["logs"].create_log_group(logGroupName="fz")
    made["logs"].create_log_stream(logGroupName="fz", logStreamName="s")
    made["events"].put_rule(Name="fz", EventBusName="fz", EventPattern='{"source": [{"prefix": ""}]}')
    made["lambda"].create_function(
        FunctionName="fz",
        Runtime="python3.11",
        Role=f"arn:aws:iam::{ACCOUNT}:role/x",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": "def handler(event, context):\n    return 1\n"})},
    )
    before = len(platform.printed)
    yield platform
    for rule in made["events"].list_rules()["Rules"]:
        made["events"].disable_rule(Name=rule["Name"])
    assert Wire(platform).is_well()
    assert not [line for line in platform.printed[before:] if "Traceback" in line]


@pytest.mark.parametrize("service", ["kinesis", "sqs", "sns", "events", "scheduler", "cloudwatch", "logs", "lambda"])
def test_whatever_is_asked_is_answered(prepared: PlatformProcess, service: str) -> None:
    client = client_of(prepared, service)
    maker = Maker(seed=len(service), pool=POOL)
    operations = [one for one in SOME_OF.get(service, client.meta.service_model.operation_names) if one not in LEFT_OUT]
    wrong = [said for said in (ask(client, maker, maker.chance.choice(operations)) for _ in range(REQUESTS)) if said]
    assert wrong == []


def client_of(platform: PlatformProcess, service: str) -> Any:
    """One that sends what it is given."""
    config = Config(parameter_validation=False, retries={"max_attempts": 0}, read_timeout=20)
    return boto3.client(
        service,
        endpoint_url=platform.url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


def ask(client: Any, maker: Maker, operation: str) -> str:
    """What is wrong with the answer; "" if nothing is."""
    model = client.meta.service_model.operation_model(operation)
    request = maker.request(model.input_shape) if model.input_shape else {}
    if request.get("WaitTimeSeconds"):
        request["WaitTimeSeconds"] = 1
    started = time.monotonic()
    fault = ""
    try:
        maker.learn(getattr(client, xform_name(operation))(**request))
    except ClientError as error:
        fault = fault_of(error, model)
    except (BotoCoreError, LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        if "Timeout" in type(error).__name__ or "Connection" in type(error).__name__:
            fault = repr(error)
    took = time.monotonic() - started
    if not fault and took > SLOWEST_SECONDS:
        fault = f"took {took:.1f} seconds"
    return f"{operation} {str(request)[:500]}: {fault}" if fault else ""


def fault_of(error: ClientError, model: Any) -> str:
    status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    if status == 501 or code in ("UnknownOperationException", "InvalidAction", "NotImplemented"):
        return ""  # not served, and it says so
    known = {name for shape in model.error_shapes for name in (shape.name, shape.error_code)}
    known |= {shape.metadata.get("error", {}).get("code") for shape in model.error_shapes}
    is_known = code in known | COMMON or code.startswith("AWS.SimpleQueueService.") or code == "QueueAlreadyExists"
    return "" if status < 500 and is_known else f"{status} {code}: {error.response['Error'].get('Message')}"
