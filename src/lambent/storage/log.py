"""The log: append, read after a position, trim. What happens after a commit is a consumer of one of these.

Positions count from 1 per log and are dense: a head row assigns them inside the writer's transaction, so the order of
positions is the order of commits. `append` announces the topic `topic(log)`; the consumer reads on from its own
checkpoint (`delivery.checkpoints`).
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from lambent.storage.transaction import Transaction


class LogRecord(NamedTuple):
    """A tuple, because thousands are made in a moment."""

    position: int
    time_ms: int
    payload: bytes


_make_record = partial(tuple.__new__, LogRecord)  # `LogRecord._make` without a call of Python's for each


def topic(log: str) -> str:
    """What a commit that appended to `log` announces."""
    return f"log:{log}"


def append(tx: Transaction, log: str, payload: bytes, time_ms: int) -> int:
    """Returns the record's position."""
    return append_all(tx, log, [(time_ms, payload)])


def append_all(tx: Transaction, log: str, records: Sequence[tuple[int, bytes]]) -> int:
    """Records as (time in ms, payload), at least one. Returns the position of the last."""
    found = tx.row(
        "INSERT INTO log_head (log, position) VALUES (?, ?) "
        "ON CONFLICT (log) DO UPDATE SET position = log_head.position + excluded.position RETURNING position",
        (log, len(records)),
    )
    assert found is not None
    last: int = found[0]
    first = last - len(records) + 1
    tx.execute_rows(
        "INSERT INTO log_record (log, position, time_ms, payload) VALUES (*)",
        [(log, position, time_ms, payload) for position, (time_ms, payload) in enumerate(records, first)],
    )
    tx.announce(topic(log))
    return last


def read_after(tx: Transaction, log: str, position: int, limit: int) -> list[LogRecord]:
    """At most `limit` records with positions greater than `position`, in order."""
    rows = tx.rows(
        "SELECT position, time_ms, payload FROM log_record WHERE log = ? AND position > ? ORDER BY position LIMIT ?",
        (log, position, limit),
    )
    return list(map(_make_record, rows))


def count_within(tx: Transaction, log: str, position: int, limit: int, max_bytes: int) -> int:
    """How many records after `position`, at most `limit`, have payloads of no more than `max_bytes` together.

    At least one if there is one, so that a reader of portions gets past a record that is larger.
    """
    sizes = tx.rows(
        "SELECT LENGTH(payload) FROM log_record WHERE log = ? AND position > ? ORDER BY position LIMIT ?",
        (log, position, limit),
    )
    total = 0
    for count, (size,) in enumerate(sizes):
        total += size
        if total > max_bytes:
            return max(count, 1)
    return len(sizes)


def trim(tx: Transaction, log: str, through: int) -> None:
    """Forget the records up to and including `through`; positions are never used again."""
    tx.execute("DELETE FROM log_record WHERE log = ? AND position <= ?", (log, through))


def trim_older(tx: Transaction, log: str, before_ms: int, limit: int) -> int:
    """Forget the oldest records, at most `limit`, up to the first that is not older; returns the last one's position.

    0 if there was nothing to forget.
    """
    through = 0
    oldest = tx.rows("SELECT position, time_ms FROM log_record WHERE log = ? ORDER BY position LIMIT ?", (log, limit))
    for position, time_ms in oldest:
        if time_ms >= before_ms:
            break
        through = position
    if through:
        trim(tx, log, through)
    return through


def trim_oldest(tx: Transaction, log: str, limit: int) -> bool:
    """Forget the oldest records, at most `limit`. False: there were none."""
    oldest = tx.row("SELECT position FROM log_record WHERE log = ? ORDER BY position LIMIT 1", (log,))
    if oldest is not None:
        trim(tx, log, oldest[0] + limit - 1)
    return oldest is not None


def forget(tx: Transaction, log: str) -> None:
    """As if nobody had ever written to it. Only for logs whose name is never used again."""
    tx.execute("DELETE FROM log_record WHERE log = ?", (log,))
    tx.execute("DELETE FROM log_head WHERE log = ?", (log,))


def oldest_ms(tx: Transaction, log: str) -> int | None:
    """Time of the oldest record that is left."""
    found = tx.row("SELECT time_ms FROM log_record WHERE log = ? ORDER BY position LIMIT 1", (log,))
    return found[0] if found else None


def head(tx: Transaction, log: str) -> int:
    """Position of the last record ever appended; 0 for a log nobody has written to."""
    found = tx.row("SELECT position FROM log_head WHERE log = ?", (log,))
    return found[0] if found else 0


def position_before(tx: Transaction, log: str, time_ms: int) -> int:
    """Position before the first record of `time_ms` or later; the head if there is none.

    Halves the log again and again, so it reads a few records of however many; where the clock was set back for a
    while, it finds one of the places.
    """
    oldest = tx.row("SELECT position FROM log_record WHERE log = ? ORDER BY position LIMIT 1", (log,))
    before, through = (oldest[0] - 1 if oldest else head(tx, log)), head(tx, log)
    while before < through:
        middle = (before + through + 1) // 2
        found = tx.row("SELECT time_ms FROM log_record WHERE log = ? AND position = ?", (log, middle))
        assert found is not None, "positions are dense"
        if found[0] < time_ms:
            before = middle
        else:
            through = middle - 1
    return before


def measure(tx: Transaction, log: str, position: int, through: int) -> tuple[int, int]:
    """How many records there are behind `position` up to `through`, and how many bytes their payloads have.

    One statement.
    """
    found = tx.row(
        "SELECT COUNT(*), SUM(LENGTH(payload)) FROM log_record WHERE log = ? AND position > ? AND position <= ?",
        (log, position, through),
    )
    assert found is not None
    return found[0], found[1] or 0


def time_after(tx: Transaction, log: str, position: int) -> int | None:
    """Of the next record behind `position`."""
    found = tx.row(
        "SELECT time_ms FROM log_record WHERE log = ? AND position > ? ORDER BY position LIMIT 1", (log, position)
    )
    return found[0] if found else None
