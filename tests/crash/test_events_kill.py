"""kill -9 while events go from PutEvents through a rule to a function: every acknowledged event that matches arrives.

Senders put events, each numbering its own, while the platform is killed and started again. The function writes the
numbers it is given into a table. In the end no acknowledged number of the matching kind may be missing, and none of the
other kind may be there. LAMBENT_CRASH_ROUNDS sets how often it is killed.
"""

import json
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
SENDERS = 3
PATIENCE_SECONDS = 60.0

#: Deliveries may repeat: writing a number twice changes nothing.
SOURCE = """
import boto3

table = boto3.client("dynamodb")

def handler(event, context):
    item = {"id": {"S": event["detail"]["id"]}, "kind": {"S": event["detail-type"]}}
    table.put_item(TableName="seen", Item=item)
"""

NO_RETRIES = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)


def deploy(platform: PlatformProcess) -> None:
    tables, functions, events = (platform.client(name) for name in ("dynamodb", "lambda", "events"))
    tables.create_table(
        TableName="seen",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    function = functions.create_function(
        FunctionName="follower",
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/follower",
        Timeout=30,
        MemorySize=1024,
        Code={"ZipFile": zipped({"app.py": SOURCE})},
    )
    functions.add_permission(
        FunctionName="follower", StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    events.put_rule(Name="wanted", EventPattern=json.dumps({"source": ["crash"], "detail-type": ["wanted"]}))
    events.put_targets(Rule="wanted", Targets=[{"Id": "f", "Arn": function["FunctionArn"]}])


def put_until_killed(platform: PlatformProcess, acknowledged: list[int], name: str) -> None:
    """What got no answer may have come in or not: the next life goes on behind it."""
    events = platform.client("events", config=NO_RETRIES)
    number = acknowledged[-1] + 1 if acknowledged else 0
    while platform.process.poll() is None:
        number += 1
        entries = [
            {"Source": "crash", "DetailType": kind, "Detail": json.dumps({"id": f"{name}/{number}/{kind}"})}
            for kind in ("wanted", "unwanted", "wanted")
        ]
        try:
            answer = events.put_events(Entries=entries)
        except (BotoCoreError, ClientError):
            return
        assert answer["FailedEntryCount"] == 0
        acknowledged.append(number)


def found(platform: PlatformProcess) -> set[str]:
    pages: Any = platform.client("dynamodb").get_paginator("scan").paginate(TableName="seen")
    return {item["id"]["S"] for page in pages for item in page["Items"]}


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_killed_under_load_every_event_arrives(tmp_path: Path) -> None:
    ledger: dict[str, list[int]] = {f"sender-{number}": [] for number in range(SENDERS)}
    with PlatformProcess.started(tmp_path) as platform:
        deploy(platform)
    for _ in range(ROUNDS):
        with PlatformProcess.started(tmp_path) as platform:
            senders = [
                threading.Thread(target=put_until_killed, args=(platform, acknowledged, name))
                for name, acknowledged in ledger.items()
            ]
            for sender in senders:
                sender.start()
            time.sleep(random.uniform(0.3, 1.5))
            platform.kill()
            for sender in senders:
                sender.join()
    assert all(ledger.values())
    wanted = {f"{name}/{number}/wanted" for name, numbers in ledger.items() for number in numbers}
    with PlatformProcess.started(tmp_path) as platform:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while missing := wanted - found(platform):
            assert time.monotonic() < deadline, f"{len(missing)} of {len(wanted)} never came: {min(missing)}"
            time.sleep(0.2)
        assert not [one for one in found(platform) if one.endswith("/unwanted")]
