"""SQS: durable sends, receive-and-delete pairs, how soon a mapped function knows a message, how fast a backlog goes."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from typing import Any

from bench import functions, mappings, report
from bench.client import content_length, cpu_seconds, run, send_one
from bench.signing import Target

CONNECTIONS = 32
SENDS = 20_000
PAIRS = 8_000
SAMPLES, WARMING = 200, 20
BACKLOG = 20_000
WAITING, TOLD, PACE_SECONDS = 50, 400, 0.005
PATIENCE_SECONDS = 120

NOTHING = "def handler(event, context): pass"

ENTERED = """import time
def handler(event, context):
    now = time.time()
    for record in event["Records"]:
        print("ENTERED", record["body"], f"{now * 1000:.3f}")
"""


def call(target: Target, operation: str, document: dict[str, Any]) -> bytes:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"AmazonSQS.{operation}"}
    return target.request("sqs", "POST", "/", json.dumps(document).encode(), headers)


def measure(target: Target, client: Any, functions_client: Any, logs: Any, runs: int) -> Iterator[report.Figure]:
    url = client.create_queue(QueueName="bench-sends")["QueueUrl"]
    send = call(target, "SendMessage", {"QueueUrl": url, "MessageBody": "x" * 1024})
    asyncio.run(run(target.host, target.port, [send] * 500, CONNECTIONS))
    sent = [asyncio.run(run(target.host, target.port, [send] * SENDS, CONNECTIONS)) for _ in range(runs)]
    yield report.rate(f"SendMessage 1 KiB, {CONNECTIONS} connections", sent, 4_000)
    yield from _pairs(target, client, url)
    yield _told(target, client)
    yield _entered(target, client, functions_client, logs)
    yield _worked_off(target, client, functions_client)


def _pairs(target: Target, client: Any, url: str) -> Iterator[report.Figure]:
    """Receives of one message each with a backlog behind them, then the deletes of what they brought."""
    receive = call(target, "ReceiveMessage", {"QueueUrl": url, "VisibilityTimeout": 600})
    waiting = int(client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"][_WAITING])
    received = asyncio.run(run(target.host, target.port, [receive] * PAIRS, CONNECTIONS, keep_bodies=True))
    handles = [re.search(rb'"ReceiptHandle":"([^"]+)"', body) for body in received.bodies]
    found = {match[1].decode() for match in handles if match}
    deletes = [call(target, "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": handle}) for handle in found]
    deleted = asyncio.run(run(target.host, target.port, deletes, CONNECTIONS))
    yield report.Figure(
        f"ReceiveMessage and DeleteMessage, {CONNECTIONS} connections",
        len(found) / (received.seconds + deleted.seconds),
        "pairs per second",
        2_000,
        higher_is_better=True,
        note=f"{received.per_second:,.0f} receives and {deleted.per_second:,.0f} deletes per second, "
        f"{waiting:,} waited, {PAIRS - len(found)} missing, {sum(deleted.failures.values())} refused",
    )


_WAITING = "ApproximateNumberOfMessages"


def _worked_off(target: Target, client: Any, functions_client: Any) -> report.Figure:
    """A backlog waits when the mapping is made; from then until the queue is empty, what grows on the way included."""
    url = client.create_queue(QueueName="bench-backlog", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    entries = [{"Id": str(n), "MessageBody": "x" * 256} for n in range(10)]
    send = call(target, "SendMessageBatch", {"QueueUrl": url, "Entries": entries})
    asyncio.run(run(target.host, target.port, [send] * (BACKLOG // len(entries)), CONNECTIONS))
    functions.create(functions_client, "works-off", NOTHING)
    functions_client.invoke(FunctionName="works-off", Payload="{}")
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    waiting = int(attributes[_WAITING])
    began = time.perf_counter()
    mappings.map_source(functions_client, attributes["QueueArn"], "works-off")
    while left := _left(client, url):
        assert time.perf_counter() - began < PATIENCE_SECONDS, f"{left} messages are left"
        time.sleep(0.05)
    return report.Figure(
        "a backlog through a mapping, BatchSize 10",
        waiting / (time.perf_counter() - began),
        "messages per second",
        None,
        higher_is_better=True,
        note=f"{waiting:,} waited",
    )


def _left(client: Any, url: str) -> int:
    names = [_WAITING, f"{_WAITING}NotVisible"]
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def _told(target: Target, client: Any) -> report.Figure:
    """From the send to the one of many long polls that gets the message; beside it the server's CPU time for both."""
    url = client.create_queue(QueueName="bench-waiting")["QueueUrl"]
    delays: list[float] = []
    before = cpu_seconds(target.pid)
    asyncio.run(_tell_those_who_wait(target, url, delays))
    after = cpu_seconds(target.pid)
    figure = report.latency(f"SendMessage to one of {WAITING} waiting receivers", delays, None)
    if before is not None and after is not None:
        figure.note += f", {(after - before) / TOLD * 1e6:,.0f} us CPU each"
    return figure


async def _tell_those_who_wait(target: Target, url: str, delays: list[float]) -> None:
    receive = call(target, "ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 20, "VisibilityTimeout": 600})
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(_receive_all(target, receive, delays)) for _ in range(WAITING)]
        await asyncio.sleep(1)
        for _ in range(TOLD):
            send = call(target, "SendMessage", {"QueueUrl": url, "MessageBody": f"at {time.time():.6f}"})
            await run(target.host, target.port, [send], 1)
            await asyncio.sleep(PACE_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(delays) < TOLD:
                await asyncio.sleep(0.01)
        for one in waiting:
            one.cancel()


async def _receive_all(target: Target, receive: bytes, delays: list[float]) -> None:
    reader, writer = await asyncio.open_connection(target.host, target.port)
    try:
        while True:
            writer.write(receive)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(content_length(head, len(head)))
            now = time.time()
            delays += [(now - float(sent)) * 1000 for sent in re.findall(rb'"Body":"at ([\d.]+)"', body)]
    finally:
        writer.close()


def _entered(target: Target, client: Any, functions_client: Any, logs: Any) -> report.Figure:
    """Both ends read the same machine's clock: the client before it sends, the handler as its first statement."""
    url = client.create_queue(QueueName="bench-events", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    functions.create(functions_client, "told", ENTERED)
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    mappings.map_source(functions_client, arn, "told", BatchSize=1)
    sent: dict[str, float] = {}
    for n in range(SAMPLES + WARMING):
        request = call(target, "SendMessage", {"QueueUrl": url, "MessageBody": f"m{n}"})
        sent[f"m{n}"] = send_one(target, request)
        time.sleep(0.02)
    time.sleep(2)
    told = [re.search(r"ENTERED (\S+) ([\d.]+)", line) for line in mappings.lines(logs, "told", "ENTERED")]
    entered = {found[1]: float(found[2]) for found in told if found}
    values = [entered[f"m{n}"] - sent[f"m{n}"] for n in range(WARMING, SAMPLES + WARMING) if f"m{n}" in entered]
    figure = report.latency("SendMessage sent to handler entered, warm", values, 4.0)
    figure.note += f", {SAMPLES - len(values)} lost"
    return figure
