"""Schedules: how late each of a thousand is that are due in the same second."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bench import report
from bench.client import run
from bench.signing import Target

SCHEDULES = 1_000
#: From the first request until they are due: time to create them all.
LEAD_SECONDS = 20
PATIENCE_SECONDS = 60.0


def measure(target: Target, queues: Any) -> Iterator[report.Figure]:
    """The queue's clock when it took the message, against the second of the schedule: one machine, milliseconds."""
    url = queues.create_queue(QueueName="bench-schedules")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    due = int(time.time()) + LEAD_SECONDS
    requests = [_create(target, f"bench-{number}", arn, due) for number in range(SCHEDULES)]
    asyncio.run(run(target.host, target.port, requests, 8))
    time.sleep(max(due - time.time(), 0))
    late = _receive(queues, url, due * 1000)
    figure = report.latency("a schedule's second to its message sent, 1,000 in the same second", late, None)
    figure.note += f", {SCHEDULES - len(late)} lost"
    yield figure


def _create(target: Target, name: str, queue_arn: str, due: int) -> bytes:
    document = {
        "ScheduleExpression": f"at({datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M:%S})",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {"Arn": queue_arn, "RoleArn": "arn:aws:iam::000000000000:role/bench", "Input": name},
    }
    return target.request("scheduler", "POST", f"/schedules/{name}", json.dumps(document).encode())


def _receive(queues: Any, url: str, due_ms: int) -> list[float]:
    late: dict[str, float] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(late) < SCHEDULES and time.monotonic() < deadline:
        answer = queues.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, AttributeNames=["SentTimestamp"]
        )
        for message in answer.get("Messages", []):
            late[message["Body"]] = float(message["Attributes"]["SentTimestamp"]) - due_ms
    return list(late.values())
