"""One trace through everything that one request sets off, and loops that are stopped: with real functions and SDKs."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.exceptions import ClientError

import fresh
from platform_process import PlatformProcess
from services.lambda_.conftest import CreateFunction

PATIENCE_SECONDS = 20.0
ROOT = "1-5759e988-bd862e3fe1be46a994272793"


#: Every object of the bucket becomes an item of the table.
STORE = """
import os, urllib.parse
import boto3

table = boto3.client("dynamodb")

def handler(event, context):
    for record in event["Records"]:
        key = record["s3"]["object"]["key"]
        table.put_item(TableName=os.environ["TABLE"], Item={"id": {"S": key}})
    return os.environ["_X_AMZN_TRACE_ID"]
"""

#: Writes to the bucket whose changes invoke it.
LOOP = """
import boto3

bucket = boto3.client("s3")

def handler(event, context):
    for record in event["Records"]:
        name, key = record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
        bucket.put_object(Bucket=name, Key=str(int(key) + 1), Body=b"again") if int(key) < 30 else None
"""

#: Writes to the queue whose messages invoke it.
LOOP_OF_A_QUEUE = """
import os
import boto3

queue = boto3.client("sqs")

def handler(event, context):
    for record in event["Records"]:
        queue.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=str(int(record["body"]) + 1))
"""

#: Invokes itself, and says how that went.
CALLS_ITSELF = """
import json
import boto3

functions = boto3.client("lambda")

def handler(event, context):
    try:
        answer = functions.invoke(FunctionName=context.function_name, Payload=json.dumps({"depth": event["depth"] + 1}))
    except functions.exceptions.RecursiveInvocationException as error:
        return {"depth": event["depth"], "refused": error.response["Error"]["Message"]}
    return json.load(answer["Payload"])
"""


def eventually(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def happened(platform: PlatformProcess, **query: Any) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in {"limit": 2000, **query}.items())
    request = botocore.awsrequest.AWSRequest("GET", f"{platform.url}/_lambent/events?{asked}")
    credentials = botocore.credentials.Credentials("test", "test")
    botocore.auth.SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
    signed = urllib.request.Request(str(request.url), headers=dict(request.headers))
    with urllib.request.urlopen(signed) as response:
        found: list[dict[str, Any]] = json.load(response)["events"]
        return found


def of_chain(platform: PlatformProcess, root: str, *, at_least: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = eventually(lambda: _enough(happened(platform, trace=root), at_least))
    return found


def _enough(found: list[dict[str, Any]], at_least: int) -> list[dict[str, Any]]:
    return found if len(found) >= at_least else []


def traced(platform: PlatformProcess, service: str, header: str) -> Any:
    """A client that sends a trace header with everything; of a session of its own, for clients of one share hooks."""

    def add_header(request: Any, **_: Any) -> None:
        request.headers.add_header("X-Amzn-Trace-Id", header)

    session = boto3.session.Session()
    session.events.register("before-sign", add_header)
    return session.client(
        service,
        endpoint_url=platform.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def bucket(connect: Callable[[str], Any]) -> str:
    name = fresh.name("traced")
    connect("s3").create_bucket(Bucket=name)
    return name


def notify(connect: Callable[[str], Any], bucket: str, function: str) -> None:
    functions = connect("lambda")
    functions.add_permission(
        FunctionName=function, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    arn = functions.get_function_configuration(FunctionName=function)["FunctionArn"]
    configuration = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    connect("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]}
    )


@pytest.fixture
def chain(connect: Callable[[str], Any], create: CreateFunction, bucket: str) -> tuple[str, str]:
    """Object -> function -> table -> function; the functions' names."""
    table = fresh.name("traced")
    made = connect("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    first = create(STORE, Environment={"Variables": {"TABLE": table}}, Timeout=20)
    second = create("def handler(event, context): return len(event['Records'])")
    arn = made["TableDescription"]["LatestStreamArn"]
    connect("lambda").create_event_source_mapping(FunctionName=second, EventSourceArn=arn, StartingPosition="LATEST")
    notify(connect, bucket, first)
    return first, second


def test_a_chain_has_one_root_from_its_first_request_on(
    platform: PlatformProcess, bucket: str, chain: tuple[str, str]
) -> None:
    """Cold, then warm: the functions' SDK passes on the header of each invocation."""
    first, second = chain
    for number in (1, 2):
        root = f"1-5759e98{number}-bd862e3fe1be46a99427279{number}"
        client = traced(platform, "s3", f"Root={root};Parent=53995c3f42cd8ad8;Sampled=1")
        client.put_object(Bucket=bucket, Key=f"{number}.txt", Body=b"x")
        found = of_chain(platform, root, at_least=2)
        by_function = {one["functionArn"].rpartition(":")[2]: one for one in found}
        stored, rolled = by_function[first], by_function[second]
        assert (stored["traceRoot"], rolled["traceRoot"]) == (root, root)
        assert (stored["parent"], rolled["parent"]) == ("53995c3f42cd8ad8", stored["segment"])


def test_a_request_without_a_header_begins_a_chain(
    connect: Callable[[str], Any], platform: PlatformProcess, bucket: str, chain: tuple[str, str]
) -> None:
    first, second = chain
    told = {one["number"] for one in happened(platform)}
    connect("s3").put_object(Bucket=bucket, Key="x", Body=b"x")

    def both() -> list[dict[str, Any]]:
        new = [one for one in happened(platform) if one["number"] not in told]
        ours = {one["functionArn"].rpartition(":")[2]: one for one in new}
        return [ours[first], ours[second]] if {first, second} <= ours.keys() else []

    stored, rolled = eventually(both)
    assert stored["traceRoot"].startswith("1-")
    assert (stored["traceRoot"], stored["parent"]) == (rolled["traceRoot"], "")
    assert rolled["parent"] == stored["segment"]


def test_an_event_from_outside_begins_a_chain_that_destinations_go_on_with(
    connect: Callable[[str], Any], platform: PlatformProcess, create: CreateFunction
) -> None:
    """Event -> rule -> function -> its destination, a queue: AWSTraceHeader names the function's chain."""
    name = fresh.name("traced")
    buses, functions, queues = connect("events"), connect("lambda"), connect("sqs")
    function, url = create(), queues.create_queue(QueueName=name)["QueueUrl"]
    functions.add_permission(
        FunctionName=function, StatementId="bus", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    arn = functions.get_function_configuration(FunctionName=function)["FunctionArn"]
    functions.put_function_event_invoke_config(
        FunctionName=function,
        DestinationConfig={"OnSuccess": {"Destination": f"arn:aws:sqs:us-east-1:000000000000:{name}"}},
    )
    buses.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    buses.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    buses.put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": "{}"}])
    [message] = queues.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageSystemAttributeNames=["All"])[
        "Messages"
    ]
    [ran] = [one for one in happened(platform) if one["source"] == f"events:{name}"]
    assert f"Root={ran['traceRoot']};Parent={ran['segment']};" in message["Attributes"]["AWSTraceHeader"]


def test_no_answer_of_a_stream_shows_the_trace(
    connect: Callable[[str], Any], platform: PlatformProcess, chain: tuple[str, str]
) -> None:
    [mapping] = connect("lambda").list_event_source_mappings(FunctionName=chain[1])["EventSourceMappings"]
    arn = mapping["EventSourceArn"]
    client = traced(platform, "dynamodb", f"Root={ROOT}")
    client.put_item(TableName=arn.split("/")[1], Item={"id": {"S": "x"}})
    streams = connect("dynamodbstreams")
    found = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += streams.get_records(ShardIterator=iterator)["Records"]
    assert len(found) == 1
    assert ROOT not in json.dumps(found, default=str)


def test_a_function_that_writes_to_its_own_bucket_is_stopped(
    connect: Callable[[str], Any], platform: PlatformProcess, create: CreateFunction, bucket: str
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html"""
    looping, last_stop = create(LOOP, Timeout=20), create("def handler(event, context): return None")
    functions = connect("lambda")
    destination = functions.get_function_configuration(FunctionName=last_stop)["FunctionArn"]
    functions.put_function_event_invoke_config(
        FunctionName=looping, DestinationConfig={"OnFailure": {"Destination": destination}}
    )
    notify(connect, bucket, looping)
    connect("s3").put_object(Bucket=bucket, Key="1", Body=b"x")

    def ours(name: str) -> list[dict[str, Any]]:
        return [one for one in happened(platform) if one["functionArn"].endswith(f":{name}")]

    [received] = eventually(lambda: ours(last_stop))
    ran = eventually(lambda: _enough(ours(looping), 17))
    assert sorted(one["outcome"] for one in ran) == ["ok"] * 16 + ["stopped"]
    [stopped] = [one for one in ran if one["outcome"] == "stopped"]
    assert f"--function-name {looping} --recursive-loop Allow" in stopped["detail"]
    assert {one["traceRoot"] for one in (*ran, received)} == {stopped["traceRoot"]}
    assert len(connect("s3").list_objects_v2(Bucket=bucket)["Contents"]) == 17

    functions.put_function_recursion_config(FunctionName=looping, RecursiveLoop="Allow")
    connect("s3").put_object(Bucket=bucket, Key="10", Body=b"x")
    eventually(lambda: len(connect("s3").list_objects_v2(Bucket=bucket)["Contents"]) == 30)


@pytest.mark.parametrize("has_dead_letters", [True, False])
def test_a_function_that_writes_to_its_own_queue_is_stopped(
    connect: Callable[[str], Any], platform: PlatformProcess, create: CreateFunction, has_dead_letters: bool
) -> None:
    """The page named above, "Even when the maxReceiveCount setting ... is higher than 16": the message is retried.

    Each refusal counts as a receive; the redrive policy ends it, or else the message's age.
    """
    queues, name = connect("sqs"), fresh.name("loop")
    attributes = {"VisibilityTimeout": "2"}
    dead = queues.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    if has_dead_letters:
        target = f"arn:aws:sqs:us-east-1:000000000000:{name}-dead"
        attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 2})
    url = queues.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    looping = create(LOOP_OF_A_QUEUE, Environment={"Variables": {"QUEUE": url}}, Timeout=2)
    mapping = connect("lambda").create_event_source_mapping(
        FunctionName=looping, EventSourceArn=f"arn:aws:sqs:us-east-1:000000000000:{name}"
    )
    queues.send_message(QueueUrl=url, MessageBody="1")

    def ours(outcome: str) -> list[dict[str, Any]]:
        found = [one for one in happened(platform) if one["functionArn"].endswith(f":{looping}")]
        return [one for one in found if one["outcome"] == outcome]

    stopped = eventually(lambda: _enough(ours("stopped"), 2))
    assert len(ours("ok")) == 16
    assert f"--function-name {looping} --recursive-loop Allow. The message stays in its queue" in stopped[0]["detail"]
    if has_dead_letters:
        [letter] = queues.receive_message(QueueUrl=dead, WaitTimeSeconds=20)["Messages"]
        assert letter["Body"] == "17"
        assert len(ours("stopped")) == 2
    else:
        connect("lambda").put_function_recursion_config(FunctionName=looping, RecursiveLoop="Allow")
        eventually(lambda: len(ours("ok")) > 16)
    connect("lambda").delete_event_source_mapping(UUID=mapping["UUID"])


def test_messages_that_were_not_handled_are_told_of(
    connect: Callable[[str], Any], platform: PlatformProcess, create: CreateFunction
) -> None:
    """A function that reports failures of items has succeeded: without a word on them, nothing would seem wrong."""
    queues, name = connect("sqs"), fresh.name("partly")
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    function = create("""
def handler(event, context):
    failed = [one["messageId"] for one in event["Records"] if one["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}
""")
    entries = [{"Id": body, "MessageBody": body} for body in ("good", "bad")]
    queues.send_message_batch(QueueUrl=url, Entries=entries)
    mapping = connect("lambda").create_event_source_mapping(
        FunctionName=function,
        EventSourceArn=f"arn:aws:sqs:us-east-1:000000000000:{name}",
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    [told] = eventually(lambda: happened(platform, function=function))
    assert told["outcome"] == "ok"
    assert told["prospect"] == "1 of 2 messages come again when the visibility timeout is over"
    connect("lambda").delete_event_source_mapping(UUID=mapping["UUID"])


def test_a_function_that_invokes_itself_is_refused(functions: Any, create: CreateFunction) -> None:
    name = create(CALLS_ITSELF, Timeout=60)
    answer = functions.invoke(FunctionName=name, Payload=b'{"depth": 1}')
    returned = json.load(answer["Payload"])
    assert returned["depth"] == 16
    assert "recursive loop" in returned["refused"]


def test_the_recursion_configuration(functions: Any, create: CreateFunction) -> None:
    name = create()
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    put = functions.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert put["RecursiveLoop"] == "Allow"
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
    with pytest.raises(ClientError) as refused:
        functions.put_function_recursion_config(FunctionName=name, RecursiveLoop="Sometimes")
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_function_recursion_config(FunctionName="no-such-function")
