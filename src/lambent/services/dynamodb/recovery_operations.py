"""Continuous backups: point in time recovery on and off, and restoring a table to a moment of its past."""

import dataclasses
from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import (
    copy_store,
    holder_store,
    moments,
    past_store,
    recovery,
    restore_store,
    restores,
    table_store,
)
from lambent.services.dynamodb.errors import (
    PointInTimeRecoveryUnavailable,
    TableNotFound,
    ValidationException,
    invalid_values,
)
from lambent.services.dynamodb.names import TableKey, key_of_arn, read_table_key
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.table_descriptions import describe_table
from lambent.services.dynamodb.tables import Definition, Restore, Table
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]


class RecoveryOperations:
    SERVED = frozenset(("DescribeContinuousBackups", "UpdateContinuousBackups", "RestoreTableToPointInTime"))

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    async def describe_continuous_backups(self, caller: Caller, request: Request) -> Result:
        key = read_table_key(request["TableName"], account_id=caller.account_id, region=caller.region)
        table = self._parts.database.read(lambda tx: _find(tx, key))
        return {"ContinuousBackupsDescription": recovery.describe(table.definition, self._parts.clock.now_ms())}

    async def update_continuous_backups(self, caller: Caller, request: Request) -> Result:
        key = read_table_key(request["TableName"], account_id=caller.account_id, region=caller.region)
        days = recovery.days_wanted(request["PointInTimeRecoverySpecification"])
        now_ms = self._parts.clock.now_ms()

        def update(tx: Transaction) -> Definition:
            table = _find(tx, key)
            if days == table.definition.recovery_days:
                return table.definition
            since_ms = table.definition.recovery_since_ms
            if days and not table.definition.recovery_days:
                since_ms = moments.first_free(past_store.begin(tx, table.table_id, now_ms=now_ms))
            definition = dataclasses.replace(table.definition, recovery_days=days, recovery_since_ms=since_ms)
            table_store.update_definition(tx, table, definition, now_ms=now_ms)
            if not days:
                holder_store.let_go(tx, table.table_id, now_ms=now_ms)
            return definition

        definition = await self._parts.database.write(update)
        return {"ContinuousBackupsDescription": recovery.describe(definition, now_ms)}

    async def restore_table_to_point_in_time(self, caller: Caller, request: Request) -> Result:
        time_ms = recovery.read_restore_time(request)
        source = _source(caller, request)
        restores.check_region(request, source.region, caller.region)
        target = TableKey(caller.account_id, caller.region, request["TargetTableName"])
        uuid, now_ms = self._parts.ids.uuid(), self._parts.clock.now_ms()

        def restore(tx: Transaction) -> Table:
            """Refusals in the order of AWS's (ACK's DynamoDB notes, DDB-TABLE-100)."""
            table = _find(tx, source)
            if not table.definition.recovery_days:
                raise PointInTimeRecoveryUnavailable(f"Point in time recovery is not enabled for table '{table.name}'")
            if time_ms is not None:
                recovery.check_restore_time(table.definition, time_ms, now_ms)
            origin = Restore("", table.arn, now_ms if time_ms is None else time_ms)
            definition = restores.restored(table.definition, request, origin=origin, uuid=uuid, now_ms=now_ms)
            restored = restore_store.insert_target(tx, target, definition, now_ms=now_ms)
            copy_store.copy_table(tx, table, restored.table_id, time_ms=time_ms, now_ms=now_ms)
            return restored

        return {"TableDescription": describe_table(await self._parts.database.write(restore), {})}


def _find(tx: Transaction, key: TableKey) -> Table:
    """Raises TableNotFound, as all operations on backups do."""
    table = table_store.find_table(tx, key)
    if table is None or table.is_filling:
        raise TableNotFound(f"Table not found: {key.name}")
    return table


def _source(caller: Caller, request: Request) -> TableKey:
    """Raises ValidationException."""
    name, arn = request.get("SourceTableName"), request.get("SourceTableArn")
    if name is not None and arn is not None:
        raise ValidationException("Must provide exactly one of: sourceTableArn, sourceTableName")
    if name is not None:
        return TableKey(caller.account_id, caller.region, name)
    if arn is None:
        raise ValidationException("The parameter 'TableName' is required but was not present in the request")
    if not arn.startswith("arn:"):
        raise invalid_values(f"ARNs must start with 'arn:': {arn}")
    key = key_of_arn(arn)
    if key is None:
        raise ValidationException("sourceTableArn is not a valid ARN")
    if key.account_id != caller.account_id:
        raise ValidationException("This action is only supported by accounts that match the resource owner's account.")
    return key
