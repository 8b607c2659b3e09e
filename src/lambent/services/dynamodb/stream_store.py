"""All SQL on streams: change records go in with their write, consumers read them shard by shard, a day later they go.

Change records lie in a log (`storage.log`) per shard; a record's position there tells its sequence number. Opening and
closing of streams happens in the transaction that changes the table, splitting of a shard in that of
the write that finds it full or old.
"""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from lambent.services.dynamodb import streams
from lambent.services.dynamodb.keys import KeySchema
from lambent.services.dynamodb.names import TableKey, key_of_arn
from lambent.services.dynamodb.streams import HashRange, ItemChange, Shard, Stream, StreamRecord
from lambent.services.dynamodb.tables import Table
from lambent.storage import log
from lambent.storage.transaction import Row, Transaction

_STREAM = (
    "SELECT stream_id, account_id, region, table_name, label, view_type, key_schema, created_ms, closed_ms"
    " FROM dynamodb_stream"
)
_SHARD = (
    "SELECT d.stream_id, d.shard_id, d.parent_id, d.first_hash, d.last_hash, d.opened_ms, d.closed_ms, d.trimmed,"
    " s.view_type FROM dynamodb_shard AS d JOIN dynamodb_stream AS s ON s.stream_id = d.stream_id"
)
_HAS_ENDED = (
    "closed_ms < ? AND NOT EXISTS (SELECT 1 FROM dynamodb_shard AS d WHERE d.stream_id = dynamodb_stream.stream_id)"
)


class _OpenShard(NamedTuple):
    stream_id: int
    shard_id: str
    first_hash: int
    last_hash: int
    opened_ms: int


# What writes do


def open_stream(tx: Transaction, table: Table, *, now_ms: int) -> None:
    """`table` got a stream, of its label and view type."""
    row = tx.row(
        "INSERT INTO dynamodb_stream"
        " (account_id, region, table_name, label, table_id, view_type, key_schema, created_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING stream_id",
        (
            *table.key,
            table.definition.stream_label,
            table.table_id,
            table.stream_view,
            orjson.dumps(table.schema).decode(),
            now_ms,
        ),
    )
    assert row is not None
    for opened_ms, hashes in enumerate(streams.first_ranges(), now_ms):
        _insert_shard(tx, row[0], table.table_id, hashes, opened_ms=opened_ms)
    tx.announce(stream_topic(table.stream_arn))


def close_stream(tx: Transaction, table: Table, *, now_ms: int) -> None:
    """The stream of `table` was disabled, or the table deleted; its records stay readable for their 24 hours."""
    stream = find_stream(tx, table.stream_arn)
    assert stream is not None, f"{table.stream_arn} is enabled"
    tx.execute("UPDATE dynamodb_stream SET closed_ms = ? WHERE stream_id = ?", (now_ms, stream.stream_id))
    for shard in shards(tx, table.stream_arn):
        if not shard.is_closed:
            _close_shard(tx, shard.stream_id, shard.shard_id, now_ms)
    tx.announce(stream_topic(table.stream_arn))


def record_changes(tx: Transaction, table: Table, changes: Sequence[ItemChange]) -> None:
    """In their order into the stream of `table`, which has one enabled; none of them is empty."""
    by_shard: dict[_OpenShard, list[ItemChange]] = {}
    shards = _open_shards(tx, table)
    for change in changes:
        item_hash = streams.hash_of(change.partition)
        shard = next(one for one in shards if one.first_hash <= item_hash <= one.last_hash)
        by_shard.setdefault(shard, []).append(change)
    for shard, recorded in by_shard.items():
        records = [(one.time_ms, orjson.dumps(streams.payload_of(one, table.stream_view))) for one in recorded]
        position = log.append_all(tx, log_name(shard.stream_id, shard.shard_id), records)
        now_ms = recorded[-1].time_ms
        if streams.is_over(opened_ms=shard.opened_ms, records=position, now_ms=now_ms):
            _follow(tx, table, shard.stream_id, shard.shard_id, now_ms=now_ms)


# What consumers read


def shard_topic(shard: Shard) -> str:
    """Announced when records were added to the shard, or it was closed."""
    return log.topic(log_name(shard.stream_id, shard.shard_id))


def stream_topic(stream_arn: str) -> str:
    """Announced when shards were opened or closed, and when the stream was."""
    return f"dynamodb-stream:{stream_arn}"


def find_stream(tx: Transaction, stream_arn: str) -> Stream | None:
    table, label = key_of_arn(stream_arn), stream_arn.rpartition("/stream/")[2]
    if table is None:
        return None
    row = tx.row(
        f"{_STREAM} WHERE account_id = ? AND region = ? AND table_name = ? AND label = ?"
        " ORDER BY stream_id DESC LIMIT 1",
        (*table, label),
    )
    return _stream(row) if row else None


def list_streams(tx: Transaction, after: TableKey, after_label: str, *, table_name: str, limit: int) -> list[Stream]:
    """In the account and region of `after`, by table name and age, those behind it; "" as `table_name`: of all."""
    rows = tx.rows(
        f"{_STREAM} WHERE account_id = ? AND region = ? AND (table_name, label) > (?, ?)"
        " AND (? = '' OR table_name = ?) ORDER BY table_name, label LIMIT ?",
        (*after, after_label, table_name, table_name, limit),
    )
    return [_stream(row) for row in rows]


def shards(tx: Transaction, stream_arn: str) -> list[Shard]:
    """Those that are left, parents before children; [] if there is no such stream."""
    stream = find_stream(tx, stream_arn)
    if stream is None:
        return []
    rows = tx.rows(
        f"{_SHARD} WHERE d.stream_id = ? ORDER BY d.shard_id",
        (stream.stream_id,),
    )
    return [_shard(row) for row in rows]


def find_shard(tx: Transaction, stream_id: int, shard_id: str) -> Shard | None:
    row = tx.row(f"{_SHARD} WHERE d.stream_id = ? AND d.shard_id = ?", (stream_id, shard_id))
    return _shard(row) if row else None


def read_shard(
    tx: Transaction, shard: Shard, after: int, limit: int, *, max_bytes: int | None = None
) -> list[StreamRecord]:
    """At most `limit` records with positions greater than `after`; those trimmed are passed over in silence.

    With `max_bytes` only so many that their JSON fits into it, but at least one.
    """
    name = log_name(shard.stream_id, shard.shard_id)
    if max_bytes is not None:
        limit = log.count_within(tx, name, after, limit, max_bytes)
    return [
        streams.record_of(shard, position=record.position, time_ms=record.time_ms, payload=orjson.loads(record.payload))
        for record in log.read_after(tx, name, after, limit)
    ]


def last_position(tx: Transaction, shard: Shard) -> int:
    """Of the last record ever written to the shard; 0 if there was none. A closed shard ends here."""
    return log.head(tx, log_name(shard.stream_id, shard.shard_id))


def find_position_at(tx: Transaction, shard: Shard, time_ms: int) -> int:
    """The position before the first record of that time or later."""
    return log.position_before(tx, log_name(shard.stream_id, shard.shard_id), time_ms)


# What is past its day


def list_shards_to_trim(tx: Transaction, before_ms: int) -> list[Shard]:
    """Those that hold records from before then, or closed before then."""
    rows = tx.rows(f"{_SHARD} WHERE d.opened_ms < ? ORDER BY d.stream_id, d.shard_id", (before_ms,))
    return [shard for shard in map(_shard, rows) if _is_past(tx, shard, before_ms)]


def trim_shard(tx: Transaction, shard: Shard, before_ms: int, limit: int) -> bool:
    """Forget at most `limit` records from before then; a shard that closed before then goes as a whole. More to do?"""
    name = log_name(shard.stream_id, shard.shard_id)
    through = log.trim_older(tx, name, before_ms, limit)
    if through:
        tx.execute(
            "UPDATE dynamodb_shard SET trimmed = ? WHERE stream_id = ? AND shard_id = ?",
            (through, shard.stream_id, shard.shard_id),
        )
        return True
    if shard.closed_ms is not None and shard.closed_ms < before_ms:
        log.forget(tx, name)
        tx.execute("DELETE FROM dynamodb_shard WHERE stream_id = ? AND shard_id = ?", (shard.stream_id, shard.shard_id))
    return False


def has_ended_streams(tx: Transaction, before_ms: int) -> bool:
    found = tx.row(f"SELECT 1 FROM dynamodb_stream WHERE {_HAS_ENDED} LIMIT 1", (before_ms,))  # noqa: S608 (a constant)
    return found is not None


def delete_ended_streams(tx: Transaction, before_ms: int) -> None:
    """Those that closed before then and have no shards left."""
    tx.execute(f"DELETE FROM dynamodb_stream WHERE {_HAS_ENDED}", (before_ms,))  # noqa: S608


# Below the surface


def log_name(stream_id: int, shard_id: str) -> str:
    return f"dynamodb/{stream_id}/{shard_id}"


def _open_shards(tx: Transaction, table: Table) -> list[_OpenShard]:
    """They cover every hash, each once."""
    rows = tx.rows(
        "SELECT stream_id, shard_id, first_hash, last_hash, opened_ms FROM dynamodb_shard"
        " WHERE table_id = ? AND closed_ms IS NULL",
        (table.table_id,),
    )
    return [_OpenShard(*row) for row in rows]


def _follow(tx: Transaction, table: Table, stream_id: int, shard_id: str, *, now_ms: int) -> None:
    """Close a shard and open its children."""
    parent = find_shard(tx, stream_id, shard_id)
    row = tx.row(
        "SELECT MAX(opened_ms), COUNT(*) - COUNT(closed_ms) FROM dynamodb_shard WHERE stream_id = ?", (stream_id,)
    )
    assert parent is not None
    assert row is not None
    newest_ms, open_shards = row
    ranges = streams.child_ranges(parent.hashes, records=last_position(tx, parent), open_shards=open_shards)
    _close_shard(tx, stream_id, shard_id, now_ms)
    for opened_ms, hashes in enumerate(ranges, max(now_ms, newest_ms + 1)):
        _insert_shard(tx, stream_id, table.table_id, hashes, opened_ms=opened_ms, parent_id=shard_id)
    tx.announce(stream_topic(table.stream_arn))


def _is_past(tx: Transaction, shard: Shard, before_ms: int) -> bool:
    if shard.closed_ms is not None and shard.closed_ms < before_ms:
        return True
    oldest_ms = log.oldest_ms(tx, log_name(shard.stream_id, shard.shard_id))
    return oldest_ms is not None and oldest_ms < before_ms


def _insert_shard(
    tx: Transaction, stream_id: int, table_id: int, hashes: HashRange, *, opened_ms: int, parent_id: str | None = None
) -> None:
    tx.execute(
        "INSERT INTO dynamodb_shard"
        " (stream_id, shard_id, table_id, parent_id, first_hash, last_hash, opened_ms, trimmed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
        (
            stream_id,
            streams.shard_id_of(opened_ms, hashes),
            table_id,
            parent_id,
            hashes.first,
            hashes.last,
            opened_ms,
        ),
    )


def _close_shard(tx: Transaction, stream_id: int, shard_id: str, now_ms: int) -> None:
    tx.execute(
        "UPDATE dynamodb_shard SET closed_ms = ? WHERE stream_id = ? AND shard_id = ?", (now_ms, stream_id, shard_id)
    )
    tx.announce(log.topic(log_name(stream_id, shard_id)))


def _stream(row: Row) -> Stream:
    stream_id, account_id, region, table_name, label, view_type, schema, created_ms, closed_ms = row
    return Stream(
        stream_id=stream_id,
        table=TableKey(account_id, region, table_name),
        label=label,
        view_type=view_type,
        schema=KeySchema(**orjson.loads(schema)),
        created_ms=created_ms,
        closed_ms=closed_ms,
    )


def _shard(row: Row) -> Shard:
    stream_id, shard_id, parent_id, first_hash, last_hash, *rest = row
    opened_ms, closed_ms, trimmed, view_type = rest
    return Shard(
        stream_id=stream_id,
        shard_id=shard_id,
        parent_id=parent_id,
        hashes=HashRange(first_hash, last_hash),
        opened_ms=opened_ms,
        closed_ms=closed_ms,
        trimmed=trimmed,
        view_type=view_type,
    )
