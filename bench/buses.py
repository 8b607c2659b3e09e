"""EventBridge: how many events are taken in, and how soon a handler knows one."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from typing import Any

from bench import functions, report
from bench.client import run, send_one
from bench.signing import Target

ENTRIES = 10
SAMPLES, WARMING = 200, 20
#: What a rule of every tenant beside us would be: on the bus, and not for these events.
OTHER_RULES = 100

ENTERED = """import time
def handler(event, context):
    now = time.time()
    print("ENTERED", event["detail"]["id"], f"{now * 1000:.3f}")
"""


def measure(target: Target, client: Any, functions_client: Any, logs: Any, runs: int) -> Iterator[report.Figure]:
    client.create_event_bus(Name="bench")
    for number in range(OTHER_RULES):
        pattern = json.dumps({"source": [f"other-{number}"]})
        client.put_rule(Name=f"other-{number}", EventBusName="bench", EventPattern=pattern)
    batch = _put(target, [_entry("rate", f"n{number}") for number in range(ENTRIES)])
    asyncio.run(run(target.host, target.port, [batch] * 50, 8))
    rates = [asyncio.run(run(target.host, target.port, [batch] * 1_500, 8)) for _ in range(runs)]
    yield report.rate(f"PutEvents of {ENTRIES}, 8 connections", rates, 10_000, each=ENTRIES, unit="events per second")
    yield _entered(target, client, functions_client, logs)


def _entered(target: Target, client: Any, functions_client: Any, logs: Any) -> report.Figure:
    """Both ends read the same machine's clock: the client before it sends, the handler as its first statement."""
    arn = functions.create(functions_client, "on-event", ENTERED)
    functions_client.add_permission(
        FunctionName="on-event", StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    client.put_rule(Name="entered", EventBusName="bench", EventPattern='{"source": ["entered"]}')
    client.put_targets(Rule="entered", EventBusName="bench", Targets=[{"Id": "f", "Arn": arn}])
    sent: dict[str, float] = {}
    for number in range(SAMPLES + WARMING):
        request = _put(target, [_entry("entered", f"e{number}")])
        sent[f"e{number}"] = send_one(target, request)
        time.sleep(0.02)
    time.sleep(2)
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="/aws/lambda/on-event", filterPattern="ENTERED"
    )
    lines = [event["message"] for page in pages for event in page["events"]]
    told = [re.search(r"ENTERED (\S+) ([\d.]+)", line) for line in lines]
    entered = {found[1]: float(found[2]) for found in told if found}
    values = [entered[f"e{n}"] - sent[f"e{n}"] for n in range(WARMING, SAMPLES + WARMING) if f"e{n}" in entered]
    figure = report.latency("PutEvents sent to handler entered, warm", values, 5.0)
    figure.note += f", {SAMPLES - len(values)} lost"
    return figure


def _entry(source: str, name: str) -> dict[str, str]:
    detail = json.dumps({"id": name, "customer": "c-1234567", "total": 99.5, "notes": "x" * 150})
    return {"Source": source, "DetailType": "order placed", "Detail": detail, "EventBusName": "bench"}


def _put(target: Target, entries: list[dict[str, str]]) -> bytes:
    headers = {"x-amz-target": "AWSEvents.PutEvents", "content-type": "application/x-amz-json-1.1"}
    return target.request("events", "POST", "/", json.dumps({"Entries": entries}).encode(), headers)
