"""Kinesis: records put and read, how soon a handler knows one, how fast batches go through a mapping."""

import base64
import json
import re
import time
from collections.abc import Iterator
from typing import Any

from bench import functions, report
from bench.client import Outcome, send, send_one
from bench.mappings import PATIENCE_SECONDS, lines
from bench.signing import Target

DATA = base64.b64encode(bytes(range(256))).decode()
SHARDS = 4
#: First hash keys of the shards, to choose one by.
HASHES = [str(2**128 * n // SHARDS) for n in range(SHARDS)]
RECORDS_EACH = 100
SAMPLES, WARMING = 200, 20
MAPPED_RECORDS = 60_000
ASLEEP_SECONDS = 10

ENTERED = """import base64, time
def handler(event, context):
    now = time.time()
    for record in event["Records"]:
        name = base64.b64decode(record["kinesis"]["data"]).decode()
        print("ENTERED", name, f"{now * 1000:.3f}")
        if name == "sleep":
            time.sleep(10)
"""
NOTHING = """import time
def handler(event, context):
    print("TOOK", len(event["Records"]), f"{time.time():.4f}")
"""


def measure(target: Target, client: Any, functions_client: Any, logs: Any, runs: int) -> Iterator[report.Figure]:
    _create(client, "bench-put")
    yield report.rate("PutRecord 256 B, 32 connections", [_puts(target, n) for n in range(runs)], 5_500)
    batches = [_batches(target, "bench-put", 60_000) for _ in range(runs)]
    yield report.rate("PutRecords of 100, 8 connections", batches, 30_000, each=RECORDS_EACH, unit="records per second")
    gets = [_gets(target, client, 5_000) for _ in range(runs)]
    yield report.rate("GetRecords of 100, 32 connections", gets, 1_500)
    yield from _entered(target, client, functions_client, logs)
    yield _mapped(target, client, functions_client, logs)


def _create(client: Any, name: str) -> None:
    client.create_stream(StreamName=name, ShardCount=SHARDS)
    client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})


def _call(target: Target, operation: str, document: dict[str, Any]) -> bytes:
    headers = {"x-amz-target": f"Kinesis_20131202.{operation}", "content-type": "application/x-amz-json-1.1"}
    return target.request("kinesis", "POST", "/", json.dumps(document).encode(), headers)


def _puts(target: Target, number: int) -> Outcome:
    requests = [
        _call(target, "PutRecord", {"StreamName": "bench-put", "PartitionKey": f"{number}-{n}", "Data": DATA})
        for n in range(12_000)
    ]
    return send(target, requests, 32)


def _batches(target: Target, stream: str, count: int) -> Outcome:
    requests = [
        _call(
            target,
            "PutRecords",
            {
                "StreamName": stream,
                "Records": [{"PartitionKey": f"key-{n + m}", "Data": DATA} for m in range(RECORDS_EACH)],
            },
        )
        for n in range(0, count, RECORDS_EACH)
    ]
    return send(target, requests, 8)


def _gets(target: Target, client: Any, count: int) -> Outcome:
    requests = []
    for shard in client.list_shards(StreamName="bench-put")["Shards"]:
        where = {"StreamName": "bench-put", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = client.get_shard_iterator(**where)["ShardIterator"]
        requests.append(_call(target, "GetRecords", {"ShardIterator": iterator, "Limit": RECORDS_EACH}))
    return send(target, requests * (count // SHARDS), 32)


def _entered(target: Target, client: Any, functions_client: Any, logs: Any) -> Iterator[report.Figure]:
    """Both ends read the same machine's clock: the client before it sends, the handler as its first statement."""
    _create(client, "bench-entered")
    functions.create(functions_client, "received", ENTERED)
    _map(client, functions_client, "bench-entered", "received", StartingPosition="TRIM_HORIZON", BatchSize=1)
    sent = _one_by_one(target, "w", 2 * WARMING, HASHES)
    alone = _one_by_one(target, "k", SAMPLES, HASHES)
    _put_one(target, "sleep", HASHES[0])
    beside = _one_by_one(target, "b", SAMPLES, HASHES[1:])
    time.sleep(ASLEEP_SECONDS + 2)
    told = [re.search(r"ENTERED (\S+) ([\d.]+)", line) for line in lines(logs, "received", "ENTERED")]
    entered = {found[1]: float(found[2]) for found in told if found}
    del sent
    for name, moments, goal in (
        ("PutRecord sent to handler entered, warm", alone, 2.5),
        ("the same, while another shard's handler sleeps", beside, None),
    ):
        values = [entered[key] - moment for key, moment in moments.items() if key in entered]
        figure = report.latency(name, values, goal)
        figure.note += f", {len(moments) - len(values)} lost"
        yield figure


def _one_by_one(target: Target, prefix: str, count: int, hashes: list[str]) -> dict[str, float]:
    """When each was sent."""
    sent = {}
    for n in range(count):
        sent[f"{prefix}{n}"] = _put_one(target, f"{prefix}{n}", hashes[n % len(hashes)])
        time.sleep(0.02)
    return sent


def _put_one(target: Target, name: str, hash_key: str) -> float:
    document = {"StreamName": "bench-entered", "PartitionKey": name, "ExplicitHashKey": hash_key}
    request = _call(target, "PutRecord", {**document, "Data": base64.b64encode(name.encode()).decode()})
    return send_one(target, request)


def _mapped(target: Target, client: Any, functions_client: Any, logs: Any) -> report.Figure:
    """The records wait in the stream when the mapping is made; from the first handler's start to the last one's."""
    _create(client, "bench-mapped")
    _batches(target, "bench-mapped", MAPPED_RECORDS)
    functions.create(functions_client, "nothing", NOTHING)
    _map(client, functions_client, "bench-mapped", "nothing", StartingPosition="TRIM_HORIZON", BatchSize=500)
    deadline = time.monotonic() + PATIENCE_SECONDS
    done: list[tuple[int, float]] = []
    while sum(count for count, _ in done) < MAPPED_RECORDS and time.monotonic() < deadline:
        time.sleep(3)
        told = [re.search(r"TOOK (\d+) ([\d.]+)", line) for line in lines(logs, "nothing", "TOOK")]
        done = [(int(found[1]), float(found[2])) for found in told if found]
    seconds = max(moment for _, moment in done) - min(moment for _, moment in done)
    taken = sum(count for count, _ in done)
    return report.Figure(
        f"mapping, BatchSize 500, {SHARDS} shards",
        taken / seconds,
        "records per second",
        20_000,
        higher_is_better=True,
        note=f"{taken:,} of {MAPPED_RECORDS:,} records in {len(done):,} batches, {seconds:.1f} s",
    )


def _map(client: Any, functions_client: Any, stream: str, function: str, **options: Any) -> None:
    arn = client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    mapping = functions_client.create_event_source_mapping(FunctionName=function, EventSourceArn=arn, **options)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while mapping["State"] != "Enabled":
        assert time.monotonic() < deadline, mapping
        time.sleep(0.05)
        mapping = functions_client.get_event_source_mapping(UUID=mapping["UUID"])
