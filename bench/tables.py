"""DynamoDB: single items, conditional updates, queries, batches, and what a write costs as its table grows."""

import json
import random
import statistics
from collections.abc import Iterator
from typing import Any

from bench import report
from bench.client import Outcome, send
from bench.signing import Target

ITEMS, GAMES, BATCHES, GROWING = "bench-items", "bench-games", "bench-batches", "bench-growing"
NOTES = "x" * 174
QUERIED_ITEMS = 20
BATCH_ITEMS = 25
#: The table before it grows, and how many writes show what one costs.
SMALL_TABLE = 1_000
GROWTH_WRITES = 3_000


def measure(target: Target, client: Any, runs: int, grown_to: int) -> Iterator[report.Figure]:
    create(client, ITEMS)
    for connections, count, goal in ((8, 6_000, 3_500), (32, 12_000, 7_000)):
        rates = [_puts(target, ITEMS, f"{connections}-{n}", count, connections) for n in range(runs)]
        yield report.rate(f"PutItem 300 B, {connections} connections", rates, goal)
    gets = [call(target, "GetItem", {"TableName": ITEMS, "Key": key(f"32-0-{n}")}) for n in range(500)]
    yield report.rate(
        "GetItem, 32 connections", [send(target, _repeated(gets, 20_000), 32) for _ in range(runs)], 11_000
    )
    yield report.rate(
        "UpdateItem with condition, 32 connections", [_updates(target, 8_000) for _ in range(runs)], 4_500
    )
    yield report.rate(f"Query of {QUERIED_ITEMS} items, 32 connections", _queries(target, client, runs, 6_000), 3_500)
    create(client, BATCHES)
    batches = [_batches(target, BATCHES, f"{n}-", 25_000) for n in range(runs)]
    yield report.rate(
        f"BatchWriteItem of {BATCH_ITEMS}, 8 connections", batches, 20_000, each=BATCH_ITEMS, unit="items per second"
    )
    yield _growth(target, client, runs, grown_to)


def create(client: Any, table: str, sort: str = "", **options: Any) -> None:
    keys = [("pk", "HASH"), *([(sort, "RANGE")] if sort else [])]
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        BillingMode="PAY_PER_REQUEST",
        **options,
    )
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})


def call(target: Target, operation: str, document: dict[str, Any]) -> bytes:
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}", "content-type": "application/x-amz-json-1.0"}
    return target.request("dynamodb", "POST", "/", json.dumps(document).encode(), headers)


def key(name: str, sort: str = "") -> dict[str, Any]:
    return {"pk": {"S": name}, **({"sk": {"S": sort}} if sort else {})}


def item(name: str, sort: str = "", *, score: int = 123_456) -> dict[str, Any]:
    """A game as a scoreboard would keep it; 300 bytes by DynamoDB's own count, 450 as JSON."""
    return {
        **key(name, sort),
        "handle": {"S": "handle-of-the-player"},
        "score": {"N": str(score)},
        "length_seconds": {"N": "312"},
        "completed": {"BOOL": True},
        "achievements": {"L": [{"M": {"name": {"S": "first blood"}, "bonus_score": {"N": "250"}}}]},
        "notes": {"S": NOTES},
    }


def _repeated(requests: list[bytes], count: int) -> list[bytes]:
    return (requests * (count // len(requests) + 1))[:count]


def _puts(target: Target, table: str, prefix: str, count: int, connections: int) -> Outcome:
    documents = ({"TableName": table, "Item": item(f"{prefix}-{n}")} for n in range(count))
    return send(target, [call(target, "PutItem", document) for document in documents], connections)


def _updates(target: Target, count: int) -> Outcome:
    """Each raises the score of one of many players, if it would rise."""
    requests = [
        call(
            target,
            "UpdateItem",
            {
                "TableName": ITEMS,
                "Key": key(f"32-0-{n}"),
                "UpdateExpression": "SET score = score + :points, length_seconds = :length",
                "ConditionExpression": "attribute_exists(pk) AND score > :least",
                "ExpressionAttributeValues": {":points": {"N": "10"}, ":length": {"N": str(n)}, ":least": {"N": "1"}},
            },
        )
        for n in range(2_000)
    ]
    return send(target, _repeated(requests, count), 32)


def _queries(target: Target, client: Any, runs: int, count: int) -> list[Outcome]:
    create(client, GAMES, "sk")
    players = [f"player-{n}" for n in range(200)]
    games = [item(player, f"{n:04}") for player in players for n in range(QUERIED_ITEMS)]
    fill(target, GAMES, games)
    requests = [
        call(
            target,
            "Query",
            {
                "TableName": GAMES,
                "KeyConditionExpression": "pk = :player",
                "ExpressionAttributeValues": {":player": {"S": player}},
            },
        )
        for player in players
    ]
    return [send(target, _repeated(requests, count), 32) for _ in range(runs)]


def _batches(target: Target, table: str, prefix: str, items: int) -> Outcome:
    return fill(target, table, [item(f"{prefix}{n}") for n in range(items)])


def fill(target: Target, table: str, items: list[dict[str, Any]]) -> Outcome:
    return send(target, _in_batches(target, table, items), 8)


def _in_batches(target: Target, table: str, items: list[dict[str, Any]]) -> list[bytes]:
    puts = [{"PutRequest": {"Item": one}} for one in items]
    return [
        call(target, "BatchWriteItem", {"RequestItems": {table: puts[n : n + BATCH_ITEMS]}})
        for n in range(0, len(puts), BATCH_ITEMS)
    ]


def _growth(target: Target, client: Any, runs: int, grown_to: int) -> report.Figure:
    """New items at random places among the old ones, at both sizes of the table."""
    create(client, GROWING)
    _batches(target, GROWING, "small-", SMALL_TABLE)
    before = [_puts(target, GROWING, f"{random.random()}", SMALL_TABLE, 32) for _ in range(runs)]
    for start in range(0, grown_to, 25_000):
        _batches(target, GROWING, f"large-{start}-", min(25_000, grown_to - start))
    after = [_puts(target, GROWING, f"{random.random()}", GROWTH_WRITES, 32) for _ in range(runs)]
    rates = [statistics.median(outcome.per_second for outcome in outcomes) for outcomes in (before, after)]
    failures = sum(sum(outcome.failures.values()) for outcome in (*before, *after))
    return report.Figure(
        f"cost of a PutItem, table of {grown_to:,} items : of {SMALL_TABLE:,}",
        rates[0] / rates[1],
        "times",
        1.5,
        note=f"{rates[0]:,.0f} -> {rates[1]:,.0f} per second" + (f", {failures} FAILED" if failures else ""),
    )
