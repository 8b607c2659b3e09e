"""Backups on demand: create, describe, list, delete, and restoring a table from one.

A backup is of the moment in which CreateBackup is committed. Its items are copied in the background (`copy_store`); it
says CREATING meanwhile, and so does a restored table.
"""

from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import (
    backup_store,
    backups,
    copy_store,
    holder_store,
    restore_store,
    restores,
    table_store,
)
from lambent.services.dynamodb.backups import Backup, BackupKey, BackupKind
from lambent.services.dynamodb.errors import BackupInUse, TableNotFound, ValidationException, invalid_values
from lambent.services.dynamodb.names import TableKey, read_table_key
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.stream_labels import label_of
from lambent.services.dynamodb.table_descriptions import describe_table
from lambent.services.dynamodb.tables import Restore, Table
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

DEFAULT_PAGE = 100
_KINDS = {
    "USER": [BackupKind.USER],
    "SYSTEM": [BackupKind.SYSTEM],
    "ALL": [BackupKind.USER, BackupKind.SYSTEM],
}
_END_OF_TIME_MS = 2**62


class BackupOperations:
    SERVED = frozenset(("CreateBackup", "DescribeBackup", "ListBackups", "DeleteBackup", "RestoreTableFromBackup"))

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    async def create_backup(self, caller: Caller, request: Request) -> Result:
        key = read_table_key(request["TableName"], account_id=caller.account_id, region=caller.region)
        mark, now_ms = self._parts.ids.uuid()[-8:], self._parts.clock.now_ms()

        def create(tx: Transaction) -> Backup:
            table = table_store.find_table(tx, key)
            if table is None or table.is_filling:
                raise TableNotFound(f"Table not found: {key.name}")
            volume, holder_id = table_store.find_volume(tx, table.table_id), table_store.take_id(tx)
            backup = backups.make(table, request["BackupName"], volume, holder_id=holder_id, mark=mark, now_ms=now_ms)
            backup_store.insert_backup(tx, backup)
            copy_store.copy_table(tx, table, holder_id, time_ms=None, now_ms=now_ms)
            return backup

        return {"BackupDetails": backups.describe_details(await self._parts.database.write(create))}

    async def describe_backup(self, caller: Caller, request: Request) -> Result:
        key = _own(caller, request)
        return {"BackupDescription": backups.describe(self._parts.database.read(lambda tx: _find(tx, key)))}

    async def list_backups(self, caller: Caller, request: Request) -> Result:
        from_ms = round(request.get("TimeRangeLowerBound", 0) * 1000)
        before_ms = (
            round(request["TimeRangeUpperBound"] * 1000) if "TimeRangeUpperBound" in request else _END_OF_TIME_MS
        )
        if from_ms > before_ms:
            raise invalid_values("Time range lower bound must be less than or equal to upper bound")
        kinds = _KINDS.get(request.get("BackupType", "USER"), [])
        limit = request.get("Limit", DEFAULT_PAGE)
        after, table_name = _start(caller, request), _table_name(caller, request)

        def find(tx: Transaction) -> list[Backup]:
            return backup_store.list_backups(
                tx,
                after,
                table_name=table_name,
                kinds=kinds,
                from_ms=from_ms,
                before_ms=before_ms,
                limit=limit + 1,
            )

        found = await self._parts.database.scan(find) if kinds else []
        result: Result = {"BackupSummaries": [backups.describe_summary(backup) for backup in found[:limit]]}
        if len(found) > limit:
            result["LastEvaluatedBackupArn"] = found[limit - 1].arn
        return result

    async def delete_backup(self, caller: Caller, request: Request) -> Result:
        key = _own(caller, request)
        now_ms = self._parts.clock.now_ms()

        def delete(tx: Transaction) -> Backup:
            backup = _find(tx, key)
            if backup.expires_ms is not None:
                raise ValidationException(
                    f"Invalid Request: User is not allowed to delete the system backup with arn {key.arn}. "
                    f"It will automatically expire on {label_of(backup.expires_ms)}Z"
                )
            _check_whole(backup)
            if copy_store.is_being_copied(tx, backup.holder_id):
                raise BackupInUse(f"Backup is being used to restore table: {key.arn}")
            backup_store.delete_backup(tx, backup)
            holder_store.let_go(tx, backup.holder_id, now_ms=now_ms)
            return backup

        backup = await self._parts.database.write(delete)
        return {"BackupDescription": backups.describe(backup, status="DELETED")}

    async def restore_table_from_backup(self, caller: Caller, request: Request) -> Result:
        key = backups.read_arn(request["BackupArn"], account_id=caller.account_id)
        restores.check_region(request, key.table.region, caller.region)
        target = TableKey(caller.account_id, caller.region, request["TargetTableName"])
        uuid, now_ms = self._parts.ids.uuid(), self._parts.clock.now_ms()

        def restore(tx: Transaction) -> Table:
            backup = _find(tx, key)
            origin = Restore(backup.arn, backup.table.arn, backup.created_ms)
            definition = restores.restored(backup.definition, request, origin=origin, uuid=uuid, now_ms=now_ms)
            table = restore_store.insert_target(tx, target, definition, now_ms=now_ms)
            _check_whole(backup)
            if copy_store.is_being_copied(tx, backup.holder_id):
                raise BackupInUse(f"Backup is being used to restore another table: {key.arn}")
            copy_store.copy_backup(tx, backup, table.table_id)
            return table

        return {"TableDescription": describe_table(await self._parts.database.write(restore), {})}


def _find(tx: Transaction, key: BackupKey) -> Backup:
    """Raises BackupNotFound."""
    backup = backup_store.find_backup(tx, key)
    if backup is None:
        raise backups.not_found(key.arn)
    return backup


def _check_whole(backup: Backup) -> None:
    if not backup.is_whole:
        raise BackupInUse(f"Backup is being created: {backup.arn}")


def _own(caller: Caller, request: Request) -> BackupKey:
    """Of the caller's region. Raises ValidationException, AccessDenied, BackupNotFound."""
    key = backups.read_arn(request["BackupArn"], account_id=caller.account_id)
    if key.table.region != caller.region:
        raise backups.not_found(key.arn)
    return key


def _start(caller: Caller, request: Request) -> BackupKey:
    """The backup need not exist any more. Raises ValidationException, AccessDenied."""
    arn = request.get("ExclusiveStartBackupArn")
    if arn is None:
        return BackupKey(TableKey(caller.account_id, caller.region, ""), "")
    key = backups.read_arn(arn, account_id=caller.account_id)
    if key.table.region != caller.region:
        raise ValidationException("Invalid Request: The supplied ExclusiveStartBackupArn does not match the region")
    return key


def _table_name(caller: Caller, request: Request) -> str:
    """Whose backups are wanted, though it may be gone by now; "" if all are."""
    if "TableName" not in request:
        return ""
    return read_table_key(request["TableName"], account_id=caller.account_id, region=caller.region).name
