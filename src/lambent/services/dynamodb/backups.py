"""Backups: how they are named, and what is said of them.

Shapes and sentences as the API Reference and the ACK project's DynamoDB notes (findings DDB-BACKUP-003 to -021) have
them. A backup is known by its ARN, `TABLE-ARN/backup/LABEL`; the label begins with the time, and a name may be used
any number of times. It outlives its table. `backup_store` keeps them.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from lambent.kit.arn import Arn
from lambent.kit.frozen import frozen
from lambent.services.dynamodb.errors import AccessDenied, BackupNotFound, ValidationException
from lambent.services.dynamodb.names import TableKey, key_of_arn, table_arn
from lambent.services.dynamodb.table_descriptions import describe_encryption, describe_projection, describe_schema
from lambent.services.dynamodb.table_store import Volume
from lambent.services.dynamodb.tables import Definition, Index, Table

Described = dict[str, Any]

DAY_MS = 24 * 3_600_000
#: API Reference, BackupDetails: "This SYSTEM on-demand backup expires automatically 35 days after its creation."
SYSTEM_BACKUP_MS = 35 * DAY_MS

_matches_label = re.compile(r"\d{14}-[0-9a-f]{8}").fullmatch


class BackupKind(StrEnum):
    #: Asked for.
    USER = "USER"
    #: Made when a table with point in time recovery was deleted.
    SYSTEM = "SYSTEM"


class BackupKey(NamedTuple):
    table: TableKey
    label: str

    @property
    def arn(self) -> str:
        return f"{table_arn(self.table)}/backup/{self.label}"


@frozen
class Backup:
    key: BackupKey
    name: str
    kind: BackupKind
    holder_id: int
    """The id under which its items lie."""
    created_ms: int
    volume: Volume
    definition: Definition
    """Of its table, at that moment."""
    is_whole: bool = False
    """Have its items been copied?"""

    @property
    def arn(self) -> str:
        return self.key.arn

    @property
    def table(self) -> Table:
        """As it was."""
        return Table(self.holder_id, 0, self.key.table, self.definition)

    @property
    def expires_ms(self) -> int | None:
        return self.created_ms + SYSTEM_BACKUP_MS if self.kind is BackupKind.SYSTEM else None


def make(table: Table, name: str, volume: Volume, *, holder_id: int, mark: str, now_ms: int) -> Backup:
    """Of a table as it is now. `mark`: eight hexadecimal digits that tell it from others of the same millisecond."""
    key = BackupKey(table.key, f"{now_ms:014d}-{mark}")
    return Backup(key, name, BackupKind.USER, holder_id, now_ms, volume, table.definition)


def make_system(table: Table, volume: Volume, *, now_ms: int) -> Backup:
    """Of a table that is being deleted, whose items become those of the backup."""
    key = BackupKey(table.key, f"{now_ms:014d}-00000000")
    return Backup(
        key=key,
        name=f"{table.name}$DeletedTableBackup",
        kind=BackupKind.SYSTEM,
        holder_id=table.table_id,
        created_ms=now_ms,
        volume=volume,
        definition=table.definition,
        is_whole=True,
    )


def read_arn(text: str, *, account_id: str) -> BackupKey:
    """Raises ValidationException, AccessDenied (an ARN of another account)."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        raise _invalid_arn() from None
    table, label = key_of_arn(text), arn.resource.rpartition("/backup/")[2]
    if table is None or not _matches_label(label):
        raise _invalid_arn()
    if table.account_id != account_id:
        raise AccessDenied("Access is denied")
    return BackupKey(table, label)


def _invalid_arn() -> ValidationException:
    return ValidationException("Invalid Backup ARN")


def not_found(arn: str) -> BackupNotFound:
    return BackupNotFound(f"Backup not found: {arn}")


def describe_details(backup: Backup, *, status: str = "") -> Described:
    """BackupDetails. `status`: other than it is."""
    described: Described = {
        "BackupArn": backup.arn,
        "BackupName": backup.name,
        "BackupSizeBytes": backup.volume.size_bytes,
        "BackupStatus": status or ("AVAILABLE" if backup.is_whole else "CREATING"),
        "BackupType": backup.kind.value,
        "BackupCreationDateTime": backup.created_ms / 1000,
    }
    if backup.expires_ms is not None:
        described["BackupExpiryDateTime"] = backup.expires_ms / 1000
    return described


def describe_summary(backup: Backup) -> Described:
    """BackupSummary: an entry of ListBackups."""
    table = backup.table
    return {
        "TableName": table.name,
        "TableId": backup.definition.uuid,
        "TableArn": table.arn,
        **describe_details(backup),
    }


def describe(backup: Backup, *, status: str = "") -> Described:
    """BackupDescription."""
    return {
        "BackupDetails": describe_details(backup, status=status),
        "SourceTableDetails": _describe_table(backup),
        "SourceTableFeatureDetails": _describe_features(backup.table),
    }


def _describe_table(backup: Backup) -> Described:
    table, definition = backup.table, backup.definition
    return {
        "TableName": table.name,
        "TableId": definition.uuid,
        "TableArn": table.arn,
        "TableSizeBytes": backup.volume.size_bytes,
        "KeySchema": describe_schema(definition.schema),
        "TableCreationDateTime": definition.created_ms / 1000,
        "ProvisionedThroughput": _describe_units(definition),
        "ItemCount": backup.volume.items,
        "BillingMode": "PAY_PER_REQUEST" if definition.is_on_demand else "PROVISIONED",
        **_on_demand_throughput(definition.extras),
    }


def _describe_features(table: Table) -> Described:
    """Only what the table had."""
    definition = table.definition
    features: Described = {}
    if table.local_indexes:
        features["LocalSecondaryIndexes"] = [_describe_index(index) for index in table.local_indexes]
    if table.global_indexes:
        features["GlobalSecondaryIndexes"] = [
            {
                **_describe_index(index),
                "ProvisionedThroughput": _describe_units(index),
                **_on_demand_throughput(index.extras),
            }
            for index in table.global_indexes
        ]
    if definition.stream_view:
        features["StreamDescription"] = {"StreamEnabled": True, "StreamViewType": definition.stream_view}
    if definition.ttl_attribute:
        features["TimeToLiveDescription"] = {
            "TimeToLiveStatus": "ENABLED",
            "AttributeName": definition.ttl_attribute,
        }
    if definition.sse.get("Enabled"):
        features["SSEDescription"] = describe_encryption(table)
    return features


def _describe_index(index: Index) -> Described:
    return {
        "IndexName": index.name,
        "KeySchema": describe_schema(index.schema),
        "Projection": describe_projection(index),
    }


def _describe_units(of: Definition | Index) -> Described:
    return {"ReadCapacityUnits": of.throughput.read_units, "WriteCapacityUnits": of.throughput.write_units}


def _on_demand_throughput(extras: Mapping[str, Any]) -> Described:
    return {name: value for name, value in extras.items() if name == "OnDemandThroughput"}
