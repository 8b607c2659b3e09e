"""Checkpoints: how far a consumer has read its log. They move in the transaction of the work's effects, never else."""

from lambent.storage.transaction import Transaction


class CheckpointMoved(Exception):
    """Somebody else consumed in our place: this consumer must not commit what it decided."""


def find(tx: Transaction, log: str, consumer: str) -> int:
    """The position up to which everything has had its effects; 0 at first."""
    row = tx.row("SELECT position FROM checkpoint WHERE log = ? AND consumer = ?", (log, consumer))
    return row[0] if row else 0


def advance(tx: Transaction, log: str, consumer: str, *, start: int, end: int) -> None:
    """From `start`, which must be where it stands, to `end`. Raises CheckpointMoved."""
    if find(tx, log, consumer) != start:
        raise CheckpointMoved(f"{consumer} on {log} does not stand at {start} any more")
    tx.execute(
        "INSERT INTO checkpoint (log, consumer, position) VALUES (?, ?, ?) "
        "ON CONFLICT (log, consumer) DO UPDATE SET position = excluded.position",
        (log, consumer, end),
    )


def slowest(tx: Transaction, log: str) -> int:
    """What every consumer of the log is done with."""
    row = tx.row("SELECT min(position) FROM checkpoint WHERE log = ?", (log,))
    return row[0] if row and row[0] else 0
