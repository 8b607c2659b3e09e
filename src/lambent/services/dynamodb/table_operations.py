"""The operations on tables: create, describe, list, update, delete.

A table is usable when CreateTable answers. Its answer still says CREATING, as AWS's does; who asks again hears ACTIVE.
"""

from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import backup_store, backups, holder_store, table_changes, table_definitions, table_store
from lambent.services.dynamodb.errors import ResourceInUse, ValidationException
from lambent.services.dynamodb.names import TableKey, check_name, read_table_key, table_not_found
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.table_descriptions import describe_table
from lambent.services.dynamodb.table_store import Volume
from lambent.services.dynamodb.tables import Table
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

DEFAULT_PAGE = 100


class TableOperations:
    SERVED = frozenset((
        "CreateTable", "DescribeTable", "ListTables", "UpdateTable", "DeleteTable",
        "DescribeLimits", "DescribeEndpoints",
    ))  # fmt: skip

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    async def create_table(self, caller: Caller, request: Request) -> Result:
        now_ms = self._parts.clock.now_ms()
        definition = table_definitions.define(request, uuid=self._parts.ids.uuid(), now_ms=now_ms)
        key = read_table_key(request["TableName"], account_id=caller.account_id, region=caller.region)

        def create(tx: Transaction) -> Table:
            there = table_store.find_table(tx, key)
            if there is not None:
                raise ResourceInUse(
                    f"Table is being used: {key.name}" if there.is_filling else f"Table already exists: {key.name}"
                )
            table_store.check_room(tx, key)
            return table_store.insert_table(tx, key, definition, now_ms=now_ms)

        table = await self._parts.database.write(create)
        return {"TableDescription": describe_table(table, {}, status="CREATING")}

    async def describe_table(self, caller: Caller, request: Request) -> Result:
        key = _key(caller, request)
        table, volumes = self._parts.database.read(lambda tx: _find_with_volumes(tx, key))
        return {"Table": describe_table(table, volumes)}

    async def list_tables(self, caller: Caller, request: Request) -> Result:
        start = request.get("ExclusiveStartTableName", "")
        if start:
            check_name(start, "ExclusiveStartTableName")
        limit = request.get("Limit", DEFAULT_PAGE)
        after = TableKey(caller.account_id, caller.region, start)
        names = self._parts.database.read(lambda tx: table_store.list_names(tx, after, limit + 1))
        result: Result = {"TableNames": names[:limit]}
        if len(names) > limit:
            result["LastEvaluatedTableName"] = names[limit - 1]
        return result

    async def update_table(self, caller: Caller, request: Request) -> Result:
        key = _key(caller, request)
        now_ms = self._parts.clock.now_ms()

        def update(tx: Transaction) -> tuple[Table, dict[int, Volume]]:
            table, volumes = _find_with_volumes(tx, key)
            if table.is_filling:
                raise table_not_found(key.name)
            definition = table_changes.change(table, request, now_ms=now_ms)
            return table_store.update_definition(tx, table, definition, now_ms=now_ms), volumes

        table, volumes = await self._parts.database.write(update)
        return {"TableDescription": describe_table(table, volumes, status="UPDATING")}

    async def delete_table(self, caller: Caller, request: Request) -> Result:
        key = _key(caller, request)
        now_ms = self._parts.clock.now_ms()

        def delete(tx: Transaction) -> tuple[Table, dict[int, Volume]]:
            table, volumes = _find_with_volumes(tx, key)
            if table.is_filling:
                raise ResourceInUse(
                    f"Attempt to change a resource which is still in use: Table is being created: {key.name}"
                )
            if table.definition.is_protected:
                raise ValidationException(
                    "Resource cannot be deleted as it is currently protected against deletion. "
                    "Disable deletion protection first."
                )
            if table.definition.recovery_days:
                backup_store.insert_backup(tx, backups.make_system(table, volumes[table.table_id], now_ms=now_ms))
            table_store.delete_table(tx, table, now_ms=now_ms)
            holder_store.let_go(tx, table.table_id, now_ms=now_ms)
            return table, volumes

        table, volumes = await self._parts.database.write(delete)
        return {"TableDescription": describe_table(table, volumes, status="DELETING")}

    async def describe_limits(self, _caller: Caller, _request: Request) -> Result:
        """AWS's defaults; nothing here is refused for them."""
        return {
            "AccountMaxReadCapacityUnits": 80_000,
            "AccountMaxWriteCapacityUnits": 80_000,
            "TableMaxReadCapacityUnits": 40_000,
            "TableMaxWriteCapacityUnits": 40_000,
        }

    async def describe_endpoints(self, caller: Caller, _request: Request) -> Result:
        address = caller.endpoint.partition("://")[2]
        return {"Endpoints": [{"Address": address, "CachePeriodInMinutes": 1440}]}


def _key(caller: Caller, request: Request) -> TableKey:
    return read_table_key(request["TableName"], account_id=caller.account_id, region=caller.region)


def _find_with_volumes(tx: Transaction, key: TableKey) -> tuple[Table, dict[int, Volume]]:
    """Raises ResourceNotFound."""
    table = table_store.find_table(tx, key)
    if table is None:
        raise table_not_found(key.name)
    holders = (table.table_id, *(index.index_id for index in table.definition.indexes))
    return table, {holder: table_store.find_volume(tx, holder) for holder in holders}
