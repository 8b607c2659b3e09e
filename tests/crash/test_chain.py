"""A chain through everything, killed on the way: every object that was put has every effect it is to have.

S3 -> function -> table -> its stream -> function -> queue -> function -> topic -> two functions, each of which leaves
an object. The platform is killed twice while that goes on; what got no answer is put again, as a client would.
"""

import json
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import killing
from platform_process import PlatformProcess

OBJECTS = 1_000
KILLS = 2
PATIENCE_SECONDS = 150.0

ACCOUNT = "us-east-1:000000000000"

#: Function -> what it does with one piece of work; each is handed on under the object's key.
STEPS = {
    "intake": """
import boto3, urllib.parse
table = boto3.client("dynamodb")

def handler(event, context):
    for record in event["Records"]:
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        table.put_item(TableName="work", Item={"id": {"S": key}, "at": {"S": context.aws_request_id}})
""",
    "forward": """
import boto3, os
queue = boto3.client("sqs")

def handler(event, context):
    for record in event["Records"]:
        queue.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=record["dynamodb"]["Keys"]["id"]["S"])
""",
    "announce": """
import boto3, os
topic = boto3.client("sns")

def handler(event, context):
    for record in event["Records"]:
        topic.publish(TopicArn=os.environ["TOPIC"], Message=record["body"])
""",
    "first": """
import boto3
bucket = boto3.client("s3")

def handler(event, context):
    for record in event["Records"]:
        bucket.put_object(Bucket="effects", Key=context.function_name + "/" + record["Sns"]["Message"], Body=b"")
""",
}
STEPS["second"] = STEPS["first"]


def deploy(platform: PlatformProcess) -> None:
    s3, queues, topics, functions = (platform.client(name) for name in ("s3", "sqs", "sns", "lambda"))
    for bucket in ("intake", "effects"):
        s3.create_bucket(Bucket=bucket)
    stream = killing.create_table(platform, "work", view="KEYS_ONLY")
    queue = queues.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "10"})["QueueUrl"]
    topic = topics.create_topic(Name="done")["TopicArn"]
    for name, source in STEPS.items():
        environment = {"Variables": {"QUEUE": queue, "TOPIC": topic}}
        killing.create_function(platform, name, source, Timeout=10, Environment=environment)
    for name, source, principal in (
        ("intake", "arn:aws:s3:::intake", "s3"),
        ("first", topic, "sns"),
        ("second", topic, "sns"),
    ):
        killing.permit(platform, name, principal, SourceArn=source)
    s3.put_bucket_notification_configuration(
        Bucket="intake",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn("intake"), "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    functions.create_event_source_mapping(
        EventSourceArn=stream, FunctionName="forward", StartingPosition="TRIM_HORIZON", BatchSize=100
    )
    functions.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{ACCOUNT}:work", FunctionName="announce", BatchSize=10
    )
    for name in ("first", "second"):
        topics.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn(name))


def arn(function: str) -> str:
    return f"arn:aws:lambda:{ACCOUNT}:function:{function}"


def put_until_killed(platform: PlatformProcess, waiting: list[str], acknowledged: set[str]) -> None:
    s3 = killing.client_without_retries(platform, "s3")
    while waiting:
        key = waiting.pop()
        try:
            s3.put_object(Bucket="intake", Key=key, Body=b"x")
        except killing.NO_ANSWER:
            waiting.append(key)
            return
        acknowledged.add(key)


def effects(platform: PlatformProcess, function: str) -> set[str]:
    return {key.partition("/")[2] for key in killing.keys_in(platform, "effects", f"{function}/")}


def settle(platform: PlatformProcess, acknowledged: set[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    for function in ("first", "second"):
        killing.wait_until_complete(
            lambda function=function: acknowledged - effects(platform, function),  # type: ignore[misc]  # bound
            f"effects of {function} are missing",
            patience=deadline - time.monotonic(),
            pause=0.5,
        )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_chain_through_everything_survives_being_killed(tmp_path: Path) -> None:
    waiting, acknowledged = [f"order {number:04}" for number in range(OBJECTS)], set[str]()
    with PlatformProcess.started(tmp_path) as platform:
        deploy(platform)
    for _ in range(KILLS):
        with PlatformProcess.started(tmp_path) as platform, ThreadPoolExecutor(4) as writers:
            killer = threading.Timer(random.uniform(0.8, 2.0), platform.kill)
            killer.start()
            for _ in range(4):
                writers.submit(put_until_killed, platform, waiting, acknowledged)
            killer.join()
    with PlatformProcess.started(tmp_path) as platform:
        put_until_killed(platform, waiting, acknowledged)
        assert len(acknowledged) == OBJECTS
        settle(platform, acknowledged)
        assert one_chain(platform), "no chain was told whole"


def one_chain(platform: PlatformProcess) -> bool:
    """A last object, whose way is told from its put to the end of it under one trace."""
    platform.client("s3").put_object(Bucket="intake", Key="the last", Body=b"x")
    settle(platform, {"the last"})
    told = json.loads(recent_events(platform))["events"]
    roots = [one["traceRoot"] for one in told if one["functionArn"] == arn("second") and one["outcome"] == "ok"]
    chain = {one["functionArn"].rpartition(":")[2] for one in told if one["traceRoot"] == roots[-1]}
    return {"intake", "forward", "announce", "first", "second"} <= chain


def recent_events(platform: PlatformProcess) -> str:
    command = [sys.executable, "-m", "lambent", "events", "--json", "-n", "200", "--endpoint", platform.url]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.dumps({"events": [json.loads(line) for line in printed.splitlines()]})
