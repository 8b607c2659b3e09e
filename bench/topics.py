"""SNS: publishes per second with one queue or one function subscribed, and how soon a function has the message."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from bench import functions, report
from bench.client import run, send_one
from bench.signing import Target

ENTERED = """import time
def handler(event, context):
    now = time.time()
    print("ENTERED", event["Records"][0]["Sns"]["Message"].split()[0], f"{now * 1000:.3f}")
"""
MESSAGE_BYTES = 256
SAMPLES, WARM_UP = 200, 20


def measure(target: Target, sns: Any, sqs: Any, client: Any, logs: Any, runs: int) -> Iterator[report.Figure]:
    yield from _rates(target, sns, sqs, runs)
    yield _latency(target, sns, client, logs)


def _rates(target: Target, sns: Any, sqs: Any, runs: int) -> Iterator[report.Figure]:
    topic, url = _topic_with_queue(sns, sqs)
    request = _publish(target, topic, "x" * MESSAGE_BYTES)
    asyncio.run(run(target.host, target.port, [request] * 200, 8))
    for connections, count in ((1, 1_000), (32, 5_000)):
        outcomes = [asyncio.run(run(target.host, target.port, [request] * count, connections)) for _ in range(runs)]
        yield report.rate(f"Publish 256 B to one queue, {connections} connections", outcomes, None)
    start, wanted = time.perf_counter(), 200 + runs * 6_000
    while _count(sqs, url) < wanted:
        time.sleep(0.05)
    yield report.Figure(
        "until the last of them was in the queue", time.perf_counter() - start, "seconds", note=f"{wanted} messages"
    )


def _topic_with_queue(sns: Any, sqs: Any) -> tuple[str, str]:
    topic = sns.create_topic(Name="bench-rate")["TopicArn"]
    url = sqs.create_queue(QueueName="bench-topics")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return str(topic), str(url)


def _count(sqs: Any, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def _latency(target: Target, sns: Any, client: Any, logs: Any) -> report.Figure:
    """Both ends read the same machine's clock: the client before it sends, the handler as its first statement."""
    topic = sns.create_topic(Name="bench-entered")["TopicArn"]
    function = functions.create(client, "topic-entered", ENTERED)
    client.add_permission(
        FunctionName="topic-entered", StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com"
    )
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sent: dict[str, float] = {}
    for number in range(SAMPLES + WARM_UP):
        request = _publish(target, topic, f"k{number} {'x' * MESSAGE_BYTES}")
        sent[f"k{number}"] = send_one(target, request)
        time.sleep(0.02)
    time.sleep(2)
    entered = _entered(logs, "/aws/lambda/topic-entered")
    measured = [f"k{number}" for number in range(WARM_UP, SAMPLES + WARM_UP)]
    values = [entered[key] - sent[key] for key in measured if key in entered]
    figure = report.latency("Publish sent to handler entered, warm", values, 10.0)
    figure.note += f", {SAMPLES - len(values)} lost"
    return figure


def _entered(logs: Any, group: str) -> dict[str, float]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern="ENTERED")
    found = [re.search(r"ENTERED (\S+) ([\d.]+)", event["message"]) for page in pages for event in page["events"]]
    return {match[1]: float(match[2]) for match in found if match}


def _publish(target: Target, topic: str, message: str) -> bytes:
    form = urlencode({"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic, "Message": message})
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return target.request("sns", "POST", "/", form.encode(), headers)
