"""Imports out of a bucket into a new table: begin one, describe it, list them. `importer` reads the files."""

import dataclasses
from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import import_store, imports, table_definitions, table_store
from lambent.services.dynamodb.errors import ImportConflict, ResourceInUse
from lambent.services.dynamodb.imports import Import, ImportKey
from lambent.services.dynamodb.names import TableKey, read_table_key
from lambent.services.dynamodb.parts import DynamoParts
from lambent.storage.transaction import Transaction

Request = dict[str, Any]
Result = dict[str, Any]

#: DDB-IMPORT-016.
DEFAULT_PAGE = 10
#: Behind every label.
_LAST_LABEL = "~"


class ImportOperations:
    SERVED = frozenset(("ImportTable", "DescribeImport", "ListImports"))

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    async def import_table(self, caller: Caller, request: Request) -> Result:
        imports.check_request(request)
        wanted = request["TableCreationParameters"]
        mark, now_ms = self._parts.ids.uuid()[-8:], self._parts.clock.now_ms()
        definition = table_definitions.define(wanted, uuid=self._parts.ids.uuid(), now_ms=now_ms)
        key = TableKey(caller.account_id, caller.region, wanted["TableName"])
        token = request.get("ClientToken") or self._parts.ids.uuid()

        def begin(tx: Transaction) -> Import:
            known = import_store.find_by_token(tx, key, token, since_ms=now_ms - imports.TOKEN_VALID_MS)
            if known is not None:
                if known.key.table != key:
                    raise ImportConflict("Import conflict: Duplicate request detected with conflicting parameters")
                return known
            if table_store.find_table(tx, key) is not None:
                raise ResourceInUse(f"Table already exists: {key.name}")
            table_store.check_room(tx, key)
            filled = dataclasses.replace(definition, is_importing=True)
            table = table_store.insert_table(tx, key, filled, now_ms=now_ms)
            one = Import(
                key=ImportKey(key, f"{now_ms:014d}-{mark}"),
                table_id=table.table_id,
                table_uuid=definition.uuid,
                caller_arn=caller.arn,
                access_key_id=caller.access_key_id,
                token=token,
                request={name: value for name, value in request.items() if name != "ClientToken"},
                started_ms=now_ms,
            )
            import_store.insert_import(tx, one)
            return one

        return {"ImportTableDescription": imports.describe(await self._parts.database.write(begin))}

    async def describe_import(self, caller: Caller, request: Request) -> Result:
        key = imports.read_arn(request["ImportArn"], account_id=caller.account_id, region=caller.region)
        one = self._parts.database.read(lambda tx: import_store.find_import(tx, key))
        if one is None:
            raise imports.not_found(key.arn)
        return {"ImportTableDescription": imports.describe(one)}

    async def list_imports(self, caller: Caller, request: Request) -> Result:
        before = ImportKey(TableKey(caller.account_id, caller.region, ""), _LAST_LABEL)
        if "NextToken" in request:
            before = imports.read_token(request["NextToken"], account_id=caller.account_id, region=caller.region)
        name = ""
        if "TableArn" in request:
            name = read_table_key(request["TableArn"], account_id=caller.account_id, region=caller.region).name
        limit = request.get("PageSize", DEFAULT_PAGE)
        found = await self._parts.database.scan(
            lambda tx: import_store.list_imports(tx, before, table_name=name, limit=limit + 1)
        )
        result: Result = {"ImportSummaryList": [imports.describe_summary(one) for one in found[:limit]]}
        if len(found) > limit:
            result["NextToken"] = imports.write_token(found[limit - 1].key)
        return result
