"""Lambda: warm and cold invocations, asynchronous throughput, event latency, memory per environment."""

import asyncio
import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench import memory, report
from bench.client import run, send_one
from bench.signing import Target

HELLO = "def handler(event, context):\n    return {'hello': event.get('name')}\n"
USES_S3 = """import boto3
s3 = boto3.client("s3")
def handler(event, context):
    return s3.head_bucket(Bucket="bench-functions")["ResponseMetadata"]["HTTPStatusCode"]
"""
HELLO_NODE = "exports.handler = async (event) => ({hello: event.name});\n"
ENTERED = """import time
def handler(event, context):
    now = time.time()
    print("ENTERED", event["Records"][0]["s3"]["object"]["key"], f"{now * 1000:.3f}")
"""
SLEEPY = "import time\ndef handler(event, context):\n    time.sleep(0.5)\n"

PYTHON, NODE = "python3.11", "nodejs20.x"
ROLE = "arn:aws:iam::000000000000:role/bench"
COLD_SAMPLES = 40
#: A reaper and the runtime.
PROCESSES_PER_ENVIRONMENT = 2
#: Pause between cold starts, so that each finds the machine as idle as a first event would.
COLD_PAUSE_SECONDS = 0.25


def package(source: str, file: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(file, source)
    return buffer.getvalue()


def create(client: Any, name: str, source: str, *, runtime: str = PYTHON, memory_mb: int = 512) -> str:
    file = "index.js" if runtime.startswith("nodejs") else "index.py"
    created = client.create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": package(source, file)},
        MemorySize=memory_mb,
        Timeout=30,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return str(created["FunctionArn"])


def invocation(target: Target, name: str, body: bytes = b'{"name": "bench"}', kind: str = "RequestResponse") -> bytes:
    headers = {"x-amz-invocation-type": kind}
    return target.request("lambda", "POST", f"/2015-03-31/functions/{name}/invocations", body, headers)


def measure_warm(target: Target, client: Any, runs: int) -> Iterator[report.Figure]:
    create(client, "warm", HELLO)
    request = invocation(target, "warm")
    asyncio.run(run(target.host, target.port, [request] * 200, 8))
    single = [asyncio.run(run(target.host, target.port, [request] * 1500, 1)) for _ in range(runs)]
    yield report.latency(
        "warm Invoke, 1 connection", [value for outcome in single for value in outcome.latencies_ms], 0.7
    )
    yield report.rate(
        "warm Invoke, 8 connections",
        [asyncio.run(run(target.host, target.port, [request] * 8000, 8)) for _ in range(runs)],
        4000,
    )


def measure_cold(target: Target, client: Any, s3: Any, *, node: bool) -> Iterator[report.Figure]:
    s3.create_bucket(Bucket="bench-functions")
    cases = [
        ("cold start, Python hello", HELLO, PYTHON, 6.0),
        ("cold start, Python with one S3 call", USES_S3, PYTHON, 35.0),
    ]
    if node:
        cases.append(("cold start, Node hello (CommonJS)", HELLO_NODE, NODE, 8.0))
    for title, source, runtime, goal in cases:
        names = [f"cold-{title.split()[-1].strip('()').lower()}-{n}" for n in range(COLD_SAMPLES + 2)]
        for name in names:
            create(client, name, source, runtime=runtime, memory_mb=1024)
        time.sleep(1)
        values = []
        for name in names:
            request = invocation(target, name)
            outcome = asyncio.run(run(target.host, target.port, [request], 1, keep_bodies=True))
            if outcome.failures or b"error" in outcome.bodies[0]:
                raise RuntimeError(f"{name}: {outcome.failures} {outcome.bodies[0]!r}")
            values.append(outcome.latencies_ms[0])
            time.sleep(COLD_PAUSE_SECONDS)
        for name in names:
            client.delete_function(FunctionName=name)
        yield report.latency(title, values[2:], goal)


def measure_async(target: Target, client: Any, logs: Any) -> Iterator[report.Figure]:
    """Completion is read from the log group afterwards: the time of the last REPORT line, and that none is missing."""
    count = 5000
    create(client, "queued", HELLO)
    request = invocation(target, "queued", kind="Event")
    asyncio.run(run(target.host, target.port, [request] * 50, 8))
    time.sleep(1)
    start = time.time()
    accepted = asyncio.run(run(target.host, target.port, [request] * count, 16))
    finished, reports = _last_report(logs, "/aws/lambda/queued", count + 50)
    figure = report.Figure(
        "asynchronous invokes accepted and completed",
        count / (finished - start),
        "per second",
        2000,
        higher_is_better=True,
        note=f"accepted at {accepted.per_second:,.0f} per second, {reports - 50} of {count} ran, "
        f"{sum(accepted.failures.values())} refused",
    )
    yield figure


def _last_report(logs: Any, group: str, expected: int) -> tuple[float, int]:
    """Epoch seconds of the last REPORT line and how many there are, once they are all there."""
    deadline = time.monotonic() + 120
    while True:
        time.sleep(2)
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern="REPORT")
        times = [event["timestamp"] for page in pages for event in page["events"]]
        if len(times) >= expected or time.monotonic() > deadline:
            return max(times) / 1000, len(times)


def measure_event_latency(target: Target, client: Any, s3: Any, logs: Any) -> Iterator[report.Figure]:
    """Both ends read the same machine's clock: the client before it sends, the handler as its first statement."""
    bucket, samples = "bench-events", 200
    s3.create_bucket(Bucket=bucket)
    arn = create(client, "entered", ENTERED)
    client.add_permission(
        FunctionName="entered", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    sent: dict[str, float] = {}
    for n in range(samples + 20):
        key = f"k{n}"
        request = target.request("s3", "PUT", f"/{bucket}/{key}", b"x" * 1024)
        sent[key] = send_one(target, request)
        time.sleep(0.02)
    time.sleep(2)
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="/aws/lambda/entered", filterPattern="ENTERED"
    )
    entered: dict[str, float] = {}
    for page in pages:
        for event in page["events"]:
            found = re.search(r"ENTERED (\S+) ([\d.]+)", event["message"])
            if found:
                entered[found[1]] = float(found[2])
    values = [entered[f"k{n}"] - sent[f"k{n}"] for n in range(20, samples + 20) if f"k{n}" in entered]
    figure = report.latency("PutObject sent to handler entered, warm", values, 3.0)
    figure.note += f", {samples - len(values)} lost"
    yield figure


def measure_environment_memory(client: Any, pid: int) -> Iterator[report.Figure]:
    """What ten more idle warm environments add to the whole process tree."""
    create(client, "sleepy", SLEEPY)

    def invoke_at_once(count: int) -> None:
        with ThreadPoolExecutor(count) as threads:
            list(threads.map(lambda _: client.invoke(FunctionName="sleepy", Payload=json.dumps({})), range(count)))

    invoke_at_once(2)
    time.sleep(2)
    before, processes = memory.tree_pss_mib(pid), len(memory.descendants(pid))
    invoke_at_once(12)
    time.sleep(3)
    added = len(memory.descendants(pid)) - processes
    after = memory.tree_pss_mib(pid)
    yield report.Figure(
        "memory added per idle warm Python environment",
        (after - before) / (added / PROCESSES_PER_ENVIRONMENT),
        "MiB PSS",
        8.0,
        note=f"{added} processes added, two to an environment; {after:.0f} MiB in all",
    )
