"""What is deployed: every source, the functions and queues that its records end in, and what connects them.

What may be chosen (limits, destinations, retries) is drawn anew for each run.
"""

import asyncio
import json
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from delivery.conservation.edge import RELIEF
from delivery.conservation.endpoint import INVITATIONS
from delivery.conservation.life import ACCOUNT, Life
from delivery.conservation.lines import (
    ASYNCHRONOUS,
    DEAD,
    FUNCTIONS,
    GIVEN_UP,
    INBOXES,
    LAST_WORDS,
    LOGGED,
    MAPPED_QUEUES,
    RELAY,
    RELIEFS,
    STREAM,
    TELLING,
    UNDERTAKER,
    arn,
    function_arn,
)
from delivery.scene import PATIENCE_SECONDS
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from zips import zipped

ROLE = f"arn:aws:iam::{ACCOUNT}:role/conserve"
TIMEOUT_SECONDS = 10
VISIBILITY_SECONDS = 60
#: Of a message, before it goes to the dead.
RECEIVES = 4

SERVICES = ["s3.amazonaws.com", "sns.amazonaws.com", "events.amazonaws.com"]


def policy(effect: str, principal: object, action: str, resource: str = "*") -> str:
    statement = {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


OPEN = policy("Allow", {"Service": SERVICES}, "sqs:SendMessage")
OPEN_TOPIC = policy("Allow", {"Service": SERVICES}, "sns:Publish")

PACKAGE = zipped({"app.py": "def handler(event, context): pass"})

#: Functions that report which records failed, and one that hands on the state of a tumbling window.
ANSWERS = {"clicks-reporting": "reports", "jobs": "reports", "orders": "reports", "items-windowed": "state"}

#: Topic -> queue that is told word for word what is published there.
TOLD = {
    "told": "told",
    LAST_WORDS: LAST_WORDS,
    "asked-done": "asked-done",
    "clicks-reporting-dead": "clicks-reporting-dead",
    "notices-dead": "notices-dead",
}

#: They fall into different lanes, whatever the parallelization.
KEYS = "abdfg"

#: One is kept for good, the other is deleted and made anew.
ARCHIVES = ("kept", "brief")


@dataclass
class Deployed:
    """What the steps of a run may change."""

    mappings: dict[str, str] = field(default_factory=dict)
    """Function -> UUID; that of one which was deleted stays until there is another."""
    unmapped: dict[str, EventSourceMapping] = field(default_factory=dict)
    """Function -> its mapping, which was deleted."""
    sources: dict[str, str] = field(default_factory=dict)
    """Function -> ARN of what its mapping reads."""
    begun: defaultdict[str, "Beginning"] = field(default_factory=lambda: defaultdict(Beginning))
    """Function -> where its account began, if its mapping was made anew."""
    places: dict[tuple[str, int], str] = field(default_factory=dict)
    """(shard id, sequence number) -> the record of the Kinesis stream there."""
    destroyed: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Line -> what was in its stream when that was deleted."""
    replays: dict[str, "Replayed"] = field(default_factory=dict)
    posted: list[str] = field(default_factory=list)
    """ARNs of the subscriptions of URLs."""


@dataclass(frozen=True)
class Beginning:
    """How much was there of it already."""

    handled: int = 0
    told: int = 0


@dataclass(frozen=True)
class Replayed:
    """A replay, as it was begun."""

    kept: list[tuple[int, int, str]]
    """(time, position, name) of what the archive had then, of the time that is wanted."""


async def deploy(life: Life, chance: random.Random) -> Deployed:
    deployed = Deployed()
    await _create_queues(life)
    for name in (*FUNCTIONS, *RELIEFS):
        await create_function(life, name, ANSWERS=ANSWERS.get(name.removesuffix(RELIEF), ""))
    await create_function(life, UNDERTAKER, ANSWERS="always")
    await _create_sources(life)
    await _create_topics(life)
    await _create_buses(life)
    await _set_asynchronous(life, chance)
    for function, source in await _mapped_sources(life):
        deployed.sources[function] = source
        await create_mapping(life, deployed, function, chance)
    for name in ("objects", "notices", "events", "logged", "replayed"):
        await permit(life, name)
    await _connect(life, chance)
    await _subscribe_url(life, deployed, chance, f"{life.endpoint.url}/notices-posted")
    await _subscribe_url(life, deployed, chance, f"{life.endpoint.tls_url}/notices-sealed")
    return deployed


async def _create_queues(life: Life) -> None:
    for name in (*INBOXES, *DEAD, LAST_WORDS):
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


async def _create_sources(life: Life) -> None:
    for stream in (STREAM, RELAY, LOGGED):
        await create_stream(life, stream)
    await life.call("kinesis", "registerStreamConsumer", StreamARN=arn("kinesis", f"stream/{STREAM}"), ConsumerName="f")
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
    for group in ("app", "events"):
        await life.call("logs", "createLogGroup", logGroupName=group)
    for stream in KEYS:
        await life.call("logs", "createLogStream", logGroupName="app", logStreamName=stream)


async def create_stream(life: Life, name: str) -> None:
    await life.call("kinesis", "createStream", StreamName=name, ShardCount=2)
    await life.call("kinesis", "increaseStreamRetentionPeriod", StreamName=name, RetentionPeriodHours=168)


async def _create_topics(life: Life) -> None:
    await life.call("sns", "createTopic", Name="notices")
    await life.call("sns", "createTopic", Name=INVITATIONS)
    await life.call("sns", "createTopic", Name="bulletins.fifo", Attributes={"FifoTopic": "true"})
    for topic in TOLD:
        await life.call("sns", "createTopic", Name=topic, Attributes={"Policy": OPEN_TOPIC})


async def _create_buses(life: Life) -> None:
    await life.call("events", "createEventBus", Name="aside")
    created = {"bucket": {"name": ["objects"]}, "object": {"key": [{"prefix": "objects-bus/"}]}}
    first, again = [{"exists": False}], [{"exists": True}]
    for bus, rule, pattern in (
        ("default", "events", {"source": ["conserve"], "replay-name": first}),
        ("default", "noted", {"source": ["conserve"], "replay-name": first}),
        ("default", "replayed", {"source": ["conserve"], "replay-name": again}),
        ("default", "objects", {"source": ["aws.s3"], "detail": created}),
        ("aside", "aside", {"source": ["conserve"]}),
        ("aside", "done", {"source": ["lambda"], "detail-type": [{"suffix": "Success"}]}),
        ("aside", LAST_WORDS, {"source": ["lambda"], "detail-type": [{"suffix": "Failure"}]}),
    ):
        await life.call("events", "putRule", Name=rule, EventBusName=bus, EventPattern=json.dumps(pattern))
    for archive in ARCHIVES:
        await create_archive(life, archive)


async def create_archive(life: Life, name: str) -> None:
    await life.call(
        "events",
        "createArchive",
        ArchiveName=name,
        EventSourceArn=arn("events", "event-bus/default"),
        EventPattern=json.dumps({"source": ["conserve"]}),
    )


async def _set_asynchronous(life: Life, chance: random.Random) -> None:
    """What a function could not handle goes to a destination of any kind; of one, to its dead-letter queue or topic."""
    for name in ASYNCHRONOUS:
        ends = {} if name == "notices" else {"OnFailure": {"Destination": chance.choice(_failure_destinations(name))}}
        if name == "asked":
            done = (arn("sqs", "asked-done"), arn("sns", "asked-done"), arn("events", "event-bus/aside"))
            ends["OnSuccess"] = {"Destination": chance.choice(done)}
        await life.call(
            "lambda",
            "putFunctionEventInvokeConfig",
            FunctionName=name,
            MaximumRetryAttempts=chance.randint(0, 2),
            MaximumEventAgeInSeconds=chance.choice((300, 3600, 21_600)),
            DestinationConfig=ends,
        )
    dead = {"TargetArn": arn(chance.choice(("sqs", "sns")), "notices-dead")}
    await life.call("lambda", "updateFunctionConfiguration", FunctionName="notices", DeadLetterConfig=dead)


def _failure_destinations(function: str) -> tuple[str, ...]:
    return (
        arn("sqs", f"{function}-dead"),
        arn("sns", LAST_WORDS),
        arn("events", "event-bus/aside"),
        function_arn(UNDERTAKER),
        f"arn:aws:s3:::{GIVEN_UP}",
    )


# Mappings.


async def _mapped_sources(life: Life) -> list[tuple[str, str]]:
    """(function, ARN of what its mapping reads)."""
    table = (await life.call("dynamodb", "describeTable", TableName="items"))["Table"]
    stream = arn("kinesis", f"stream/{STREAM}")
    consumers = await life.call("kinesis", "listStreamConsumers", StreamARN=stream)
    return [
        ("clicks", stream),
        ("clicks-reporting", stream),
        ("clicks-fanned", consumers["Consumers"][0]["ConsumerARN"]),
        ("items", table["LatestStreamArn"]),
        ("items-windowed", table["LatestStreamArn"]),
        ("events-streamed", arn("kinesis", f"stream/{RELAY}")),
        ("logged-streamed", arn("kinesis", f"stream/{LOGGED}")),
        *((line, arn("sqs", queue)) for queue, line in MAPPED_QUEUES.items()),
    ]


async def create_mapping(life: Life, deployed: Deployed, function: str, chance: random.Random) -> None:
    made = await life.call(
        "lambda",
        "createEventSourceMapping",
        FunctionName=function,
        EventSourceArn=deployed.sources[function],
        **_fixed(function),
        **mapping_options(function, chance),
    )
    deployed.mappings[function] = made["UUID"]


def _fixed(function: str) -> dict[str, Any]:
    """Of a new mapping, and never changed."""
    reports = {"FunctionResponseTypes": ["ReportBatchItemFailures"]} if ANSWERS.get(function) == "reports" else {}
    if function in MAPPED_QUEUES.values():
        return reports
    window = {"TumblingWindowInSeconds": 30} if function == "items-windowed" else {}
    return {**reports, **window, "StartingPosition": "TRIM_HORIZON"}


#: What is told of a batch that `clicks-reporting` gave up is a stretch of its shard: nobody else may be in it. And a
#: tumbling window begins again when its shard's lanes are divided anew.
_FIXED_PARALLELIZATION = {"clicks-reporting": 1, "items-windowed": 2}


def mapping_options(function: str, chance: random.Random) -> dict[str, Any]:
    if function in MAPPED_QUEUES.values():
        window = {} if function != "jobs" else {"MaximumBatchingWindowInSeconds": chance.choice((0, 5, 20))}
        scaling = {"MaximumConcurrency": chance.choice((2, 5, 20))}
        return {"BatchSize": chance.choice((1, 3, 10)), "ScalingConfig": scaling, **window}
    return {
        "BatchSize": chance.choice((1, 2, 5, 20)),
        "MaximumBatchingWindowInSeconds": chance.choice((0, 0, 2, 20)),
        "BisectBatchOnFunctionError": chance.random() < 0.7,
        "MaximumRetryAttempts": chance.choice((0, 1, 2, 4, 10)),
        "MaximumRecordAgeInSeconds": chance.choice((-1, -1, 600)),
        "ParallelizationFactor": _FIXED_PARALLELIZATION.get(function) or chance.randint(1, 4),
        "DestinationConfig": {"OnFailure": {"Destination": chance.choice(_batch_destinations(function))}},
    }


def _batch_destinations(function: str) -> tuple[str, ...]:
    """What a queue and a topic are told is looked up in one stream, and in no other."""
    if function == TELLING:
        return arn("sqs", f"{function}-dead"), arn("sns", f"{function}-dead")
    return (f"arn:aws:s3:::{GIVEN_UP}",)


async def permit(life: Life, function: str) -> None:
    principals = {"objects": "s3", "notices": "sns", "events": "events", "logged": "logs", "replayed": "events"}
    await life.call(
        "lambda",
        "addPermission",
        FunctionName=function,
        StatementId="source",
        Action="lambda:InvokeFunction",
        Principal=f"{principals[function]}.amazonaws.com",
    )


# Who tells whom.


async def _connect(life: Life, chance: random.Random) -> None:
    await _connect_bucket(life)
    await _subscribe_to_topics(life)
    await _add_targets(life)
    await put_filter(life, "all", function_arn("logged"), chance)
    await put_filter(life, "streamed", arn("kinesis", f"stream/{LOGGED}"), chance)


async def _connect_bucket(life: Life) -> None:
    configuration = {
        "LambdaFunctionConfigurations": [{"LambdaFunctionArn": function_arn("objects"), **_created_below("objects")}],
        "QueueConfigurations": [{"QueueArn": arn("sqs", "objects-inbox"), **_created_below("objects-inbox")}],
        "TopicConfigurations": [{"TopicArn": arn("sns", "told"), **_created_below("objects-told")}],
        "EventBridgeConfiguration": {},
    }
    await life.call(
        "s3", "putBucketNotificationConfiguration", Bucket="objects", NotificationConfiguration=configuration
    )


def _created_below(line: str) -> dict[str, Any]:
    """Two configurations must not want the same."""
    prefix = {"Name": "prefix", "Value": f"{line}/"}
    return {"Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": [prefix]}}}


async def _subscribe_to_topics(life: Life) -> None:
    raw = {"RawMessageDelivery": "true"}
    for topic, end, attributes in (
        ("notices", function_arn("notices"), _redrive("notices-dead")),
        ("notices", arn("sqs", "notices-inbox"), _redrive("notices-inbox-dead")),
        ("bulletins.fifo", arn("sqs", "bulletins.fifo"), raw),
        *((topic, arn("sqs", queue), raw) for topic, queue in TOLD.items()),
    ):
        protocol = end.split(":")[2]
        await life.call(
            "sns", "subscribe", TopicArn=arn("sns", topic), Protocol=protocol, Endpoint=end, Attributes=attributes
        )


def _redrive(queue: str) -> dict[str, str]:
    return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn("sqs", queue)})}


async def _add_targets(life: Life) -> None:
    relay = {"RoleArn": ROLE, "KinesisParameters": {"PartitionKeyPath": "$.detail.key"}}
    for bus, rule, line, end, options in (
        ("default", "events", "events", function_arn("events"), {}),
        ("default", "events", "events-inbox", arn("sqs", "events-inbox"), {}),
        ("default", "events", "events-told", arn("sns", "told"), {}),
        ("default", "events", "events-aside", arn("events", "event-bus/aside"), {"RoleArn": ROLE}),
        ("default", "events", "events-streamed", arn("kinesis", f"stream/{RELAY}"), relay),
        ("default", "replayed", "replayed", function_arn("replayed"), {}),
        ("default", "replayed", "replayed-inbox", arn("sqs", "replayed-inbox"), {}),
        ("default", "replayed", "replayed-streamed", arn("kinesis", f"stream/{RELAY}"), relay),
        ("default", "objects", "objects-bus", arn("sqs", "objects-bus"), {}),
    ):
        dead = {"DeadLetterConfig": {"Arn": arn("sqs", f"{line}-dead")}}
        await _add_target(life, bus, rule, {"Id": line, "Arn": end, **dead, **options})
    await _add_target(life, "default", "noted", {"Id": "log", "Arn": arn("logs", "log-group:events")})
    await _add_target(life, "aside", "aside", {"Id": "aside", "Arn": arn("sqs", "aside")})
    await _add_target(life, "aside", "done", {"Id": "done", "Arn": arn("sqs", "asked-done")})
    await _add_target(life, "aside", LAST_WORDS, {"Id": "words", "Arn": arn("sqs", LAST_WORDS)})


async def _add_target(life: Life, bus: str, rule: str, target: dict[str, Any]) -> None:
    put = await life.call("events", "putTargets", EventBusName=bus, Rule=rule, Targets=[target])
    assert not put["FailedEntryCount"], put


async def put_filter(life: Life, name: str, destination: str, chance: random.Random) -> None:
    """The same of it, however it is put."""
    role = {} if ":lambda:" in destination else {"roleArn": ROLE}
    await life.call(
        "logs",
        "putSubscriptionFilter",
        logGroupName="app",
        filterName=name,
        filterPattern=chance.choice(("", '"logged"')),
        destinationArn=destination,
        **role,
    )


async def _subscribe_url(life: Life, deployed: Deployed, chance: random.Random, url: str) -> None:
    """It has to be confirmed; what is published before that is not for it."""
    protocol, line = url.partition(":")[0], url.rpartition("/")[2]
    attributes = {**_redrive(f"{line}-dead"), "DeliveryPolicy": delivery_policy(chance)}
    topic = arn("sns", "notices")
    await life.call("sns", "subscribe", TopicArn=topic, Protocol=protocol, Endpoint=url, Attributes=attributes)
    await _is_asked(life, f"/{line}")
    confirmed = await life.call("sns", "confirmSubscription", TopicArn=topic, Token=life.endpoint.tokens[f"/{line}"])
    deployed.posted.append(confirmed["SubscriptionArn"])


async def _is_asked(life: Life, path: str) -> None:
    """For confirmation; a key to sign with is made first, which takes real time."""
    end = time.monotonic() + PATIENCE_SECONDS
    while path not in life.endpoint.tokens:
        assert time.monotonic() < end, f"{path} was not asked for confirmation"
        await life.pass_time(1)
        await asyncio.sleep(0.001)


def delivery_policy(chance: random.Random) -> str:
    at_once, before, between = chance.choice((0, 0, 1)), chance.choice((0, 1)), chance.randint(1, 2)
    policy: dict[str, Any] = {
        "healthyRetryPolicy": {
            "minDelayTarget": 5,
            "maxDelayTarget": chance.choice((5, 60)),
            "numRetries": at_once + before + between,
            "numNoDelayRetries": at_once,
            "numMinDelayRetries": before,
            "backoffFunction": chance.choice(("linear", "exponential")),
        }
    }
    if chance.random() < 0.3:
        policy["throttlePolicy"] = {"maxReceivesPerSecond": chance.choice((1, 5))}
    return json.dumps(policy)
