"""All SQL on backups as such. Their items lie in `dynamodb_item` like a table's, under an id of the backup's own."""

from lambent.services.dynamodb import table_documents
from lambent.services.dynamodb.backups import Backup, BackupKey, BackupKind
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.table_store import Volume
from lambent.storage.transaction import Row, Transaction

_BACKUP = (
    "SELECT account_id, region, table_name, label, name, kind, holder_id, created_ms, items, bytes, definition,"
    " is_whole FROM dynamodb_backup"
)


def insert_backup(tx: Transaction, backup: Backup) -> None:
    tx.execute(
        "INSERT INTO dynamodb_backup (account_id, region, table_name, label, name, kind, holder_id, created_ms,"
        " items, bytes, definition, is_whole, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *backup.key.table,
            backup.key.label,
            backup.name,
            backup.kind,
            backup.holder_id,
            backup.created_ms,
            backup.volume.items,
            backup.volume.size_bytes,
            table_documents.dump(backup.definition),
            int(backup.is_whole),
            backup.expires_ms,
        ),
    )


def find_backup(tx: Transaction, key: BackupKey) -> Backup | None:
    row = tx.row(
        f"{_BACKUP} WHERE account_id = ? AND region = ? AND table_name = ? AND label = ?", (*key.table, key.label)
    )
    return _backup(row) if row else None


def list_backups(
    tx: Transaction,
    after: BackupKey,
    *,
    table_name: str,
    kinds: list[BackupKind],
    from_ms: int,
    before_ms: int,
    limit: int,
) -> list[Backup]:
    """In the account and region of `after`, by age, those behind it; "" as `table_name`: of all tables."""
    account_id, region, after_name = after.table
    first, second = kinds[0], kinds[-1]
    rows = tx.rows(
        f"{_BACKUP} WHERE account_id = ? AND region = ? AND (label, table_name) > (?, ?)"
        " AND (? = '' OR table_name = ?) AND kind IN (?, ?) AND created_ms >= ? AND created_ms < ?"
        " ORDER BY label, table_name LIMIT ?",
        (
            account_id,
            region,
            after.label,
            after_name,
            table_name,
            table_name,
            first,
            second,
            from_ms,
            before_ms,
            limit,
        ),
    )
    return [_backup(row) for row in rows]


def list_expired(tx: Transaction, now_ms: int, limit: int) -> list[Backup]:
    return [_backup(row) for row in tx.rows(f"{_BACKUP} WHERE expires_ms <= ? LIMIT ?", (now_ms, limit))]


def finish_backup(tx: Transaction, holder_id: int) -> None:
    """All its items are there."""
    tx.execute("UPDATE dynamodb_backup SET is_whole = 1 WHERE holder_id = ?", (holder_id,))


def is_holder(tx: Transaction, holder_id: int) -> bool:
    """Are items of that id a backup's?"""
    return tx.row("SELECT 1 FROM dynamodb_backup WHERE holder_id = ?", (holder_id,)) is not None


def delete_backup(tx: Transaction, backup: Backup) -> None:
    """Its items are `holder_store.let_go`'s."""
    tx.execute("DELETE FROM dynamodb_backup WHERE holder_id = ?", (backup.holder_id,))


def _backup(row: Row) -> Backup:
    account_id, region, table_name, label, name, kind, holder_id, created_ms, items, size_bytes, *rest = row
    definition, is_whole = rest
    return Backup(
        key=BackupKey(TableKey(account_id, region, table_name), label),
        name=name,
        kind=BackupKind(kind),
        holder_id=holder_id,
        created_ms=created_ms,
        volume=Volume(items, size_bytes),
        definition=table_documents.load(definition),
        is_whole=bool(is_whole),
    )
