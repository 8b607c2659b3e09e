"""Exports of a table's past into a bucket: begin one, describe it, list them. `exporter` writes them."""

from typing import Any

from lambent.services.caller import Caller
from lambent.services.dynamodb import copy_store, export_store, exports, recovery, table_store
from lambent.services.dynamodb.errors import (
    ExportConflict,
    InvalidExportTime,
    InvalidRestoreTime,
    PointInTimeRecoveryUnavailable,
    TableNotFound,
    ValidationException,
)
from lambent.services.dynamodb.exports import Export, ExportKey
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.tables import Table
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

Request = dict[str, Any]
Result = dict[str, Any]

#: DDB-IMPORT-016.
DEFAULT_PAGE = 10
#: Behind every label.
_LAST_LABEL = "~"


class ExportOperations:
    SERVED = frozenset(("ExportTableToPointInTime", "DescribeExport", "ListExports"))

    def __init__(self, parts: DynamoParts) -> None:
        self._parts = parts

    async def export_table_to_point_in_time(self, caller: Caller, request: Request) -> Result:
        exports.check_request(request)
        key = exports.read_table_arn(request["TableArn"], account_id=caller.account_id, region=caller.region)
        given = {name: value for name, value in request.items() if name != "ClientToken"}
        token = request.get("ClientToken") or self._parts.ids.uuid()
        mark, now_ms = self._parts.ids.uuid()[-8:], self._parts.clock.now_ms()
        time_ms = round(request["ExportTime"] * 1_000_000) // 1000 if "ExportTime" in request else None

        def begin(tx: Transaction) -> Export:
            known = export_store.find_by_token(tx, key, token, since_ms=now_ms - exports.TOKEN_VALID_MS)
            if known is not None:
                if known.request != given:
                    raise ExportConflict("Export conflict: Duplicate request detected with conflicting parameters")
                return known
            table = _find_source(tx, key, request["TableArn"], time_ms, now_ms)
            export = Export(
                key=ExportKey(key, f"{now_ms:014d}-{mark}"),
                table_uuid=table.definition.uuid,
                holder_id=table_store.take_id(tx),
                caller_arn=caller.arn,
                access_key_id=caller.access_key_id,
                token=token,
                request=given,
                export_ms=now_ms if time_ms is None else time_ms,
                started_ms=now_ms,
            )
            export_store.insert_export(tx, export)
            copy_store.copy_table(tx, table, export.holder_id, time_ms=time_ms, now_ms=now_ms)
            return export

        return {"ExportDescription": exports.describe(await self._parts.database.write(begin))}

    async def describe_export(self, caller: Caller, request: Request) -> Result:
        key = exports.read_arn(request["ExportArn"], account_id=caller.account_id, region=caller.region)
        export = self._parts.database.read(lambda tx: export_store.find_export(tx, key))
        if export is None:
            raise exports.not_found(key.arn)
        return {"ExportDescription": exports.describe(export)}

    async def list_exports(self, caller: Caller, request: Request) -> Result:
        """Those of a table that is gone are listed only together with all others (DDB-EXPORT-020)."""
        before = _start(caller, request)
        limit = request.get("MaxResults", DEFAULT_PAGE)
        key = None
        if "TableArn" in request:
            key = exports.read_table_arn(request["TableArn"], account_id=caller.account_id, region=caller.region)

        def find(tx: Transaction) -> list[Export]:
            table = table_store.find_table(tx, key) if key is not None else None
            if key is not None and table is None:
                return []
            table_uuid = table.definition.uuid if table is not None else ""
            return export_store.list_exports(tx, before, table_uuid=table_uuid, limit=limit + 1)

        found = await self._parts.database.scan(find)
        result: Result = {"ExportSummaries": [exports.describe_summary(export) for export in found[:limit]]}
        if len(found) > limit:
            result["NextToken"] = found[limit - 1].key.arn
        return result


def _find_source(tx: Transaction, key: TableKey, arn: str, time_ms: int | None, now_ms: int) -> Table:
    """Raises TableNotFound, PointInTimeRecoveryUnavailable, InvalidExportTime."""
    table = table_store.find_table(tx, key)
    if table is None or table.is_filling:
        raise TableNotFound(f"Table not found: {arn}")
    if not table.definition.recovery_days:
        raise PointInTimeRecoveryUnavailable(f"Point in time recovery is not enabled for table '{table.name}'")
    if time_ms is not None:
        try:
            recovery.check_restore_time(table.definition, time_ms, now_ms)
        except InvalidRestoreTime as error:
            raise InvalidExportTime("Export Time is invalid") from error
    return table


def _start(caller: Caller, request: Request) -> ExportKey:
    """Raises ValidationException."""
    token = request.get("NextToken")
    if token is None:
        return ExportKey(TableKey(caller.account_id, caller.region, ""), _LAST_LABEL)
    try:
        return exports.read_arn(token, account_id=caller.account_id, region=caller.region)
    except ServiceError as error:
        raise ValidationException(f"Invalid Request: Provided nextToken is invalid: {token}") from error
