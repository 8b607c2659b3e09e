"""All SQL on imports: what they are, and how far they have come."""

import dataclasses
from collections.abc import Sequence

import orjson

from lambent.services.dynamodb import holder_store, table_store
from lambent.services.dynamodb.imports import Failure, Import, ImportKey, ImportStatus, Progress
from lambent.services.dynamodb.item_store import Change, Write, WriteBatch
from lambent.services.dynamodb.names import TableKey
from lambent.storage.transaction import Row, Transaction

#: An import was begun.
IMPORTS_TOPIC = "dynamodb-imports"

_IMPORT = (
    "SELECT account_id, region, table_name, label, table_id, table_uuid, caller_arn, access_key_id, token, request,"
    " started_ms, status, ended_ms, after_key, reading_key, records, processed, imported, bytes, first_error,"
    " failure_code, failure_message FROM dynamodb_import"
)


def insert_import(tx: Transaction, one: Import) -> None:
    tx.execute(
        "INSERT INTO dynamodb_import (account_id, region, table_name, label, table_id, table_uuid, status, caller_arn,"
        " access_key_id, token, request, started_ms, after_key, reading_key, records, processed, imported, bytes,"
        " first_error, failure_code, failure_message)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 0, 0, 0, 0, '', '', '')",
        (
            *one.key.table,
            one.key.label,
            one.table_id,
            one.table_uuid,
            one.status,
            one.caller_arn,
            one.access_key_id,
            one.token,
            orjson.dumps(one.request).decode(),
            one.started_ms,
        ),
    )
    tx.announce(IMPORTS_TOPIC)


def find_import(tx: Transaction, key: ImportKey) -> Import | None:
    row = tx.row(
        f"{_IMPORT} WHERE account_id = ? AND region = ? AND table_name = ? AND label = ?", (*key.table, key.label)
    )
    return _import(row) if row else None


def find_by_token(tx: Transaction, key: TableKey, token: str, *, since_ms: int) -> Import | None:
    """In the account and region of `key`."""
    row = tx.row(
        f"{_IMPORT} WHERE account_id = ? AND region = ? AND token = ? AND started_ms > ? ORDER BY label DESC LIMIT 1",
        (key.account_id, key.region, token, since_ms),
    )
    return _import(row) if row else None


def list_imports(tx: Transaction, before: ImportKey, *, table_name: str, limit: int) -> list[Import]:
    """In the account and region of `before`, the latest first, those behind it; "" as `table_name`: of all."""
    account_id, region, before_name = before.table
    rows = tx.rows(
        f"{_IMPORT} WHERE account_id = ? AND region = ? AND (label, table_name) < (?, ?)"
        " AND (? = '' OR table_name = ?) ORDER BY label DESC, table_name DESC LIMIT ?",
        (account_id, region, before.label, before_name, table_name, table_name, limit),
    )
    return [_import(row) for row in rows]


def next_in_progress(tx: Transaction) -> Import | None:
    row = tx.row(f"{_IMPORT} WHERE ended_ms IS NULL ORDER BY started_ms LIMIT 1")
    return _import(row) if row else None


def enter_items(tx: Transaction, one: Import, changes: Sequence[Change], progress: Progress, *, now_ms: int) -> None:
    """Items that were read, into the table, together with how far the import has come by that."""
    table = table_store.find_table_by_id(tx, one.table_id)
    assert table is not None, "a table cannot be deleted while it is being filled"
    writes = [Write(table, change, now_ms) for change in changes]
    batch = WriteBatch(tx, writes)
    for write in writes:
        batch.perform(write)
    batch.store()
    tx.execute(
        "UPDATE dynamodb_import SET after_key = ?, reading_key = ?, records = ?, processed = ?, imported = ?,"
        " bytes = ?, first_error = ? WHERE table_id = ?",
        (
            progress.after_key,
            progress.reading_key,
            progress.records,
            progress.processed,
            progress.imported,
            progress.size_bytes,
            progress.first_error,
            one.table_id,
        ),
    )


def end_import(tx: Transaction, one: Import, failure: Failure | None, *, keeps_table: bool, now_ms: int) -> None:
    """The table is usable from now on, or gone."""
    status = ImportStatus.COMPLETED if failure is None else ImportStatus.FAILED
    code, message = (failure.code, failure.message) if failure is not None else ("", "")
    tx.execute(
        "UPDATE dynamodb_import SET status = ?, ended_ms = ?, failure_code = ?, failure_message = ? WHERE table_id = ?",
        (status, now_ms, code, message, one.table_id),
    )
    table = table_store.find_table_by_id(tx, one.table_id)
    assert table is not None, "a table cannot be deleted while it is being filled"
    if keeps_table:
        definition = dataclasses.replace(table.definition, is_importing=False)
        table_store.update_definition(tx, table, definition, now_ms=now_ms)
    else:
        table_store.delete_table(tx, table, now_ms=now_ms)
        holder_store.let_go(tx, table.table_id, now_ms=now_ms)


def has_old(tx: Transaction, before_ms: int) -> bool:
    return tx.row("SELECT 1 FROM dynamodb_import WHERE ended_ms < ? LIMIT 1", (before_ms,)) is not None


def delete_old(tx: Transaction, before_ms: int) -> None:
    """Those that ended before then."""
    tx.execute("DELETE FROM dynamodb_import WHERE ended_ms < ?", (before_ms,))


def _import(row: Row) -> Import:
    account_id, region, table_name, label, table_id, table_uuid, caller_arn, access_key_id, token, *rest = row
    request, started_ms, status, ended_ms, *rest = rest
    *rest, failure_code, failure_message = rest
    return Import(
        key=ImportKey(TableKey(account_id, region, table_name), label),
        table_id=table_id,
        table_uuid=table_uuid,
        caller_arn=caller_arn,
        access_key_id=access_key_id,
        token=token,
        request=orjson.loads(request),
        started_ms=started_ms,
        status=ImportStatus(status),
        ended_ms=ended_ms,
        progress=Progress(*rest),
        failure=Failure(failure_code, failure_message) if failure_code else None,
    )
