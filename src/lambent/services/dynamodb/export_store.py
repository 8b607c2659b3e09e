"""All SQL on exports, and on the items that wait to be written by them."""

import orjson

from lambent.services.dynamodb.exports import Export, ExportKey, ExportStatus, Failure
from lambent.services.dynamodb.keys import Key
from lambent.services.dynamodb.names import TableKey
from lambent.storage.transaction import Row, Transaction

_EXPORT = (
    "SELECT account_id, region, table_name, label, table_uuid, holder_id, caller_arn, access_key_id, token, request,"
    " export_ms, started_ms, status, ended_ms, items, bytes, failure_code, failure_message FROM dynamodb_export"
)
_IS_READY = (
    "ended_ms IS NULL AND NOT EXISTS (SELECT 1 FROM dynamodb_copy AS c WHERE c.target_id = dynamodb_export.holder_id)"
)


def insert_export(tx: Transaction, export: Export) -> None:
    tx.execute(
        "INSERT INTO dynamodb_export (account_id, region, table_name, label, table_uuid, holder_id, caller_arn,"
        " access_key_id, token, request, export_ms, started_ms, status, items, bytes, failure_code, failure_message)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', '')",
        (
            *export.key.table,
            export.key.label,
            export.table_uuid,
            export.holder_id,
            export.caller_arn,
            export.access_key_id,
            export.token,
            orjson.dumps(export.request).decode(),
            export.export_ms,
            export.started_ms,
            export.status,
        ),
    )


def find_export(tx: Transaction, key: ExportKey) -> Export | None:
    row = tx.row(
        f"{_EXPORT} WHERE account_id = ? AND region = ? AND table_name = ? AND label = ?", (*key.table, key.label)
    )
    return _export(row) if row else None


def find_by_token(tx: Transaction, key: TableKey, token: str, *, since_ms: int) -> Export | None:
    """In the account and region of `key`."""
    row = tx.row(
        f"{_EXPORT} WHERE account_id = ? AND region = ? AND token = ? AND started_ms > ? ORDER BY label DESC LIMIT 1",
        (key.account_id, key.region, token, since_ms),
    )
    return _export(row) if row else None


def list_exports(tx: Transaction, before: ExportKey, *, table_uuid: str, limit: int) -> list[Export]:
    """In the account and region of `before`, the latest first, those behind it; "" as `table_uuid`: of all."""
    account_id, region, before_name = before.table
    rows = tx.rows(
        f"{_EXPORT} WHERE account_id = ? AND region = ? AND (label, table_name) < (?, ?)"
        " AND (? = '' OR table_uuid = ?) ORDER BY label DESC, table_name DESC LIMIT ?",
        (account_id, region, before.label, before_name, table_uuid, table_uuid, limit),
    )
    return [_export(row) for row in rows]


def next_to_write(tx: Transaction) -> Export | None:
    """The first one whose items are all there."""
    row = tx.row(f"{_EXPORT} WHERE {_IS_READY} ORDER BY started_ms LIMIT 1")
    return _export(row) if row else None


def read_items(tx: Transaction, export: Export, after: Key, limit: int) -> list[tuple[Key, bytes, int]]:
    """(key, JSON, size) of those behind `after`."""
    rows = tx.rows(
        "SELECT partition, sort, item, size FROM dynamodb_item WHERE table_id = ? AND (partition, sort) > (?, ?)"
        " ORDER BY partition, sort LIMIT ?",
        (export.holder_id, *after, limit),
    )
    return [(Key(partition, sort), item, size) for partition, sort, item, size in rows]


def complete_export(tx: Transaction, export: Export, *, items: int, size_bytes: int, now_ms: int) -> None:
    _end(tx, export, ExportStatus.COMPLETED, now_ms)
    tx.execute(
        "UPDATE dynamodb_export SET items = ?, bytes = ? WHERE holder_id = ?", (items, size_bytes, export.holder_id)
    )


def fail_export(tx: Transaction, export: Export, failure: Failure, *, now_ms: int) -> None:
    _end(tx, export, ExportStatus.FAILED, now_ms)
    tx.execute(
        "UPDATE dynamodb_export SET failure_code = ?, failure_message = ? WHERE holder_id = ?",
        (failure.code, failure.message, export.holder_id),
    )


def has_old(tx: Transaction, before_ms: int) -> bool:
    return tx.row("SELECT 1 FROM dynamodb_export WHERE ended_ms < ? LIMIT 1", (before_ms,)) is not None


def delete_old(tx: Transaction, before_ms: int) -> None:
    """Those that ended before then."""
    tx.execute("DELETE FROM dynamodb_export WHERE ended_ms < ?", (before_ms,))


def _end(tx: Transaction, export: Export, status: ExportStatus, now_ms: int) -> None:
    tx.execute(
        "UPDATE dynamodb_export SET status = ?, ended_ms = ? WHERE account_id = ? AND region = ? AND table_name = ?"
        " AND label = ?",
        (status, now_ms, *export.key.table, export.key.label),
    )


def _export(row: Row) -> Export:
    account_id, region, table_name, label, table_uuid, holder_id, caller_arn, access_key_id, token, *rest = row
    request, export_ms, started_ms, status, ended_ms, items, size_bytes, failure_code, failure_message = rest
    return Export(
        key=ExportKey(TableKey(account_id, region, table_name), label),
        table_uuid=table_uuid,
        holder_id=holder_id,
        caller_arn=caller_arn,
        access_key_id=access_key_id,
        token=token,
        request=orjson.loads(request),
        export_ms=export_ms,
        started_ms=started_ms,
        status=ExportStatus(status),
        ended_ms=ended_ms,
        items=items,
        size_bytes=size_bytes,
        failure=Failure(failure_code, failure_message) if failure_code else None,
    )
