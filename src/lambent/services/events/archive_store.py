"""All SQL about archives and what they keep."""

# ruff: noqa: S608 - the columns put in are constants of this module; values are always parameters

from collections.abc import Sequence

from lambent.services.events.archives import Archive
from lambent.services.events.names import BusKey, ResourceKey
from lambent.services.events.rule_store import RULES_TOPIC
from lambent.storage.transaction import Row, Transaction

_ARCHIVE = (
    "account_id, region, name, archive_id, bus, pattern, description, retention_days, created_ms, event_count, "
    "size_bytes"
)
_KEY = "account_id = ? AND region = ? AND name = ?"

#: Events that one transaction of the clean-up deletes, so that nobody waits for it.
PORTION = 500


def find_archive(tx: Transaction, key: ResourceKey) -> Archive | None:
    row = tx.row(f"SELECT {_ARCHIVE} FROM event_archive WHERE {_KEY}", key)
    return _archive(row) if row else None


def insert_archive(tx: Transaction, archive: Archive) -> None:
    row = tx.row(
        "INSERT INTO event_archive_head (head, archive_id) VALUES ('', 1) "
        "ON CONFLICT (head) DO UPDATE SET archive_id = event_archive_head.archive_id + 1 RETURNING archive_id"
    )
    assert row is not None
    tx.execute(
        f"INSERT INTO event_archive ({_ARCHIVE}, head) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)",
        (
            *archive.key,
            *(row[0], archive.bus, archive.pattern, archive.description, archive.retention_days, archive.created_ms),
        ),
    )
    tx.announce(RULES_TOPIC)


def update_archive(tx: Transaction, archive: Archive) -> None:
    tx.execute(
        f"UPDATE event_archive SET pattern = ?, description = ?, retention_days = ? WHERE {_KEY}",
        (archive.pattern, archive.description, archive.retention_days, *archive.key),
    )
    tx.announce(RULES_TOPIC)


def delete_archive(tx: Transaction, archive: Archive, now_ms: int) -> None:
    """Its events go later, and replays of it end."""
    tx.execute(f"DELETE FROM event_archive WHERE {_KEY}", archive.key)
    tx.execute("INSERT INTO event_archive_garbage (archive_id) VALUES (?)", (archive.archive_id,))
    tx.execute(
        "UPDATE event_replay SET state = 'FAILED', ended_ms = ? WHERE archive_id = ? AND ended_ms IS NULL",
        (now_ms, archive.archive_id),
    )

    tx.announce(RULES_TOPIC)


def delete_archives_of(tx: Transaction, bus: BusKey, now_ms: int) -> None:
    for archive in archives_of(tx, bus):
        delete_archive(tx, archive, now_ms)


def archives_of(tx: Transaction, bus: BusKey) -> list[Archive]:
    rows = tx.rows(f"SELECT {_ARCHIVE} FROM event_archive WHERE account_id = ? AND region = ? AND bus = ?", bus)
    return [_archive(row) for row in rows]


def list_archives(tx: Transaction, start: ResourceKey, prefix: str, bus: str | None, limit: int) -> list[Archive]:
    """By name, from `start.name` on (included); of one bus, or of all."""
    rows = tx.rows(
        f"SELECT {_ARCHIVE} FROM event_archive WHERE account_id = ? AND region = ? AND name >= ? AND name <= ? "
        "AND (? OR bus = ?) ORDER BY name LIMIT ?",
        (
            *(start.account_id, start.region, max(start.name, prefix), prefix + "\U0010ffff"),
            *(int(bus is None), bus or "", limit),
        ),
    )
    return [_archive(row) for row in rows]


def keep_events(tx: Transaction, archive_id: int, events: Sequence[tuple[int, bytes]]) -> None:
    """(the event's time, its document); nothing happens if the archive is gone."""
    row = tx.row(
        "UPDATE event_archive SET head = head + ?, event_count = event_count + ?, size_bytes = size_bytes + ? "
        "WHERE archive_id = ? RETURNING head",
        (len(events), len(events), sum(len(event) for _, event in events), archive_id),
    )
    if row is None:
        return
    first = row[0] - len(events) + 1
    tx.execute_many(
        "INSERT INTO archived_event (archive_id, time_ms, position, event) VALUES (?, ?, ?, ?)",
        [(archive_id, time_ms, position, event) for position, (time_ms, event) in enumerate(events, first)],
    )


def events_between(
    tx: Transaction, archive_id: int, after: tuple[int, int], end_ms: int, limit: int
) -> list[tuple[int, int, bytes]]:
    """(time, position, document) by time, after (time, position) and before `end_ms`."""
    rows = tx.rows(
        "SELECT time_ms, position, event FROM archived_event WHERE archive_id = ? AND (time_ms, position) > (?, ?) "
        "AND time_ms < ? ORDER BY time_ms, position LIMIT ?",
        (archive_id, *after, end_ms, limit),
    )
    return [(row[0], row[1], row[2]) for row in rows]


# Clean-up


def archives_with_retention(tx: Transaction) -> list[Archive]:
    return [_archive(row) for row in tx.rows(f"SELECT {_ARCHIVE} FROM event_archive WHERE retention_days > 0")]


def has_expired(tx: Transaction, archive_id: int, before_ms: int) -> bool:
    found = tx.row("SELECT 1 FROM archived_event WHERE archive_id = ? AND time_ms < ? LIMIT 1", (archive_id, before_ms))
    return found is not None


def delete_expired(tx: Transaction, archive_id: int, before_ms: int) -> bool:
    """One portion; is there perhaps more?"""
    found = _delete(tx, archive_id, before_ms)
    tx.execute(
        "UPDATE event_archive SET event_count = event_count - ?, size_bytes = size_bytes - ? WHERE archive_id = ?",
        (len(found), sum(found), archive_id),
    )
    return len(found) == PORTION


def delete_garbage(tx: Transaction) -> bool:
    """One portion of what archives kept that are gone; is there perhaps more?"""
    row = tx.row("SELECT archive_id FROM event_archive_garbage LIMIT 1")
    if row is None:
        return False
    if not _delete(tx, row[0], 2**62):
        tx.execute("DELETE FROM event_archive_garbage WHERE archive_id = ?", row)
    return True


def has_garbage(tx: Transaction) -> bool:
    return tx.row("SELECT 1 FROM event_archive_garbage LIMIT 1") is not None


def _delete(tx: Transaction, archive_id: int, before_ms: int) -> list[int]:
    """The sizes of what was deleted."""
    rows = tx.rows(
        "DELETE FROM archived_event WHERE (archive_id, time_ms, position) IN (SELECT archive_id, time_ms, position "
        "FROM archived_event WHERE archive_id = ? AND time_ms < ? ORDER BY time_ms, position LIMIT ?) "
        "RETURNING length(event)",
        (archive_id, before_ms, PORTION),
    )
    return [row[0] for row in rows]


def _archive(row: Row) -> Archive:
    account_id, region, name, *rest = row
    return Archive(ResourceKey(account_id, region, name), *rest)
