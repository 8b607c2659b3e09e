"""Event source mappings over a table's stream: how soon a handler knows a write, how fast records roll up."""

import re
import time
from collections.abc import Iterator
from typing import Any

from bench import functions, report, tables
from bench.client import send_one
from bench.signing import Target

STREAM: dict[str, Any] = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}
SAMPLES, WARMING = 200, 20
RECORDS = 20_000
PATIENCE_SECONDS = 120

ENTERED = """import time
def handler(event, context):
    now = time.time()
    for record in event["Records"]:
        print("ENTERED", record["dynamodb"]["Keys"]["pk"]["S"], f"{now * 1000:.3f}")
"""
#: Keeps the best ten of all games in one item, changed only by whoever knows its last state, and only if it changes.
ROLLUP = """import time, boto3
from botocore.exceptions import ClientError
table = boto3.resource("dynamodb").Table("bench-board")

def handler(event, context):
    began = time.time()
    games = [record["dynamodb"]["NewImage"] for record in event["Records"]]
    scores = [[int(game["score"]["N"]), game["pk"]["S"]] for game in games]
    while True:
        board = table.get_item(Key={"pk": "best"}, ConsistentRead=True).get("Item", {"version": 0, "best": []})
        best = sorted([*([int(score), name] for score, name in board["best"]), *scores], reverse=True)[:10]
        if best == [[int(score), name] for score, name in board["best"]]:
            break
        try:
            table.put_item(
                Item={"pk": "best", "version": board["version"] + 1, "best": best},
                ConditionExpression="attribute_not_exists(pk) OR version = :known",
                ExpressionAttributeValues={":known": board["version"]},
            )
            break
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
    print("ROLLED", len(games), f"{began:.3f}", f"{time.time():.3f}")
"""


def measure(target: Target, client: Any, functions_client: Any, logs: Any) -> Iterator[report.Figure]:
    yield _entered(target, client, functions_client, logs)
    yield _rolled_up(target, client, functions_client, logs)


def _entered(target: Target, client: Any, functions_client: Any, logs: Any) -> report.Figure:
    """Both ends read the same machine's clock: the client before it sends, the handler as its first statement."""
    tables.create(client, "bench-changes", **STREAM)
    functions.create(functions_client, "changed", ENTERED)
    _map(client, functions_client, "bench-changes", "changed", StartingPosition="TRIM_HORIZON", BatchSize=1)
    sent: dict[str, float] = {}
    for n in range(SAMPLES + WARMING):
        document = {"TableName": "bench-changes", "Item": tables.item(f"k{n}")}
        request = tables.call(target, "PutItem", document)
        sent[f"k{n}"] = send_one(target, request)
        time.sleep(0.02)
    time.sleep(2)
    told = [re.search(r"ENTERED (\S+) ([\d.]+)", line) for line in lines(logs, "changed", "ENTERED")]
    entered = {found[1]: float(found[2]) for found in told if found}
    values = [entered[f"k{n}"] - sent[f"k{n}"] for n in range(WARMING, SAMPLES + WARMING) if f"k{n}" in entered]
    figure = report.latency("PutItem sent to handler entered, warm", values, 2.5)
    figure.note += f", {SAMPLES - len(values)} lost"
    return figure


def _rolled_up(target: Target, client: Any, functions_client: Any, logs: Any) -> report.Figure:
    """The records wait in the stream when the mapping is made; from the first handler's start to the last one's end."""
    tables.create(client, "bench-rollup", **STREAM)
    tables.create(client, "bench-board")
    tables.fill(target, "bench-rollup", [tables.item(f"game-{n}", score=n * 7919 % 100_003) for n in range(RECORDS)])
    functions.create(functions_client, "rollup", ROLLUP)
    _map(client, functions_client, "bench-rollup", "rollup", StartingPosition="TRIM_HORIZON", BatchSize=100)
    deadline = time.monotonic() + PATIENCE_SECONDS
    done: list[tuple[int, float, float]] = []
    while sum(count for count, _, _ in done) < RECORDS and time.monotonic() < deadline:
        time.sleep(2)
        told = [re.search(r"ROLLED (\d+) ([\d.]+) ([\d.]+)", line) for line in lines(logs, "rollup", "ROLLED")]
        done = [(int(found[1]), float(found[2]), float(found[3])) for found in told if found]
    rolled = sum(count for count, _, _ in done)
    seconds = max(end for _, _, end in done) - min(began for _, began, _ in done)
    return report.Figure(
        "roll-up through a mapping, BatchSize 100",
        rolled / seconds,
        "records per second",
        5_000,
        higher_is_better=True,
        note=f"{rolled:,} of {RECORDS:,} records in {len(done):,} batches, {seconds:.1f} s",
    )


def _map(client: Any, functions_client: Any, table: str, function: str, **options: Any) -> None:
    arn = client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    map_source(functions_client, arn, function, **options)


def map_source(functions_client: Any, arn: str, function: str, **options: Any) -> None:
    """Returns when the mapping reads."""
    mapping = functions_client.create_event_source_mapping(FunctionName=function, EventSourceArn=arn, **options)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while mapping["State"] != "Enabled":
        assert time.monotonic() < deadline, mapping
        time.sleep(0.05)
        mapping = functions_client.get_event_source_mapping(UUID=mapping["UUID"])


def lines(logs: Any, function: str, pattern: str) -> list[str]:
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{function}", filterPattern=pattern
    )
    return [event["message"] for page in pages for event in page["events"]]
