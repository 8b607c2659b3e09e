"""kill -9 while backups and exports are made and tables restored: each is whole or is not there, and of one moment.

Points move between accounts in transactions all the time, so in whatever is restored they add up to what they were.
What was acknowledged is finished after the restart. LAMBENT_CRASH_ROUNDS sets how often the platform is killed.
"""

import gzip
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

ROUNDS = int(os.environ.get("LAMBENT_CRASH_ROUNDS", "2"))
#: Some portions' worth.
ACCOUNTS = 1500
POINTS = 100
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/accounts"
CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)


def create(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName="accounts",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.update_continuous_backups(
        TableName="accounts", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    for first in range(0, ACCOUNTS, 100):
        puts = [
            {"Put": {"TableName": "accounts", "Item": {"pk": {"S": str(number)}, "points": {"N": str(POINTS)}}}}
            for number in range(first, first + 100)
        ]
        dynamodb.transact_write_items(TransactItems=puts)


def move_points(dynamodb: Any) -> None:
    """Until it is killed."""

    def add(account: int, points: int) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": "accounts",
                "Key": {"pk": {"S": str(account)}},
                "UpdateExpression": "ADD points :points",
                "ExpressionAttributeValues": {":points": {"N": str(points)}},
            }
        }

    try:
        while True:
            giver, taker = random.sample(range(ACCOUNTS), 2)
            dynamodb.transact_write_items(TransactItems=[add(giver, -1), add(taker, 1)])
    except (BotoCoreError, ClientError):
        return


def begin_copies(dynamodb: Any, round_number: int) -> list[str]:
    """The tables whose restore was acknowledged."""
    restored = []
    dynamodb.export_table_to_point_in_time(TableArn=ARN, S3Bucket="exports")
    dynamodb.create_backup(TableName="accounts", BackupName=f"backup-{round_number}")
    moments: list[dict[str, Any]] = [{"UseLatestRestorableTime": True}, {"RestoreDateTime": time.time() - 0.2}]
    for number, moment in enumerate(moments):
        name = f"restored-{round_number}-{number}"
        dynamodb.restore_table_to_point_in_time(SourceTableName="accounts", TargetTableName=name, **moment)
        restored.append(name)
    return restored


def finish(dynamodb: Any, name: str) -> None:
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})


def backups(dynamodb: Any) -> list[dict[str, Any]]:
    """Once all are whole."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found: list[dict[str, Any]] = dynamodb.list_backups()["BackupSummaries"]
        if all(backup["BackupStatus"] == "AVAILABLE" for backup in found):
            return found
        time.sleep(0.05)
    raise AssertionError("not finished")


def check(dynamodb: Any, name: str) -> None:
    pages = dynamodb.get_paginator("scan").paginate(TableName=name)
    check_items(name, [item for page in pages for item in page["Items"]])


def check_items(name: str, items: list[dict[str, Any]]) -> None:
    assert len(items) == ACCOUNTS
    assert sum(int(item["points"]["N"]) for item in items) == ACCOUNTS * POINTS, f"{name} is torn"


def check_export(dynamodb: Any, s3: Any, arn: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        export = dynamodb.describe_export(ExportArn=arn)["ExportDescription"]
        if export["ExportStatus"] == "COMPLETED":
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    folder = export["ExportManifest"].removesuffix("manifest-summary.json")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="exports", Prefix=f"{folder}data/")["Contents"]]
    data = b"".join(gzip.decompress(s3.get_object(Bucket="exports", Key=key)["Body"].read()) for key in keys)
    check_items(arn, [json.loads(line)["Item"] for line in data.splitlines()])


@pytest.mark.slow
@pytest.mark.timeout(60 + 15 * ROUNDS)
def test_backups_and_restores_survive_kills(tmp_path: Path) -> None:
    restored: list[str] = []
    for round_number in range(ROUNDS):
        with PlatformProcess.started(tmp_path) as platform:
            dynamodb = platform.client("dynamodb", config=CONFIG)
            if not round_number:
                create(dynamodb)
                platform.client("s3").create_bucket(Bucket="exports")
            writer = threading.Thread(target=move_points, args=(platform.client("dynamodb", config=CONFIG),))
            writer.start()
            time.sleep(0.3)
            restored += begin_copies(dynamodb, round_number)
            time.sleep(random.uniform(0, 0.05))
            platform.kill()
            writer.join()
    with PlatformProcess.started(tmp_path) as platform:
        dynamodb = platform.client("dynamodb", config=CONFIG)
        made = backups(dynamodb)
        assert len(made) == ROUNDS
        for number, backup in enumerate(made):
            name = f"from-backup-{number}"
            dynamodb.restore_table_from_backup(BackupArn=backup["BackupArn"], TargetTableName=name)
            restored.append(name)
        for name in restored:
            finish(dynamodb, name)
            check(dynamodb, name)
        check(dynamodb, "accounts")
        exports = dynamodb.list_exports(TableArn=ARN)["ExportSummaries"]
        assert len(exports) == ROUNDS
        for export in exports:
            check_export(dynamodb, platform.client("s3"), export["ExportArn"])
