"""The SQL of beginning a restore: a new table that nobody can use before its last item is there (`copy_store`)."""

from lambent.services.dynamodb import copy_store, table_store
from lambent.services.dynamodb.errors import LimitExceeded, TableAlreadyExists, TableInUse
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.tables import Definition, Table
from lambent.storage.transaction import Transaction

#: API Reference, RestoreTableFromBackup: "up to 50 concurrent restores (any type of restore) in a given account".
MAX_RESTORES = 50


def insert_target(tx: Transaction, key: TableKey, definition: Definition, *, now_ms: int) -> Table:
    """Raises TableAlreadyExists, TableInUse, LimitExceeded."""
    there = table_store.find_table(tx, key)
    if there is not None and there.is_filling and there.definition.restore is not None:
        restore = there.definition.restore
        origin = f"backup: {restore.backup_arn}" if restore.backup_arn else f"table: {restore.table_arn}"
        raise TableInUse(f"Table: {key.name} is already being restored from {origin}")
    if there is not None:
        raise TableAlreadyExists(f"Table already exists: {key.name}")
    if copy_store.count_restores(tx, key.account_id) >= MAX_RESTORES:
        raise LimitExceeded(
            f"Subscriber limit exceeded: Only {MAX_RESTORES} restore operations can be done simultaneously"
        )
    table_store.check_room(tx, key)
    return table_store.insert_table(tx, key, definition, now_ms=now_ms)
