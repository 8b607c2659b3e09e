"""Backups and point in time recovery through boto3. The sentences of refusals are those that AWS was seen to send."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import fresh
from services.dynamodb.conftest import MakeTable
from services.dynamodb.refusals import refusal

ACCOUNT = "000000000000"
NO_BACKUP = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/absent/backup/01576616366715-b4e58d3a"
GLOBAL_INDEX = {
    "IndexName": "global",
    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "b"]},
}
LOCAL_INDEX: dict[str, Any] = {
    "IndexName": "local",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}
NOT_CREATED = "cannot be created during the restore operation"
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}


def invalid(message: str) -> tuple[str, str]:
    return "ValidationException", f"Invalid Request: {message}"


@pytest.fixture
def name() -> str:
    """Of a table to restore to."""
    return fresh.name("restored")


def back_up(dynamodb: Any, table: str, name: str = "backup") -> str:
    """The ARN of a backup that is whole."""
    made = dynamodb.create_backup(TableName=table, BackupName=name)["BackupDetails"]
    arn: str = made["BackupArn"]
    assert made["BackupStatus"] == "CREATING"
    _wait(lambda: _describe(dynamodb, arn)["BackupDetails"]["BackupStatus"] == "AVAILABLE")
    return arn


def restore(dynamodb: Any, arn: str, name: str, **overrides: Any) -> dict[str, Any]:
    """The description of a table that is whole."""
    begun = dynamodb.restore_table_from_backup(BackupArn=arn, TargetTableName=name, **overrides)["TableDescription"]
    assert begun["TableStatus"] == "CREATING"
    assert begun["RestoreSummary"]["RestoreInProgress"]
    return finished(dynamodb, name)


def finished(dynamodb: Any, name: str) -> dict[str, Any]:
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    table: dict[str, Any] = dynamodb.describe_table(TableName=name)["Table"]
    return table


def enable_recovery(dynamodb: Any, table: str, **options: Any) -> dict[str, Any]:
    specification = {"PointInTimeRecoveryEnabled": True, **options}
    found = dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)
    description: dict[str, Any] = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return description


def pks(dynamodb: Any, table: str) -> list[str]:
    return sorted(item["pk"]["S"] for item in dynamodb.scan(TableName=table)["Items"])


def _describe(dynamodb: Any, arn: str) -> dict[str, Any]:
    described: dict[str, Any] = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
    return described


def _wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# Backups


def test_a_table_comes_back_as_it_was_backed_up(dynamodb: Any, make_table: MakeTable, name: str) -> None:
    table = make_table(
        "pk:S",
        "sk:N",
        attributes="g:S l:S",
        BillingMode="PROVISIONED",
        ProvisionedThroughput=UNITS,
        GlobalSecondaryIndexes=[{**GLOBAL_INDEX, "ProvisionedThroughput": UNITS}],
        LocalSecondaryIndexes=[LOCAL_INDEX],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        SSESpecification={"Enabled": True, "SSEType": "KMS"},
        Tags=[{"Key": "team", "Value": "a"}],
        TableClass="STANDARD_INFREQUENT_ACCESS",
    )
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})
    items = [
        {
            "pk": {"S": "p"},
            "sk": {"N": str(number)},
            "g": {"S": "x"},
            "l": {"S": "y"},
            "a": {"S": "z"},
            "c": {"NULL": True},
        }
        for number in range(5)
    ]
    for item in items:
        dynamodb.put_item(TableName=table, Item=item)
    before = dynamodb.describe_table(TableName=table)["Table"]
    arn = back_up(dynamodb, table)
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "p"}, "sk": {"N": "0"}})
    dynamodb.delete_table(TableName=table)

    described = _describe(dynamodb, arn)
    source, features = described["SourceTableDetails"], described["SourceTableFeatureDetails"]
    assert described["BackupDetails"] == {
        "BackupArn": arn,
        "BackupName": "backup",
        "BackupSizeBytes": before["TableSizeBytes"],
        "BackupStatus": "AVAILABLE",
        "BackupType": "USER",
        "BackupCreationDateTime": described["BackupDetails"]["BackupCreationDateTime"],
    }
    assert source == {
        "TableName": table,
        "TableId": before["TableId"],
        "TableArn": before["TableArn"],
        "TableSizeBytes": before["TableSizeBytes"],
        "KeySchema": before["KeySchema"],
        "TableCreationDateTime": before["CreationDateTime"],
        "ProvisionedThroughput": UNITS,
        "ItemCount": 5,
        "BillingMode": "PROVISIONED",
    }
    assert features == {
        "GlobalSecondaryIndexes": [{**GLOBAL_INDEX, "ProvisionedThroughput": UNITS}],
        "LocalSecondaryIndexes": [LOCAL_INDEX],
        "StreamDescription": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        "TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"},
        "SSEDescription": before["SSEDescription"],
    }

    again = restore(dynamodb, arn, name)
    for same in ("KeySchema", "AttributeDefinitions", "TableSizeBytes", "ItemCount", "SSEDescription"):
        assert again[same] == before[same]
    for left_behind in ("StreamSpecification", "LatestStreamArn", "TableClassSummary"):
        assert left_behind not in again
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        [old], [new] = before[kind], again[kind]
        assert {**old, "IndexArn": ""} == {**new, "IndexArn": ""}
    assert again["TableId"] != before["TableId"]
    assert again["RestoreSummary"] == {
        "SourceBackupArn": arn,
        "SourceTableArn": before["TableArn"],
        "RestoreDateTime": described["BackupDetails"]["BackupCreationDateTime"],
        "RestoreInProgress": False,
    }
    assert dynamodb.list_tags_of_resource(ResourceArn=again["TableArn"])["Tags"] == []
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
    assert dynamodb.scan(TableName=name)["Items"] == items
    query = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "x"}}}
    assert dynamodb.query(TableName=name, IndexName="global", **query)["Count"] == 5
    dynamodb.put_item(TableName=name, Item=items[0])


def test_what_a_restore_overrides(dynamodb: Any, make_table: MakeTable, name: str) -> None:
    table = make_table(
        "pk:S",
        "sk:N",
        attributes="g:S l:S",
        BillingMode="PROVISIONED",
        ProvisionedThroughput=UNITS,
        GlobalSecondaryIndexes=[{**GLOBAL_INDEX, "ProvisionedThroughput": UNITS}],
        LocalSecondaryIndexes=[LOCAL_INDEX],
    )
    arn = back_up(dynamodb, table)
    more = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 8}
    renamed = [{**GLOBAL_INDEX, "IndexName": "renamed", "ProvisionedThroughput": more}]
    found = restore(
        dynamodb,
        arn,
        f"{name}.units",
        ProvisionedThroughputOverride=more,
        GlobalSecondaryIndexOverride=renamed,
        LocalSecondaryIndexOverride=[],
        SSESpecificationOverride={"Enabled": True},
    )
    assert found["ProvisionedThroughput"] == {**more, "NumberOfDecreasesToday": 0}
    assert [index["IndexName"] for index in found["GlobalSecondaryIndexes"]] == ["renamed"]
    assert found["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 7
    assert "LocalSecondaryIndexes" not in found
    assert {one["AttributeName"] for one in found["AttributeDefinitions"]} == {"pk", "sk", "g"}
    assert found["SSEDescription"]["Status"] == "ENABLED"

    found = restore(
        dynamodb,
        arn,
        f"{name}.on-demand",
        BillingModeOverride="PAY_PER_REQUEST",
        OnDemandThroughputOverride={"MaxReadRequestUnits": 10},
    )
    assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert found["OnDemandThroughput"] == {"MaxReadRequestUnits": 10}
    assert found["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 0

    on_demand = {"BillingModeOverride": "PAY_PER_REQUEST"}
    other_key = [
        {**LOCAL_INDEX, "KeySchema": [LOCAL_INDEX["KeySchema"][0], {"AttributeName": "sk", "KeyType": "RANGE"}]}
    ]
    refused: list[tuple[dict[str, Any], str]] = [
        (
            {**on_demand, "ProvisionedThroughputOverride": UNITS},
            "Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST",
        ),
        (
            {"BillingModeOverride": "PROVISIONED"},
            "Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED",
        ),
        (
            {"OnDemandThroughputOverride": {"MaxReadRequestUnits": 10}},
            "Cannot override MaxReadRequestUnits for OnDemandThroughput unless BillingModeOverride is PAY_PER_REQUEST",
        ),
        (
            {"GlobalSecondaryIndexOverride": [GLOBAL_INDEX]},
            "Must specify provisioned throughput for index global",
        ),
        (
            {**on_demand, "GlobalSecondaryIndexOverride": renamed},
            "Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST for index renamed",
        ),
        (
            {"LocalSecondaryIndexOverride": other_key},
            f"Index local does not match a secondary index that existed in the source table and {NOT_CREATED}",
        ),
    ]
    for overrides, message in refused:
        code = refusal(dynamodb.restore_table_from_backup, BackupArn=arn, TargetTableName=name, **overrides)
        assert code == invalid(message)
    assert refusal(dynamodb.describe_table, TableName=name)[0] == "ResourceNotFoundException"


def test_backups_are_listed_by_table_time_and_kind(dynamodb: Any, make_table: MakeTable) -> None:
    one, other = make_table("pk:S"), make_table("pk:S")
    arns = [back_up(dynamodb, one, "same-name") for _ in range(3)]
    strange = back_up(dynamodb, other)
    enable_recovery(dynamodb, one)
    dynamodb.delete_table(TableName=one)

    def listed(**request: Any) -> list[str]:
        return [found["BackupArn"] for found in dynamodb.list_backups(**request)["BackupSummaries"]]

    assert listed(TableName=one) == arns
    assert {*arns, strange} <= {*listed()}
    assert listed(TableName=f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{other}") == [strange]
    assert listed(TableName="never-there") == []
    [system] = listed(TableName=one, BackupType="SYSTEM")
    assert listed(TableName=one, BackupType="ALL") == [*arns, system]
    assert listed(TableName=one, BackupType="AWS_BACKUP") == []
    now = datetime.now(UTC)
    assert listed(TableName=one, TimeRangeLowerBound=now - timedelta(hours=1)) == arns
    assert listed(TableName=one, TimeRangeUpperBound=now - timedelta(hours=1)) == []
    assert refusal(dynamodb.list_backups, TimeRangeLowerBound=now, TimeRangeUpperBound=now - timedelta(hours=1)) == (
        "ValidationException",
        "One or more parameter values were invalid: Time range lower bound must be less than or equal to upper bound",
    )
    pages = list(
        dynamodb.get_paginator("list_backups").paginate(
            TableName=one, BackupType="ALL", PaginationConfig={"PageSize": 2}
        )
    )
    assert [[found["BackupArn"] for found in page["BackupSummaries"]] for page in pages] == [
        arns[:2],
        [arns[2], system],
    ]
    [summary] = dynamodb.list_backups(TableName=other)["BackupSummaries"]
    assert {*summary} == {
        "TableName", "TableId", "TableArn", "BackupArn", "BackupName", "BackupSizeBytes", "BackupStatus", "BackupType",
        "BackupCreationDateTime",
    }  # fmt: skip


def test_a_deleted_backup_is_gone(dynamodb: Any, make_table: MakeTable, name: str) -> None:
    arn = back_up(dynamodb, make_table("pk:S"))
    described = dynamodb.delete_backup(BackupArn=arn)["BackupDescription"]
    assert described["BackupDetails"]["BackupStatus"] == "DELETED"
    gone = "BackupNotFoundException", f"Backup not found: {arn}"
    assert refusal(dynamodb.describe_backup, BackupArn=arn) == gone
    assert refusal(dynamodb.delete_backup, BackupArn=arn) == gone
    assert refusal(dynamodb.restore_table_from_backup, BackupArn=arn, TargetTableName=name) == gone


def test_what_is_refused_of_backups(dynamodb: Any, make_table: MakeTable, name: str) -> None:
    table = make_table("pk:S")
    absent = "TableNotFoundException", "Table not found: never-there"
    assert refusal(dynamodb.create_backup, TableName="never-there", BackupName="abc") == absent
    assert refusal(dynamodb.describe_continuous_backups, TableName="never-there") == absent
    assert refusal(dynamodb.create_backup, TableName=table, BackupName="a b")[0] == "ValidationException"
    table_arn = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{table}"
    for call, more in (
        (dynamodb.describe_backup, {}),
        (dynamodb.delete_backup, {}),
        (dynamodb.restore_table_from_backup, {"TargetTableName": name}),
    ):
        assert refusal(call, BackupArn=table_arn, **more) == ("ValidationException", "Invalid Backup ARN")
        foreign = NO_BACKUP.replace(ACCOUNT, "111111111111")
        assert refusal(call, BackupArn=foreign, **more) == ("AccessDeniedException", "Access is denied")
        assert refusal(call, BackupArn=NO_BACKUP, **more)[0] == "BackupNotFoundException"
    arn = back_up(dynamodb, table)
    assert refusal(dynamodb.restore_table_from_backup, BackupArn=arn, TargetTableName=table) == (
        "TableAlreadyExistsException",
        f"Table already exists: {table}",
    )


def test_a_backup_goes_to_another_region(dynamodb: Any, platform: Any, make_table: MakeTable, name: str) -> None:
    table = make_table("pk:S")
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}})
    arn = back_up(dynamodb, table)
    elsewhere = platform.client("dynamodb", region_name="eu-west-1")
    assert refusal(elsewhere.describe_backup, BackupArn=arn)[0] == "BackupNotFoundException"
    assert refusal(elsewhere.restore_table_from_backup, BackupArn=arn, TargetTableName=name) == invalid(
        "sseSpecificationOverride must be provided for cross-region restores"
    )
    found = restore(elsewhere, arn, name, SSESpecificationOverride={"Enabled": True, "SSEType": "KMS"})
    assert ":eu-west-1:" in found["TableArn"]
    assert pks(elsewhere, name) == ["a"]


# Point in time recovery


def test_a_table_goes_back_in_time(dynamodb: Any, make_table: MakeTable, name: str) -> None:
    table = make_table("pk:S")
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "before"}})
    window = enable_recovery(dynamodb, table, RecoveryPeriodInDays=7)
    assert window["PointInTimeRecoveryStatus"] == "ENABLED"
    assert window["RecoveryPeriodInDays"] == 7
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "kept"}})
    time.sleep(0.01)
    moment = datetime.now(UTC)
    time.sleep(0.01)
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "before"}})
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "after"}})

    begun = dynamodb.restore_table_to_point_in_time(
        SourceTableName=table, TargetTableName=name, RestoreDateTime=moment
    )["TableDescription"]
    assert begun["TableStatus"] == "CREATING"
    found = finished(dynamodb, name)
    summary = found["RestoreSummary"]
    assert summary["SourceTableArn"] == f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{table}"
    assert abs(summary["RestoreDateTime"] - moment) < timedelta(milliseconds=1)
    assert not summary["RestoreInProgress"]
    assert pks(dynamodb, name) == ["before", "kept"]
    assert pks(dynamodb, table) == ["after", "kept"]

    dynamodb.restore_table_to_point_in_time(
        SourceTableArn=summary["SourceTableArn"], TargetTableName=f"{name}.latest", UseLatestRestorableTime=True
    )
    finished(dynamodb, f"{name}.latest")
    assert pks(dynamodb, f"{name}.latest") == ["after", "kept"]


def test_recovery_is_switched_on_and_off(dynamodb: Any, make_table: MakeTable) -> None:
    table = make_table("pk:S")
    off = {"PointInTimeRecoveryStatus": "DISABLED"}

    def described() -> dict[str, Any]:
        found = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        assert found["ContinuousBackupsStatus"] == "ENABLED"
        description: dict[str, Any] = found["PointInTimeRecoveryDescription"]
        return description

    def disable(**options: Any) -> Any:
        specification = {"PointInTimeRecoveryEnabled": False, **options}
        return dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)

    assert described() == off
    window = enable_recovery(dynamodb, table)
    assert window["RecoveryPeriodInDays"] == 35
    assert window["EarliestRestorableDateTime"] <= window["LatestRestorableDateTime"]
    assert enable_recovery(dynamodb, table)["EarliestRestorableDateTime"] == window["EarliestRestorableDateTime"]
    assert enable_recovery(dynamodb, table, RecoveryPeriodInDays=1)["RecoveryPeriodInDays"] == 1
    assert refusal(disable, RecoveryPeriodInDays=3) == invalid(
        "Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery."
    )
    disable()
    assert described() == off
    assert disable()["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"] == off


def test_what_is_refused_of_restores(dynamodb: Any, make_table: MakeTable, name: str) -> None:
    """In AWS's order: the request's form, the source, its recovery, the time, the target."""
    table = make_table("pk:S")
    call, now = dynamodb.restore_table_to_point_in_time, datetime.now(UTC)

    def refused(**request: Any) -> tuple[str, str]:
        return refusal(call, **{"SourceTableName": table, "TargetTableName": name, **request})

    latest = {"UseLatestRestorableTime": True}
    assert refused() == invalid(
        "Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both"
    )
    assert refused(**latest, RestoreDateTime=now)[1].startswith(
        "Invalid Request: Both RestoreDateTime and UseLatestRestorableTime cannot be set"
    )
    assert refused(**latest, SourceTableArn="arn:aws:dynamodb:us-east-1:000000000000:table/abc") == (
        "ValidationException",
        "Must provide exactly one of: sourceTableArn, sourceTableName",
    )
    assert refused(**latest, SourceTableName="never-there", TargetTableName=table) == (
        "TableNotFoundException",
        "Table not found: never-there",
    )
    assert refused(**latest, TargetTableName=table) == (
        "PointInTimeRecoveryUnavailableException",
        f"Point in time recovery is not enabled for table '{table}'",
    )
    enable_recovery(dynamodb, table)
    for wrong in (now - timedelta(days=1), now + timedelta(days=1)):
        code, message = refused(RestoreDateTime=wrong, TargetTableName=table)
        assert code == "InvalidRestoreTimeException"
        assert message.startswith(f"RestoreDateTime '{wrong:%Y-%m-%dT%H:%M:%SZ}' must be within EarliestRestorable")
    assert refused(**latest, TargetTableName=table) == (
        "TableAlreadyExistsException",
        f"Table already exists: {table}",
    )
    without_name = {"TargetTableName": name, **latest}
    assert refusal(call, **without_name)[0] == "ValidationException"
    foreign = "arn:aws:dynamodb:us-east-1:111111111111:table/abc"
    assert "resource owner's account" in refusal(call, SourceTableArn=foreign, **without_name)[1]


def test_a_deleted_table_leaves_a_system_backup(dynamodb: Any, make_table: MakeTable, name: str) -> None:
    table = make_table("pk:S", attributes="g:S", GlobalSecondaryIndexes=[GLOBAL_INDEX])
    enable_recovery(dynamodb, table)
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}, "g": {"S": "x"}})
    dynamodb.delete_table(TableName=table)
    [summary] = dynamodb.list_backups(TableName=table, BackupType="SYSTEM")["BackupSummaries"]
    assert summary["BackupName"] == f"{table}$DeletedTableBackup"
    assert summary["BackupArn"].endswith("-00000000")
    assert summary["BackupStatus"] == "AVAILABLE"
    assert summary["BackupExpiryDateTime"] - summary["BackupCreationDateTime"] == timedelta(days=35)
    code, message = refusal(dynamodb.delete_backup, BackupArn=summary["BackupArn"])
    assert code == "ValidationException"
    assert message.startswith("Invalid Request: User is not allowed to delete the system backup with arn ")
    found = restore(dynamodb, summary["BackupArn"], table)
    assert found["ItemCount"] == 1
    assert dynamodb.scan(TableName=table, IndexName="global")["Count"] == 1

    without = make_table("pk:S")
    dynamodb.delete_table(TableName=without)
    assert dynamodb.list_backups(TableName=without, BackupType="ALL")["BackupSummaries"] == []
