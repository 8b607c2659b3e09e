"""Every source there is, each with the lines that get its records, and how a record is put into it.

A line is a function (or a queue, an inbox) that a source's records end in. What a function's line gives up lies in a
queue `<line>-dead`, in the bucket `given-up`, or was told to the function `undertaker`.
"""

import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from delivery.conservation.edge import key_of
from delivery.conservation.life import ACCOUNT, REGION, Life
from zips import zipped

ROLE = f"arn:aws:iam::{ACCOUNT}:role/conserve"
STREAM = "clicks"
#: A stream that a rule writes to.
RELAY = "relay"
TIMEOUT_SECONDS = 10
VISIBILITY_SECONDS = 60
#: Of a message, before it goes to the dead.
RECEIVES = 4
GIVEN_UP = "given-up"

SERVICES = ["s3.amazonaws.com", "sns.amazonaws.com", "events.amazonaws.com"]
OPEN = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": SERVICES}, "Action": "sqs:SendMessage", "Resource": "*"}
        ],
    }
)

PACKAGE = zipped({"app.py": "def handler(event, context): pass"})


@dataclass(frozen=True)
class Line:
    """One way that records of a source go."""

    name: str
    source: str
    is_inbox: bool = False
    """Its end is a queue: the test receives from it."""
    keeps_order: bool = False
    """Per key."""
    is_exact: bool = False
    """Whatever happens, each record comes once: what it ends in takes it in the transaction that moves on."""
    follows: str = ""
    """The line whose successes it gets: what that gives up never comes."""

    @property
    def gives_up_as(self) -> str:
        return self.follows or self.name


LINES = (
    Line("clicks", "clicks", keeps_order=True),
    Line("clicks-reporting", "clicks", keeps_order=True),
    Line("items", "items", keeps_order=True),
    Line("items-windowed", "items", keeps_order=True),
    Line("jobs", "jobs"),
    Line("orders", "orders", keeps_order=True),
    Line("objects", "objects"),
    Line("objects-inbox", "objects", is_inbox=True, is_exact=True),
    Line("objects-bus", "objects", is_inbox=True, is_exact=True),
    Line("notices", "notices"),
    Line("notices-inbox", "notices", is_inbox=True, is_exact=True),
    Line("bulletins", "bulletins", keeps_order=True),
    Line("events", "events"),
    Line("events-inbox", "events", is_inbox=True, is_exact=True),
    Line("events-streamed", "events", keeps_order=True),
    Line("alarms", "alarms"),
    Line("alarms-inbox", "alarms", is_inbox=True, is_exact=True),
    Line("alarms-called", "alarms", is_inbox=True),
    Line("logged", "logged"),
    Line("asked", "asked"),
    Line("asked-done", "asked", is_inbox=True, is_exact=True, follows="asked"),
)

FUNCTIONS = tuple(line.name for line in LINES if not line.is_inbox)
INBOXES = tuple(line.name for line in LINES if line.is_inbox)
#: Queues that mappings read, with the line; the test looks that nothing is left there.
MAPPED_QUEUES = {"jobs": "jobs", "orders.fifo": "orders", "bulletins.fifo": "bulletins"}
#: Dead-letter queue -> the line that gave up.
DEAD = {
    **{f"{line.name}-dead": line.name for line in LINES if line.name not in ("orders", "bulletins", "asked-done")},
    "orders-dead.fifo": "orders",
    "bulletins-dead.fifo": "bulletins",
}


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def function_arn(name: str) -> str:
    return arn("lambda", f"function:{name}")


def queue_url(name: str) -> str:
    return f"http://127.0.0.1:4566/{ACCOUNT}/{name}"


@dataclass
class Deployed:
    """What the steps of a run may change."""

    mappings: dict[str, str] = field(default_factory=dict)
    """Line -> UUID."""
    places: dict[tuple[str, int], str] = field(default_factory=dict)
    """(shard id, sequence number) -> the record of the Kinesis stream there."""


async def deploy(life: Life, chance: random.Random) -> Deployed:
    deployed = Deployed()
    await _create_queues(life)
    for name in FUNCTIONS:
        await create_function(life, name, ANSWERS=ANSWERS.get(name, ""))
    await create_function(life, "undertaker", ANSWERS="always")
    await _set_asynchronous(life, chance)
    await _create_sources(life)
    for line, source in await _mapped_sources(life):
        options = mapping_options(line, chance)
        made = await life.call(
            "lambda", "createEventSourceMapping", FunctionName=line, EventSourceArn=source, **_fixed(line), **options
        )
        deployed.mappings[line] = made["UUID"]
    for name in ("objects", "notices", "events", "logged"):
        await permit(life, name)
    await _connect(life)
    return deployed


#: Functions that report which records failed, and one that hands on the state of a tumbling window.
ANSWERS = {"clicks-reporting": "reports", "jobs": "reports", "orders": "reports", "items-windowed": "state"}


async def _create_queues(life: Life) -> None:
    for name in (*INBOXES, *DEAD):
        await create_queue(life, name, Policy=OPEN)
    for name, line in MAPPED_QUEUES.items():
        dead = f"{line}-dead.fifo" if name.endswith(".fifo") else f"{line}-dead"
        redrive = json.dumps({"deadLetterTargetArn": arn("sqs", dead), "maxReceiveCount": RECEIVES})
        await create_queue(life, name, Policy=OPEN, RedrivePolicy=redrive)


async def create_queue(life: Life, name: str, **attributes: str) -> None:
    if name.endswith(".fifo"):
        attributes["FifoQueue"] = "true"
    attributes["VisibilityTimeout"] = str(VISIBILITY_SECONDS)
    await life.call("sqs", "createQueue", QueueName=name, Attributes=attributes)


async def create_function(life: Life, name: str, **environment: str) -> None:
    await life.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Timeout=TIMEOUT_SECONDS,
        Environment={"Variables": environment},
        Code={"ZipFile": PACKAGE},
    )


async def _set_asynchronous(life: Life, chance: random.Random) -> None:
    """What a function could not handle goes to a queue, to another function, or to its dead-letter queue."""
    for name in ("objects", "notices", "events", "alarms", "logged", "asked"):
        ends = {
            "events": {"OnFailure": {"Destination": function_arn("undertaker")}},
            "notices": {},
        }.get(name, {"OnFailure": {"Destination": arn("sqs", f"{name}-dead")}})
        if name == "asked":
            ends["OnSuccess"] = {"Destination": arn("sqs", "asked-done")}
        await life.call(
            "lambda",
            "putFunctionEventInvokeConfig",
            FunctionName=name,
            MaximumRetryAttempts=chance.randint(0, 2),
            MaximumEventAgeInSeconds=chance.choice((300, 3600, 21_600)),
            DestinationConfig=ends,
        )
    dead = {"TargetArn": arn("sqs", "notices-dead")}
    await life.call("lambda", "updateFunctionConfiguration", FunctionName="notices", DeadLetterConfig=dead)


async def _create_sources(life: Life) -> None:
    for stream in (STREAM, RELAY):
        await life.call("kinesis", "createStream", StreamName=stream, ShardCount=2)
        await life.call("kinesis", "increaseStreamRetentionPeriod", StreamName=stream, RetentionPeriodHours=168)
    await life.call(
        "dynamodb",
        "createTable",
        TableName="items",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}, {"AttributeName": "name", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "key", "AttributeType": "S"},
            {"AttributeName": "name", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    for bucket in ("objects", GIVEN_UP):
        await life.call("s3", "createBucket", Bucket=bucket)
    await life.call("sns", "createTopic", Name="notices")
    await life.call("sns", "createTopic", Name="bulletins.fifo", Attributes={"FifoTopic": "true"})
    created = {"bucket": {"name": ["objects"]}, "object": {"key": [{"prefix": "objects-bus/"}]}}
    for rule, pattern in (("events", {"source": ["conserve"]}), ("objects", {"source": ["aws.s3"], "detail": created})):
        await life.call("events", "putRule", Name=rule, EventPattern=json.dumps(pattern))
    await life.call("logs", "createLogGroup", logGroupName="app")
    await life.call("logs", "createLogStream", logGroupName="app", logStreamName="main")


async def _mapped_sources(life: Life) -> list[tuple[str, str]]:
    """(line, ARN of what its mapping reads)."""
    table = (await life.call("dynamodb", "describeTable", TableName="items"))["Table"]
    return [
        ("clicks", arn("kinesis", f"stream/{STREAM}")),
        ("clicks-reporting", arn("kinesis", f"stream/{STREAM}")),
        ("items", table["LatestStreamArn"]),
        ("items-windowed", table["LatestStreamArn"]),
        ("events-streamed", arn("kinesis", f"stream/{RELAY}")),
        *((line, arn("sqs", queue)) for queue, line in MAPPED_QUEUES.items()),
    ]


def _fixed(line: str) -> dict[str, Any]:
    """Of a new mapping, and never changed."""
    reports = {"FunctionResponseTypes": ["ReportBatchItemFailures"]} if ANSWERS.get(line) == "reports" else {}
    if line in MAPPED_QUEUES.values():
        return reports
    failed = arn("sqs", f"{line}-dead") if line == "clicks-reporting" else f"arn:aws:s3:::{GIVEN_UP}"
    return {
        **reports,
        **({"TumblingWindowInSeconds": 30} if line == "items-windowed" else {}),
        "StartingPosition": "TRIM_HORIZON",
        "DestinationConfig": {"OnFailure": {"Destination": failed}},
    }


#: What is told of a batch that `clicks-reporting` gave up is a stretch of its shard: nobody else may be in it. And a
#: tumbling window begins again when its shard's lanes are divided anew.
_FIXED_PARALLELIZATION = {"clicks-reporting": 1, "items-windowed": 2}


def mapping_options(line: str, chance: random.Random) -> dict[str, Any]:
    if line in MAPPED_QUEUES.values():
        window = {} if line != "jobs" else {"MaximumBatchingWindowInSeconds": chance.choice((0, 0, 5))}
        scaling = {"MaximumConcurrency": chance.choice((2, 5, 20))}
        return {"BatchSize": chance.choice((1, 3, 10)), "ScalingConfig": scaling, **window}
    return {
        "BatchSize": chance.choice((1, 2, 5, 20)),
        "MaximumBatchingWindowInSeconds": chance.choice((0, 0, 2, 20)),
        "BisectBatchOnFunctionError": chance.random() < 0.7,
        "MaximumRetryAttempts": chance.choice((0, 1, 2, 4, 10)),
        "MaximumRecordAgeInSeconds": chance.choice((-1, -1, 600)),
        "ParallelizationFactor": _FIXED_PARALLELIZATION.get(line) or chance.randint(1, 4),
    }


async def permit(life: Life, function: str) -> None:
    principals = {"objects": "s3", "notices": "sns", "events": "events", "logged": "logs"}
    await life.call(
        "lambda",
        "addPermission",
        FunctionName=function,
        StatementId="source",
        Action="lambda:InvokeFunction",
        Principal=f"{principals[function]}.amazonaws.com",
    )


async def _connect(life: Life) -> None:
    await life.call(
        "s3",
        "putBucketNotificationConfiguration",
        Bucket="objects",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": function_arn("objects"), **_created_below("objects")},
            ],
            "QueueConfigurations": [
                {"QueueArn": arn("sqs", "objects-inbox"), **_created_below("objects-inbox")},
            ],
            "EventBridgeConfiguration": {},
        },
    )
    for protocol, end in (("lambda", function_arn("notices")), ("sqs", arn("sqs", "notices-inbox"))):
        redrive = json.dumps({"deadLetterTargetArn": arn("sqs", f"{end.rpartition(':')[2]}-dead")})
        await life.call(
            "sns",
            "subscribe",
            TopicArn=arn("sns", "notices"),
            Protocol=protocol,
            Endpoint=end,
            Attributes={"RedrivePolicy": redrive},
        )
    await life.call(
        "sns",
        "subscribe",
        TopicArn=arn("sns", "bulletins.fifo"),
        Protocol="sqs",
        Endpoint=arn("sqs", "bulletins.fifo"),
        Attributes={"RawMessageDelivery": "true"},
    )
    relay = {"RoleArn": ROLE, "KinesisParameters": {"PartitionKeyPath": "$.detail.key"}}
    for rule, line, end, options in (
        ("events", "events", function_arn("events"), {}),
        ("events", "events-inbox", arn("sqs", "events-inbox"), {}),
        ("events", "events-streamed", arn("kinesis", f"stream/{RELAY}"), relay),
        ("objects", "objects-bus", arn("sqs", "objects-bus"), {}),
    ):
        target = {"Id": line, "Arn": end, "DeadLetterConfig": {"Arn": arn("sqs", f"{line}-dead")}, **options}
        await life.call("events", "putTargets", Rule=rule, Targets=[target])
    await life.call(
        "logs",
        "putSubscriptionFilter",
        logGroupName="app",
        filterName="all",
        filterPattern="",
        destinationArn=function_arn("logged"),
    )


def _created_below(line: str) -> dict[str, Any]:
    """Two configurations must not want the same."""
    prefix = {"Name": "prefix", "Value": f"{line}/"}
    return {"Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": [prefix]}}}


# How records are put.

Feed = Callable[[Life, Deployed, random.Random, str], Awaitable[None]]


async def _put_click(life: Life, deployed: Deployed, _: random.Random, name: str) -> None:
    put = await life.call("kinesis", "putRecord", StreamName=STREAM, PartitionKey=key_of(name), Data=name)
    deployed.places[put["ShardId"], int(put["SequenceNumber"])] = name


async def _put_item(life: Life, _: Deployed, __: random.Random, name: str) -> None:
    item = {"key": {"S": key_of(name)}, "name": {"S": name}}
    await life.call("dynamodb", "putItem", TableName="items", Item=item)


async def _send_job(life: Life, _: Deployed, chance: random.Random, name: str) -> None:
    delay = chance.choice((0, 0, 0, 30))
    await life.call("sqs", "sendMessage", QueueUrl=queue_url("jobs"), MessageBody=name, DelaySeconds=delay)


async def _send_order(life: Life, _: Deployed, __: random.Random, name: str) -> None:
    await life.call(
        "sqs",
        "sendMessage",
        QueueUrl=queue_url("orders.fifo"),
        MessageBody=name,
        MessageGroupId=key_of(name),
        MessageDeduplicationId=name,
    )


async def _put_object(life: Life, _: Deployed, __: random.Random, name: str) -> None:
    for line in ("objects", "objects-inbox", "objects-bus"):
        await life.call("s3", "putObject", Bucket="objects", Key=f"{line}/{name}", Body=name)


async def _publish(life: Life, _: Deployed, __: random.Random, name: str) -> None:
    await life.call("sns", "publish", TopicArn=arn("sns", "notices"), Message=name)


async def _publish_bulletin(life: Life, _: Deployed, __: random.Random, name: str) -> None:
    await life.call(
        "sns",
        "publish",
        TopicArn=arn("sns", "bulletins.fifo"),
        Message=name,
        MessageGroupId=key_of(name),
        MessageDeduplicationId=name,
    )


async def _put_event(life: Life, _: Deployed, __: random.Random, name: str) -> None:
    entry = {"Source": "conserve", "DetailType": "record", "Detail": json.dumps({"name": name, "key": key_of(name)})}
    put = await life.call("events", "putEvents", Entries=[entry])
    assert put["FailedEntryCount"] == 0


async def _create_schedules(life: Life, _: Deployed, chance: random.Random, name: str) -> None:
    moment = datetime.fromtimestamp(life.clock.now() + chance.randint(60, 900), UTC)
    call = json.dumps({"QueueUrl": queue_url("alarms-called"), "MessageBody": name})
    targets = {
        "alarms": (function_arn("alarms"), json.dumps({"name": name})),
        "alarms-inbox": (arn("sqs", "alarms-inbox"), name),
        "alarms-called": ("arn:aws:scheduler:::aws-sdk:sqs:sendMessage", call),
    }
    for line, (target, payload) in targets.items():
        await life.call(
            "scheduler",
            "createSchedule",
            Name=f"{name}-{line}",
            ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion=chance.choice(("NONE", "DELETE")),
            Target={
                "Arn": target,
                "RoleArn": ROLE,
                "Input": payload,
                "DeadLetterConfig": {"Arn": arn("sqs", f"{line}-dead")},
            },
        )


async def _log(life: Life, _: Deployed, __: random.Random, name: str) -> None:
    events = [{"timestamp": life.clock.now_ms(), "message": name}]
    await life.call("logs", "putLogEvents", logGroupName="app", logStreamName="main", logEvents=events)


async def _ask(life: Life, _: Deployed, __: random.Random, name: str) -> None:
    payload = json.dumps({"name": name})
    await life.call("lambda", "invoke", FunctionName="asked", InvocationType="Event", Payload=payload)


FEEDS: dict[str, Feed] = {
    "clicks": _put_click,
    "items": _put_item,
    "jobs": _send_job,
    "orders": _send_order,
    "objects": _put_object,
    "notices": _publish,
    "bulletins": _publish_bulletin,
    "events": _put_event,
    "alarms": _create_schedules,
    "logged": _log,
    "asked": _ask,
}
