"""Chores: work on a whole table or index that would keep the writer too long, done a portion at a time.

They are rows, so a restart goes on where the last portion ended. `table_upkeep` runs them in turns; none depends on
another.
"""

from collections.abc import Iterator
from enum import StrEnum

from lambent.kit.frozen import frozen
from lambent.services.dynamodb.keys import Key
from lambent.services.dynamodb.tables import Definition, IndexStatus


class ChoreKind(StrEnum):
    #: Remove the items of a deleted table or backup.
    EMPTY_TABLE = "EMPTY_TABLE"
    #: Remove the entries of a deleted index, or of an index of a deleted table.
    EMPTY_INDEX = "EMPTY_INDEX"
    #: Enter the items that were there before the index was.
    FILL_INDEX = "FILL_INDEX"
    #: Note when the items that are there expire, because time to live was enabled, disabled, or looks elsewhere now.
    NOTE_EXPIRY = "NOTE_EXPIRY"
    #: Fill a backup, or a table that is being restored; the table id is that of the target.
    COPY_ITEMS = "COPY_ITEMS"
    #: Remove what is kept of the past of a table's items and not needed any more.
    FORGET_PAST = "FORGET_PAST"


@frozen
class Chore:
    chore_id: int
    kind: ChoreKind
    table_id: int
    index_id: int
    """0 where it concerns the table."""
    done: Key
    """The last item's key that is done; empty at the start."""


def caused_by(old: Definition, new: Definition) -> Iterator[tuple[ChoreKind, int]]:
    """What a change of a definition leaves to be done: (kind, index id)."""
    status_before = {index.index_id: index.status for index in old.indexes}
    for index in new.indexes:
        before = status_before.get(index.index_id)
        if before is None and index.status is IndexStatus.CREATING:
            yield ChoreKind.FILL_INDEX, index.index_id
        elif before is not None and before is not index.status and index.status is IndexStatus.DELETING:
            yield ChoreKind.EMPTY_INDEX, index.index_id
    if new.ttl_attribute != old.ttl_attribute:
        yield ChoreKind.NOTE_EXPIRY, 0
