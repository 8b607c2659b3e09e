"""Who needs which items, and which of their past: a table, a backup, or a copy that is being made.

Items are kept as long as one of them does, and go a portion at a time (as chores) when the last has let go. So a
deleted table lives on in the backup that is being made of it, and becomes its own system backup without a copy.
"""

import dataclasses

from lambent.services.dynamodb import backup_store, moments, past_store, recovery, table_store
from lambent.services.dynamodb.chores import Chore, ChoreKind
from lambent.storage.transaction import Transaction

#: Changes that one transaction forgets.
PORTION = 200


def let_go(tx: Transaction, holder_id: int, *, now_ms: int) -> None:
    """A table or backup of that id was deleted, point in time recovery disabled, or a copy has ended."""
    table, is_read = table_store.find_table_by_id(tx, holder_id), _first_cut(tx, holder_id) is not None
    if table is not None:
        if table.definition.is_copied and not is_read:
            definition = dataclasses.replace(table.definition, is_copied=False)
            table_store.update_definition(tx, table, definition, now_ms=now_ms)
    elif not is_read and not backup_store.is_holder(tx, holder_id):
        table_store.add_chore(tx, ChoreKind.EMPTY_TABLE, holder_id)
    if past_store.has_history(tx, holder_id):
        table_store.add_chore(tx, ChoreKind.FORGET_PAST, holder_id)


def forget_past(tx: Transaction, chore: Chore, *, now_ms: int) -> bool:
    """A portion of what nobody needs any more; True when there is nothing left of it."""
    if trim_past(tx, chore.table_id, now_ms=now_ms):
        return False
    if table_store.find_table_by_id(tx, chore.table_id) is None and _first_cut(tx, chore.table_id) is None:
        past_store.end(tx, chore.table_id)
    return True


def trim_past(tx: Transaction, table_id: int, *, now_ms: int) -> bool:
    """A portion of the past that neither point in time recovery nor a copy looks back to; was there any?"""
    table = table_store.find_table_by_id(tx, table_id)
    needed = [moments.NEVER]
    if table is not None and table.definition.recovery_days:
        needed.append(moments.first_of(recovery.kept_from_ms(table.definition, now_ms)))
    cut = _first_cut(tx, table_id)
    if cut is not None:
        needed.append(cut)
    return past_store.trim(tx, table_id, min(needed), PORTION)


def _first_cut(tx: Transaction, source_id: int) -> int | None:
    """From where on copies need the past of a holder's items; None: no copy reads them."""
    row = tx.row("SELECT MIN(cut) FROM dynamodb_copy WHERE source_id = ?", (source_id,))
    assert row is not None
    return None if row[0] is None else int(row[0])
