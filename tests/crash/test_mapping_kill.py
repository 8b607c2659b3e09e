"""kill -9 while a table's changes go through an event source mapping: every acknowledged change arrives, in order.

Writers count items up, each its own, while the platform is killed and started again. The function appends what it sees
to a second table: per item the numbers in the order they first came. In the end nothing acknowledged may be missing,
and no number may have come before a smaller one. LAMBENT_CRASH_ROUNDS sets how often it is killed.
"""

import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from platform_process import PlatformProcess
from zips import zipped

ROUNDS = int(os.environ.get("LAMBENT_CRASH_ROUNDS", "3"))
WRITERS = 4
PATIENCE_SECONDS = 60.0

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

_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
NO_RETRIES = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)


def deploy(platform: PlatformProcess, parallelization: int) -> None:
    tables, functions = platform.client("dynamodb"), platform.client("lambda")
    stream_arn = ""
    for name in ("counters", "seen"):
        made = tables.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            **({"StreamSpecification": _STREAM} if name == "counters" else {}),
        )
        stream_arn = made["TableDescription"].get("LatestStreamArn") or stream_arn
    functions.create_function(
        FunctionName="follower",
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/follower",
        Timeout=30,
        MemorySize=1024,
        Code={"ZipFile": zipped({"app.py": SOURCE})},
    )
    functions.create_event_source_mapping(
        EventSourceArn=stream_arn,
        FunctionName="follower",
        StartingPosition="LATEST",
        BatchSize=10,
        ParallelizationFactor=parallelization,
    )


def count_until_killed(platform: PlatformProcess, acknowledged: list[int], name: str) -> None:
    """What got no answer may be there or not: the next life goes on behind it."""
    tables = platform.client("dynamodb", config=NO_RETRIES)
    number = acknowledged[-1] + 1 if acknowledged else 0
    while platform.process.poll() is None:
        number += 1
        try:
            tables.put_item(TableName="counters", Item={"id": {"S": name}, "n": {"N": str(number)}})
        except (BotoCoreError, ClientError):
            return
        acknowledged.append(number)


def settle(platform: PlatformProcess, written: dict[str, list[int]]) -> None:
    tables = platform.client("dynamodb")
    deadline = time.monotonic() + PATIENCE_SECONDS
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
    for _ in range(ROUNDS):
        with PlatformProcess.started(tmp_path) as platform:
            writers = [
                threading.Thread(target=count_until_killed, args=(platform, acknowledged, name))
                for name, acknowledged in ledger.items()
            ]
            for writer in writers:
                writer.start()
            time.sleep(random.uniform(0.3, 1.5))
            platform.kill()
            for writer in writers:
                writer.join()
    assert all(ledger.values())
    with PlatformProcess.started(tmp_path) as platform:
        settle(platform, ledger)
