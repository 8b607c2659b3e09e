"""How a record is put into each source. What gets no answer, because the platform ended, may be there or not."""

import json
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from delivery.conservation.life import Life
from delivery.conservation.lines import RELAY, STREAM, arn, function_arn, queue_url
from delivery.conservation.records import key_of
from delivery.conservation.sources import ROLE, Deployed

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
    for line in ("objects", "objects-inbox", "objects-told", "objects-bus"):
        await life.call("s3", "putObject", Bucket="objects", Key=f"{line}/{name}", Body=name)


async def _publish(life: Life, _: Deployed, __: random.Random, name: str) -> None:
    await life.call("sns", "publish", TopicArn=arn("sns", "notices"), Message=name)


async def _invite(life: Life, _: Deployed, __: random.Random, name: str) -> None:
    """A subscription that has to be confirmed: what travels is the request to."""
    url = f"{life.endpoint.url}/invitations/{name}"
    await life.call("sns", "subscribe", TopicArn=arn("sns", "invitations"), Protocol="http", Endpoint=url)


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
    detail = json.dumps({"name": name})
    targets: dict[str, dict[str, Any]] = {
        "alarms": {"Arn": function_arn("alarms"), "Input": detail},
        "alarms-inbox": {"Arn": arn("sqs", "alarms-inbox"), "Input": name},
        "alarms-told": {"Arn": arn("sns", "told"), "Input": name},
        "alarms-aside": {
            "Arn": arn("events", "event-bus/aside"),
            "Input": detail,
            "EventBridgeParameters": {"DetailType": "record", "Source": "conserve"},
        },
        "alarms-streamed": {
            "Arn": arn("kinesis", f"stream/{RELAY}"),
            "Input": name,
            "KinesisParameters": {"PartitionKey": key_of(name)},
        },
        "alarms-called": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": call},
    }
    for line, target in targets.items():
        await life.call(
            "scheduler",
            "createSchedule",
            Name=f"{name}-{line}",
            ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion=chance.choice(("NONE", "DELETE")),
            Target={"RoleArn": ROLE, "DeadLetterConfig": {"Arn": arn("sqs", f"{line}-dead")}, **target},
        )


async def _log(life: Life, _: Deployed, __: random.Random, name: str) -> None:
    events = [{"timestamp": life.clock.now_ms(), "message": name}]
    await life.call("logs", "putLogEvents", logGroupName="app", logStreamName=key_of(name), logEvents=events)


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
    "invitations": _invite,
    "bulletins": _publish_bulletin,
    "events": _put_event,
    "alarms": _create_schedules,
    "logged": _log,
    "asked": _ask,
}
