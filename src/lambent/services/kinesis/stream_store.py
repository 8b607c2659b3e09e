"""All SQL on streams, their shards and consumers; their records are `record_store`'s.

Every change goes through `save_settings` or `apply`, which raise the stream's epoch and announce `STREAMS_TOPIC` (for
who keeps streams in memory) and the stream's own topic (for who reads it).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lambent.services.kinesis import shards
from lambent.services.kinesis.hash_keys import HashRange
from lambent.services.kinesis.names import ConsumerKey, StreamKey, stream_arn
from lambent.services.kinesis.shards import Resharding, Shard
from lambent.services.kinesis.streams import Consumer, Distribution, Mode, Settings, Stream, StreamView
from lambent.storage import log
from lambent.storage.transaction import Row, Transaction

#: Announced by every commit that changes a stream.
STREAMS_TOPIC = "kinesis-streams"

_STREAM = "SELECT stream_id, account_id, region, name, epoch, created_ms, settings FROM kinesis_stream"
_SHARD = (
    "SELECT stream_id, shard_index, first_hash, last_hash, opened_ms, parent, adjacent_parent, closed_ms, trimmed"
    " FROM kinesis_shard"
)
_CONSUMER = (
    "SELECT s.account_id, s.region, s.name, c.name, c.stream_id, c.created_ms, c.tags, c.policy"
    " FROM kinesis_consumer AS c JOIN kinesis_stream AS s ON s.stream_id = c.stream_id"
)


def stream_topic(key: StreamKey) -> str:
    """Announced when its shards, settings or consumers change, and when it comes and goes."""
    return f"kinesis-stream:{stream_arn(key)}"


# Streams


def insert_stream(tx: Transaction, key: StreamKey, settings: Settings, *, shard_count: int, now_ms: int) -> None:
    """The name must be free."""
    row = tx.row(
        "INSERT INTO kinesis_last_id (kind, last_id) VALUES ('stream', 1)"
        " ON CONFLICT (kind) DO UPDATE SET last_id = kinesis_last_id.last_id + 1 RETURNING last_id"
    )
    assert row is not None
    stream_id: int = row[0]
    tx.execute(
        "INSERT INTO kinesis_stream (stream_id, account_id, region, name, epoch, next_index, created_ms, settings)"
        " VALUES (?, ?, ?, ?, 1, ?, ?, ?)",
        (stream_id, *key, shard_count, now_ms, _dump(settings)),
    )
    _insert_shards(tx, shards.first_shards(stream_id, shard_count, now_ms))
    _announce(tx, key)


def find_stream(tx: Transaction, key: StreamKey) -> Stream | None:
    row = tx.row(f"{_STREAM} WHERE account_id = ? AND region = ? AND name = ?", tuple(key))
    return _stream(row) if row else None


def find_by_id(tx: Transaction, stream_id: int) -> Stream | None:
    row = tx.row(f"{_STREAM} WHERE stream_id = ?", (stream_id,))
    return _stream(row) if row else None


def find_view(tx: Transaction, key: StreamKey) -> StreamView | None:
    stream = find_stream(tx, key)
    return StreamView(stream, tuple(list_shards(tx, stream.stream_id))) if stream else None


def is_current(tx: Transaction, stream: Stream) -> bool:
    """It is there, and as it was looked at."""
    found = tx.row("SELECT 1 FROM kinesis_stream WHERE stream_id = ? AND epoch = ?", (stream.stream_id, stream.epoch))
    return found is not None


def list_streams(tx: Transaction, after: StreamKey, limit: int) -> list[Stream]:
    """In the account and region of `after`, by name, those behind it."""
    rows = tx.rows(f"{_STREAM} WHERE account_id = ? AND region = ? AND name > ? ORDER BY name LIMIT ?", (*after, limit))
    return [_stream(row) for row in rows]


def all_streams(tx: Transaction) -> list[Stream]:
    return [_stream(row) for row in tx.rows(f"{_STREAM} ORDER BY stream_id")]


def save_settings(tx: Transaction, stream: Stream, settings: Settings) -> None:
    tx.execute(
        "UPDATE kinesis_stream SET settings = ?, epoch = epoch + 1 WHERE stream_id = ?",
        (_dump(settings), stream.stream_id),
    )
    _announce(tx, stream.key)


def delete_stream(tx: Transaction, stream: Stream) -> None:
    """With its shards and consumers; the records go later, a portion at a time."""
    for shard in list_shards(tx, stream.stream_id):
        tx.execute("INSERT INTO kinesis_leftover (log) VALUES (?)", (shard.log,))
        tx.announce(log.topic(shard.log))
    for table in ("kinesis_shard", "kinesis_consumer", "kinesis_stream"):
        tx.execute(f"DELETE FROM {table} WHERE stream_id = ?", (stream.stream_id,))  # noqa: S608 - constants
    _announce(tx, stream.key)


def count_in_account(tx: Transaction, account_id: str, region: str) -> tuple[int, int]:
    """(open shards, on-demand streams)."""
    row = tx.row(
        "SELECT COUNT(*) FROM kinesis_shard AS d JOIN kinesis_stream AS s ON s.stream_id = d.stream_id"
        " WHERE s.account_id = ? AND s.region = ? AND d.closed_ms IS NULL",
        (account_id, region),
    )
    found = tx.rows("SELECT settings FROM kinesis_stream WHERE account_id = ? AND region = ?", (account_id, region))
    assert row is not None
    return row[0], sum(_load(settings).mode is Mode.ON_DEMAND for (settings,) in found)


# Shards


def list_shards(tx: Transaction, stream_id: int) -> list[Shard]:
    """Those that are left, parents before children."""
    return [_shard(row) for row in tx.rows(f"{_SHARD} WHERE stream_id = ? ORDER BY shard_index", (stream_id,))]


def next_index(tx: Transaction, stream: Stream) -> int:
    row = tx.row("SELECT next_index FROM kinesis_stream WHERE stream_id = ?", (stream.stream_id,))
    assert row is not None
    index: int = row[0]
    return index


def apply(tx: Transaction, stream: Stream, change: Resharding) -> None:
    """Open and close shards as decided."""
    _insert_shards(tx, change.opened)
    for shard in change.closed:
        tx.execute(
            "UPDATE kinesis_shard SET closed_ms = ? WHERE stream_id = ? AND shard_index = ?",
            (shard.closed_ms, shard.stream_id, shard.index),
        )
        tx.announce(log.topic(shard.log))
    tx.execute(
        "UPDATE kinesis_stream SET epoch = epoch + 1, next_index = next_index + ? WHERE stream_id = ?",
        (len(change.opened), stream.stream_id),
    )
    _announce(tx, stream.key)


def note_changed(tx: Transaction, stream: Stream) -> None:
    """Shards of it have expired."""
    tx.execute("UPDATE kinesis_stream SET epoch = epoch + 1 WHERE stream_id = ?", (stream.stream_id,))
    _announce(tx, stream.key)


def _insert_shards(tx: Transaction, opened: Sequence[Shard]) -> None:
    tx.execute_many(
        "INSERT INTO kinesis_shard (stream_id, shard_index, parent, adjacent_parent, first_hash, last_hash, opened_ms,"
        " trimmed) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
        [
            (
                *(one.stream_id, one.index, one.parent, one.adjacent_parent),
                *(str(one.hashes.first), str(one.hashes.last), one.opened_ms),
            )
            for one in opened
        ],
    )


# Consumers


def insert_consumer(tx: Transaction, consumer: Consumer) -> None:
    tx.execute(
        "INSERT INTO kinesis_consumer (stream_id, name, created_ms, tags, policy) VALUES (?, ?, ?, ?, ?)",
        (
            *(consumer.stream_id, consumer.key.name, consumer.created_ms),
            *(orjson.dumps(dict(consumer.tags)).decode(), consumer.policy),
        ),
    )
    tx.announce(stream_topic(consumer.key.stream))


def find_consumer(tx: Transaction, key: ConsumerKey) -> Consumer | None:
    """None also if there is another one of that name."""
    found = find_consumer_by_name(tx, key.stream, key.name)
    return found if found is not None and found.key == key else None


def find_consumer_by_name(tx: Transaction, stream: StreamKey, name: str) -> Consumer | None:
    row = tx.row(f"{_CONSUMER} WHERE s.account_id = ? AND s.region = ? AND s.name = ? AND c.name = ?", (*stream, name))
    return _consumer(row) if row else None


def list_consumers(tx: Transaction, stream: Stream, after: str, limit: int) -> list[Consumer]:
    """By name, those behind `after`."""
    rows = tx.rows(
        f"{_CONSUMER} WHERE c.stream_id = ? AND c.name > ? ORDER BY c.name LIMIT ?", (stream.stream_id, after, limit)
    )
    return [_consumer(row) for row in rows]


def count_consumers(tx: Transaction, stream: Stream) -> int:
    row = tx.row("SELECT COUNT(*) FROM kinesis_consumer WHERE stream_id = ?", (stream.stream_id,))
    assert row is not None
    count: int = row[0]
    return count


def save_consumer(tx: Transaction, consumer: Consumer) -> None:
    """Its tags and its policy."""
    tx.execute(
        "UPDATE kinesis_consumer SET tags = ?, policy = ? WHERE stream_id = ? AND name = ?",
        (
            *(orjson.dumps(dict(consumer.tags)).decode(), consumer.policy),
            *(consumer.stream_id, consumer.key.name),
        ),
    )


def delete_consumer(tx: Transaction, consumer: Consumer) -> None:
    tx.execute("DELETE FROM kinesis_consumer WHERE stream_id = ? AND name = ?", (consumer.stream_id, consumer.key.name))
    tx.announce(stream_topic(consumer.key.stream))


# Accounts


def find_commitment(tx: Transaction, account_id: str, region: str) -> tuple[bool, int | None, int | None]:
    """Whether the account is committed to a minimum of throughput; since when, until when."""
    row = tx.row(
        "SELECT is_committed, started_ms, ended_ms FROM kinesis_account WHERE account_id = ? AND region = ?",
        (account_id, region),
    )
    return (bool(row[0]), row[1], row[2]) if row else (False, None, None)


def save_commitment(
    tx: Transaction, account_id: str, region: str, *, is_committed: bool, started_ms: int | None, ended_ms: int | None
) -> None:
    tx.execute(
        "INSERT INTO kinesis_account (account_id, region, is_committed, started_ms, ended_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account_id, region) DO UPDATE SET is_committed = excluded.is_committed,"
        " started_ms = excluded.started_ms, ended_ms = excluded.ended_ms",
        (account_id, region, is_committed, started_ms, ended_ms),
    )


# Rows


def _announce(tx: Transaction, key: StreamKey) -> None:
    tx.announce(STREAMS_TOPIC)
    tx.announce(stream_topic(key))


def _dump(settings: Settings) -> str:
    return orjson.dumps(settings).decode()


def _load(text: str) -> Settings:
    document: dict[str, Any] = orjson.loads(text)
    document["mode"] = Mode(document["mode"])
    document["distribution"] = Distribution(document["distribution"])
    document["metrics"] = tuple(document["metrics"])
    return Settings(**document)


def _stream(row: Row) -> Stream:
    stream_id, account_id, region, name, epoch, created_ms, settings = row
    return Stream(stream_id, StreamKey(account_id, region, name), epoch, created_ms, _load(settings))


def _shard(row: Row) -> Shard:
    stream_id, index, first_hash, last_hash, opened_ms, *rest = row
    return Shard(stream_id, index, HashRange(int(first_hash), int(last_hash)), opened_ms, *rest)


def _consumer(row: Row) -> Consumer:
    account_id, region, stream_name, name, stream_id, created_ms, tags, policy = row
    key = ConsumerKey(StreamKey(account_id, region, stream_name), name, created_ms // 1000)
    loaded: Mapping[str, str] = orjson.loads(tags)
    return Consumer(key, stream_id, created_ms, loaded, policy)
