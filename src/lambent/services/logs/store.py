"""All SQL of CloudWatch Logs.

Reads of chunks are generators over small portions, so that a search holds a few chunks in memory, however long the
log. Deleting a group or stream takes its name away at once; its rows go later, a portion at a time.
"""

# ruff: noqa: S608 - the parts put together are constants of this module; values are always parameters

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

import orjson

from lambent.kit.frozen import frozen
from lambent.services.logs.chunks import MAX_CHUNK_SPAN_MS, Batch, Chunk, pack, split
from lambent.services.logs.errors import group_not_found
from lambent.services.logs.names import GroupKey
from lambent.services.logs.reading import Window
from lambent.services.logs.subscriptions import ChunkRecord, log_name
from lambent.storage import log as storage_log
from lambent.storage.transaction import Row, Transaction

#: Rows that one query of a search brings into memory (a chunk has at most a megabyte).
CHUNKS_PER_QUERY = 32
#: Rows that one transaction of the clean-up deletes, so that nobody waits for it.
DELETED_PER_TRANSACTION = 500

#: Announced when a subscription filter appears or disappears.
SUBSCRIPTIONS_TOPIC = "log-subscriptions"

_GROUP = (
    "group_id, name, created_ms, class, kms_key_id, protected, retention_days, tags, stored_bytes, longest_ms,"
    " subscriptions"
)
_STREAM = "stream_id, name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms, longest_ms"
_CHUNK = "stream_id, position, first_ms, last_ms, count, ingested_ms, payload"


@frozen
class LogGroup:
    group_id: int
    name: str
    created_ms: int
    group_class: str
    kms_key_id: str
    is_protected: bool
    retention_days: int
    """0: for ever."""
    tags: Mapping[str, str]
    stored_bytes: int
    longest_ms: int
    """No chunk spans more time."""
    subscriptions: int
    """Subscription filters: if there is none, nothing is written for them."""


@frozen
class LogStream:
    stream_id: int
    name: str
    created_ms: int
    first_event_ms: int
    """0 while there is no event."""
    last_event_ms: int
    last_ingestion_ms: int
    longest_ms: int


# Log groups


@frozen
class GroupSettings:
    """What CreateLogGroup may say beside the name."""

    group_class: str = "STANDARD"
    kms_key_id: str = ""
    is_protected: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


def insert_group(tx: Transaction, key: GroupKey, settings: GroupSettings, *, now_ms: int) -> bool:
    """False if there is one of that name."""
    if find_group(tx, key) is not None:
        return False
    group_id = _insert_group(tx, key, now_ms)
    tx.execute(
        "UPDATE log_group SET class = ?, kms_key_id = ?, protected = ?, tags = ? WHERE group_id = ?",
        (settings.group_class, settings.kms_key_id, int(settings.is_protected), _dump(settings.tags), group_id),
    )
    return True


def find_group(tx: Transaction, key: GroupKey) -> LogGroup | None:
    row = tx.row(f"SELECT {_GROUP} FROM log_group WHERE account_id = ? AND region = ? AND name = ?", key)
    return _group(row) if row else None


def existing_group(tx: Transaction, key: GroupKey) -> LogGroup:
    """Raises ResourceNotFound."""
    group = find_group(tx, key)
    if group is None:
        raise group_not_found()
    return group


def list_groups(tx: Transaction, start: GroupKey, limit: int) -> list[LogGroup]:
    """Groups of one account and region, by name, from `start.name` on (included)."""
    return [
        _group(row)
        for row in tx.rows(
            f"SELECT {_GROUP} FROM log_group WHERE account_id = ? AND region = ? AND name >= ? ORDER BY name LIMIT ?",
            (*start, limit),
        )
    ]


def update_retention(tx: Transaction, group_id: int, days: int) -> None:
    tx.execute("UPDATE log_group SET retention_days = ? WHERE group_id = ?", (days, group_id))


def update_protection(tx: Transaction, group_id: int, *, is_protected: bool) -> None:
    tx.execute("UPDATE log_group SET protected = ? WHERE group_id = ?", (int(is_protected), group_id))


def update_tags(tx: Transaction, group_id: int, tags: Mapping[str, str]) -> None:
    tx.execute("UPDATE log_group SET tags = ? WHERE group_id = ?", (_dump(tags), group_id))


def delete_group(tx: Transaction, group: LogGroup) -> None:
    group_id = group.group_id
    tx.execute("DELETE FROM log_group WHERE group_id = ?", (group_id,))
    if group.subscriptions:
        tx.execute("DELETE FROM log_subscription WHERE group_id = ?", (group_id,))
        tx.announce(SUBSCRIPTIONS_TOPIC)
    storage_log.forget(tx, log_name(group_id))
    tx.execute("INSERT INTO log_garbage (group_id, stream_id) VALUES (?, 0)", (group_id,))
    tx.announce(GARBAGE_TOPIC)


# Log streams


def insert_stream(tx: Transaction, group_id: int, name: str, *, now_ms: int) -> bool:
    """False if there is one of that name."""
    if find_stream(tx, group_id, name) is not None:
        return False
    _insert_stream(tx, group_id, name, now_ms)
    return True


def find_stream(tx: Transaction, group_id: int, name: str) -> LogStream | None:
    row = tx.row(f"SELECT {_STREAM} FROM log_stream WHERE group_id = ? AND name = ?", (group_id, name))
    return LogStream(*row) if row else None


def stream_name(tx: Transaction, stream_id: int) -> str:
    row = tx.row("SELECT name FROM log_stream WHERE stream_id = ?", (stream_id,))
    return str(row[0]) if row else ""


@frozen
class NameRange:
    """Names with a prefix, from `start` on (included); "" starts at the first, or the last when descending."""

    prefix: str = ""
    start: str = ""


def list_streams_by_name(
    tx: Transaction, group_id: int, names: NameRange, *, limit: int, descending: bool = False
) -> list[LogStream]:
    low, high = names.prefix, after_prefix(names.prefix)
    if names.start:
        low, high = (low, names.start) if descending else (names.start, high)
    order = "DESC" if descending else "ASC"
    found = tx.rows(
        f"SELECT {_STREAM} FROM log_stream WHERE group_id = ? AND name >= ? AND name <= ?"
        f" ORDER BY name {order} LIMIT ?",
        (group_id, low, high, limit),
    )
    return [LogStream(*row) for row in found]


def list_streams_by_time(
    tx: Transaction, group_id: int, *, start: tuple[int, str] | None, limit: int, descending: bool = False
) -> list[LogStream]:
    """Ordered by the last event's time, from `start` on (included); streams without events count as earliest."""
    compare, order = ("<=", "DESC") if descending else (">=", "ASC")
    bound = f"AND (last_event_ms, name) {compare} (?, ?)" if start else ""
    found = tx.rows(
        f"SELECT {_STREAM} FROM log_stream WHERE group_id = ? {bound}"
        f" ORDER BY last_event_ms {order}, name {order} LIMIT ?",
        (group_id, *(start or ()), limit),
    )
    return [LogStream(*row) for row in found]


def delete_stream(tx: Transaction, group_id: int, stream_id: int) -> None:
    tx.execute("DELETE FROM log_stream WHERE stream_id = ?", (stream_id,))
    tx.execute("INSERT INTO log_garbage (group_id, stream_id) VALUES (?, ?)", (group_id, stream_id))
    tx.announce(GARBAGE_TOPIC)


# Events


def append_events(tx: Transaction, group: LogGroup, stream_id: int, batch: Batch, *, now_ms: int) -> None:
    """`batch` as one chunk, or several where it spans too much."""
    is_subscribed = group.subscriptions > 0
    growth = _append_batch(tx, group.group_id, stream_id, batch, now_ms=now_ms, is_subscribed=is_subscribed)
    _grow_group(tx, group.group_id, [growth])


def append_lines(tx: Transaction, key: GroupKey, batches: Mapping[str, Batch], *, now_ms: int) -> None:
    """By stream name. Makes group and streams as needed: a function's output always has a place to go."""
    found = tx.row(
        "SELECT group_id, subscriptions FROM log_group WHERE account_id = ? AND region = ? AND name = ?", key
    )
    group_id, subscriptions = found or (_insert_group(tx, key, now_ms), 0)
    grown = []
    for stream, batch in batches.items():
        found = tx.row("SELECT stream_id FROM log_stream WHERE group_id = ? AND name = ?", (group_id, stream))
        stream_id = found[0] if found else _insert_stream(tx, group_id, stream, now_ms)
        is_subscribed = subscriptions > 0
        grown.append(_append_batch(tx, group_id, stream_id, batch, now_ms=now_ms, is_subscribed=is_subscribed))
    _grow_group(tx, group_id, grown)


def stream_chunks(tx: Transaction, stream_id: int, window: Window, *, descending: bool = False) -> Iterator[Chunk]:
    """Chunks that may hold events of the window, ordered by (first_ms, position)."""
    return _chunks(tx, _Scope("stream_id = ?", (stream_id,)), window, descending)


@frozen
class StreamChoice:
    """A whole log group, some of its streams, or those with a prefix."""

    group_id: int
    stream_ids: tuple[int, ...] | None = None
    prefix: str = ""


def group_chunks(tx: Transaction, choice: StreamChoice, window: Window, *, descending: bool = False) -> Iterator[Chunk]:
    """The same for many streams, ordered by (first_ms, stream, position)."""
    return _chunks(tx, _scope(choice), window, descending)


def after_prefix(prefix: str) -> str:
    """A string after every name that begins with `prefix` (U+10FFFF occurs in no name)."""
    return prefix + "\U0010ffff"


# Clean-up

GARBAGE_TOPIC = "logs-garbage"


def delete_garbage(tx: Transaction) -> bool:
    """One portion of what was deleted by name; is there more?"""
    found = tx.row("SELECT group_id, stream_id FROM log_garbage LIMIT 1")
    if found is None:
        return False
    group_id, stream_id = found
    if _delete_chunks(tx, group_id, stream_id) or (stream_id == 0 and _delete_streams(tx, group_id)):
        return True
    tx.execute("DELETE FROM log_garbage WHERE group_id = ? AND stream_id = ?", (group_id, stream_id))
    return True


def groups_with_retention(tx: Transaction) -> list[tuple[int, int]]:
    """(group id, days)."""
    found = tx.rows("SELECT group_id, retention_days FROM log_group WHERE retention_days > 0")
    return [(row[0], row[1]) for row in found]


def delete_expired(tx: Transaction, group_id: int, cutoff_ms: int) -> bool:
    """One portion of a group's chunks whose last event is before `cutoff_ms`; is there more?"""
    found = tx.rows(
        "DELETE FROM log_chunk WHERE (stream_id, first_ms, position) IN"
        " (SELECT stream_id, first_ms, position FROM log_chunk"
        "  WHERE group_id = ? AND first_ms < ? AND last_ms < ? ORDER BY first_ms LIMIT ?) RETURNING bytes",
        (group_id, cutoff_ms, cutoff_ms, DELETED_PER_TRANSACTION),
    )
    _shrink_group(tx, group_id, sum(row[0] for row in found))
    return len(found) == DELETED_PER_TRANSACTION


# Below the surface


@frozen
class _Scope:
    condition: str
    params: tuple[object, ...]


def _scope(choice: StreamChoice) -> _Scope:
    if choice.stream_ids is not None:
        marks = ", ".join("?" * len(choice.stream_ids))
        return _Scope(f"group_id = ? AND stream_id IN ({marks})", (choice.group_id, *choice.stream_ids))
    if choice.prefix:
        named = "SELECT stream_id FROM log_stream WHERE group_id = ? AND name >= ? AND name <= ?"
        params = (choice.group_id, choice.group_id, choice.prefix, after_prefix(choice.prefix))
        return _Scope(f"group_id = ? AND stream_id IN ({named})", params)
    return _Scope("group_id = ?", (choice.group_id,))


def _chunks(tx: Transaction, scope: _Scope, window: Window, descending: bool) -> Iterator[Chunk]:
    """The cursor's time is repeated as a plain bound, which is what the index can use."""
    low, high = window.first_ms - window.reach_ms, window.last_ms
    cursor = (high, _END, _END) if descending else (low, -1, -1)
    compare, order = ("<", "DESC") if descending else (">", "ASC")
    sql = (
        f"SELECT {_CHUNK} FROM log_chunk WHERE {scope.condition}"
        f" AND (first_ms, stream_id, position) {compare} (?, ?, ?)"
        " AND first_ms >= ? AND first_ms <= ? AND last_ms >= ?"
        f" ORDER BY first_ms {order}, stream_id {order}, position {order} LIMIT ?"
    )
    while True:
        found = tx.rows(sql, (*scope.params, *cursor, low, high, window.first_ms, CHUNKS_PER_QUERY))
        for row in found:
            yield Chunk(*row)
        if len(found) < CHUNKS_PER_QUERY:
            return
        stream_id, position, first_ms = found[-1][:3]
        cursor = (first_ms, stream_id, position)
        low, high = (low, first_ms) if descending else (first_ms, high)


_END = 2**62


def _insert_group(tx: Transaction, key: GroupKey, now_ms: int) -> int:
    group_id = take_id(tx)
    tx.execute(
        "INSERT INTO log_group (account_id, region, name, group_id, created_ms, class, kms_key_id, protected,"
        " retention_days, tags, stored_bytes, longest_ms) VALUES (?, ?, ?, ?, ?, 'STANDARD', '', 0, 0, '{}', 0, 0)",
        (*key, group_id, now_ms),
    )
    return group_id


def _insert_stream(tx: Transaction, group_id: int, name: str, now_ms: int) -> int:
    stream_id = take_id(tx)
    tx.execute(
        "INSERT INTO log_stream (group_id, name, stream_id, created_ms, first_event_ms, last_event_ms,"
        " last_ingestion_ms, longest_ms, head) VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0)",
        (group_id, name, stream_id, now_ms),
    )
    return stream_id


@frozen
class _Growth:
    stored_bytes: int
    longest_ms: int


def _append_batch(
    tx: Transaction, group_id: int, stream_id: int, batch: Batch, *, now_ms: int, is_subscribed: bool
) -> _Growth:
    for part in split(batch):
        first_ms, last_ms = min(part.times), max(part.times)
        span_ms = last_ms - first_ms
        head = tx.row(
            "UPDATE log_stream SET head = head + 1, last_ingestion_ms = ?,"
            " first_event_ms = CASE WHEN first_event_ms = 0 OR first_event_ms > ? THEN ? ELSE first_event_ms END,"
            " last_event_ms = CASE WHEN last_event_ms < ? THEN ? ELSE last_event_ms END,"
            " longest_ms = CASE WHEN longest_ms < ? THEN ? ELSE longest_ms END"
            " WHERE stream_id = ? RETURNING head",
            (now_ms, first_ms, first_ms, last_ms, last_ms, span_ms, span_ms, stream_id),
        )
        assert head is not None, f"log stream {stream_id} is gone"
        tx.execute(
            "INSERT INTO log_chunk"
            " (group_id, stream_id, position, first_ms, last_ms, count, bytes, ingested_ms, payload)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (group_id, stream_id, *head, first_ms, last_ms, len(part.times), part.stored_bytes, now_ms, pack(part)),
        )
        if is_subscribed:
            record = ChunkRecord(stream_id, first_ms, head[0])
            storage_log.append(tx, log_name(group_id), record.to_bytes(), now_ms)
    return _Growth(batch.stored_bytes, min(max(batch.times) - min(batch.times), MAX_CHUNK_SPAN_MS))


def _grow_group(tx: Transaction, group_id: int, growths: Sequence[_Growth]) -> None:
    longest_ms = max(growth.longest_ms for growth in growths)
    tx.execute(
        "UPDATE log_group SET stored_bytes = stored_bytes + ?,"
        " longest_ms = CASE WHEN longest_ms < ? THEN ? ELSE longest_ms END WHERE group_id = ?",
        (sum(growth.stored_bytes for growth in growths), longest_ms, longest_ms, group_id),
    )


def _delete_chunks(tx: Transaction, group_id: int, stream_id: int) -> bool:
    """A portion of one stream's chunks, or of a whole group's if `stream_id` is 0; False if there were none."""
    column, value = ("stream_id", stream_id) if stream_id else ("group_id", group_id)
    found = tx.rows(
        "DELETE FROM log_chunk WHERE (stream_id, first_ms, position) IN"
        f" (SELECT stream_id, first_ms, position FROM log_chunk WHERE {column} = ? LIMIT ?) RETURNING bytes",
        (value, DELETED_PER_TRANSACTION),
    )
    _shrink_group(tx, group_id, sum(row[0] for row in found))
    return bool(found)


def _delete_streams(tx: Transaction, group_id: int) -> bool:
    found = tx.rows(
        "DELETE FROM log_stream WHERE stream_id IN (SELECT stream_id FROM log_stream WHERE group_id = ? LIMIT ?)"
        " RETURNING 1",
        (group_id, DELETED_PER_TRANSACTION),
    )
    return bool(found)


def _shrink_group(tx: Transaction, group_id: int, size: int) -> None:
    tx.execute("UPDATE log_group SET stored_bytes = stored_bytes - ? WHERE group_id = ?", (size, group_id))


def take_id(tx: Transaction) -> int:
    """For a group, a stream or a filter."""
    row = tx.row("UPDATE log_identity SET next_id = next_id + 1 RETURNING next_id - 1")
    assert row is not None, "log_identity has one row"
    return int(row[0])


def _group(row: Row) -> LogGroup:
    group_id, name, created_ms, group_class, kms_key_id, protected, days, tags, size, longest_ms, filters = row
    return LogGroup(
        *(group_id, name, created_ms, group_class, kms_key_id, bool(protected), days, orjson.loads(tags), size),
        *(longest_ms, filters),
    )


def _dump(tags: Mapping[str, str]) -> str:
    return orjson.dumps(tags).decode()
