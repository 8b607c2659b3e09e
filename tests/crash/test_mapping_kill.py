"""kill -9 while a table's changes go through an event source mapping: every acknowledged change arrives, in order.

Writers count items up, each its own, while the platform is killed and started again. The function appends what it sees
to a second table: per item the numbers in the order they first came. In the end nothing acknowledged may be missing,
and no number may have come before a smaller one. LAMBENT_CRASH_ROUNDS sets how often it is killed.
"""

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import killing
from platform_process import PlatformProcess

ROUNDS = killing.rounds(3)
WRITERS = 4

#: A number that is not larger than the last one has been here before: deliveries may repeat.
SOURCE = """
import boto3

table = boto3.client("dynamodb")

def handler(event, context):
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        try:
            table.update_item(
                TableName="seen",
                Key={"id": image["id"]},
                UpdateExpression="SET newest = :n, history = list_append(if_not_exists(history, :none), :one)",
                ConditionExpression="attribute_not_exists(newest) OR newest < :n",
                ExpressionAttributeValues={":n": image["n"], ":one": {"L": [image["n"]]}, ":none": {"L": []}},
            )
        except table.exceptions.ConditionalCheckFailedException:
            pass
"""


def deploy(platform: PlatformProcess, parallelization: int) -> None:
    stream_arn = killing.create_table(platform, "counters", view="NEW_IMAGE")
    killing.create_table(platform, "seen")
    killing.create_function(platform, "follower", SOURCE)
    platform.client("lambda").create_event_source_mapping(
        EventSourceArn=stream_arn,
        FunctionName="follower",
        StartingPosition="LATEST",
        BatchSize=10,
        ParallelizationFactor=parallelization,
    )


def count_until_killed(acknowledged: list[int], name: str, platform: PlatformProcess) -> None:
    """What got no answer may be there or not: the next life goes on behind it."""
    tables = killing.client_without_retries(platform, "dynamodb")
    number = acknowledged[-1] + 1 if acknowledged else 0
    while platform.process.poll() is None:
        number += 1
        try:
            tables.put_item(TableName="counters", Item={"id": {"S": name}, "n": {"N": str(number)}})
        except killing.NO_ANSWER:
            return
        acknowledged.append(number)


def settle(platform: PlatformProcess, written: dict[str, list[int]]) -> None:
    tables = platform.client("dynamodb")
    deadline = time.monotonic() + killing.PATIENCE_SECONDS
    for name, numbers in written.items():
        seen: list[int] = []
        while not seen or seen[-1] < numbers[-1]:
            assert time.monotonic() < deadline, f"{name}: {numbers[-1]} never came"
            time.sleep(0.1)
            item: Any = tables.get_item(TableName="seen", Key={"id": {"S": name}}).get("Item", {})
            seen = [int(one["N"]) for one in item.get("history", {"L": []})["L"]]
        assert sorted(set(numbers) - set(seen)) == [], f"{name}: came after a later one, or never"


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * ROUNDS)
@pytest.mark.parametrize("parallelization", [1, 4])
def test_killed_under_load_every_change_arrives_in_order(tmp_path: Path, parallelization: int) -> None:
    ledger: dict[str, list[int]] = {f"counter-{number}": [] for number in range(WRITERS)}
    with PlatformProcess.started(tmp_path) as platform:
        deploy(platform, parallelization)
    works = [partial(count_until_killed, acknowledged, name) for name, acknowledged in ledger.items()]
    for _ in range(ROUNDS):
        has_begun = killing.all_grow(one.__len__ for one in ledger.values())
        killing.kill_amid(tmp_path, works, (0.3, 1.5), has_begun)
    assert all(ledger.values())
    with PlatformProcess.started(tmp_path) as platform:
        settle(platform, ledger)
