"""All SQL on records: they go into the log of the shard that is open, are read from a position, and expire.

Who writes has chosen shards by a view of the stream; if that has changed by the time the writer is at it, nothing is
written and `StreamChanged` tells to look again.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from lambent.services.kinesis.shards import Shard
from lambent.services.kinesis.streams import Stream
from lambent.storage import log
from lambent.storage.transaction import Transaction


class StreamChanged(Exception):
    """The stream is not as it was looked at; nothing was written."""


class Addition(NamedTuple):
    """What a request adds to a stream."""

    stream: Stream
    """As it was looked at."""
    payloads: Mapping[str, Sequence[bytes]]
    """By the log of the shard where they belong."""
    now_ms: int


def append(tx: Transaction, shard: Shard, payload: bytes, now_ms: int) -> None:
    """One record, of somebody who has looked at the stream in this very transaction."""
    log.append(tx, shard.log, payload, now_ms)


def append_placed(tx: Transaction, records: Mapping[str, Sequence[tuple[int, bytes]]]) -> None:
    """Many, as (time in ms, payload) by the log of their shard, of somebody who has looked likewise."""
    for name, ones in records.items():
        log.append_all(tx, name, ones)


def append_all(tx: Transaction, additions: Sequence[Addition]) -> list[dict[str, int] | StreamChanged]:
    """What several requests add, in their order (`Database.write_shared`).

    For each the position of its first record in each of its logs, or StreamChanged.
    """
    epochs = _epochs(tx, {one.stream.stream_id for one in additions})
    records: dict[str, list[tuple[int, bytes]]] = {}
    places: list[dict[str, int] | StreamChanged] = []
    for stream, payloads, now_ms in additions:
        if epochs.get(stream.stream_id) != stream.epoch:
            places.append(StreamChanged())
            continue
        place = {}
        for name, ones in payloads.items():
            waiting = records.setdefault(name, [])
            place[name] = len(waiting)
            waiting += [(now_ms, one) for one in ones]
        places.append(place)
    firsts = {name: log.append_all(tx, name, ones) - len(ones) + 1 for name, ones in records.items()}
    return [
        {name: firsts[name] + offset for name, offset in place.items()} if isinstance(place, dict) else place
        for place in places
    ]


def _epochs(tx: Transaction, stream_ids: Collection[int]) -> dict[int, int]:
    wanted = [(stream_id,) for stream_id in stream_ids]
    return dict(tx.find_rows("SELECT stream_id, epoch FROM kinesis_stream WHERE stream_id IN (VALUES (*))", (), wanted))


def last_position(tx: Transaction, shard: Shard) -> int:
    return log.head(tx, shard.log)


def position_at(tx: Transaction, shard: Shard, time_ms: int) -> int:
    """The position before the first record of that time or later."""
    return log.position_before(tx, shard.log, time_ms)


# What expires


def needs_trimming(tx: Transaction, shard: Shard, before_ms: int) -> bool:
    if shard.closed_ms is not None and shard.closed_ms < before_ms:
        return True
    oldest_ms = log.oldest_ms(tx, shard.log)
    return oldest_ms is not None and oldest_ms < before_ms


def trim_shard(tx: Transaction, shard: Shard, before_ms: int, limit: int) -> bool:
    """Forget at most `limit` records from before then. True: there may be more."""
    through = log.trim_older(tx, shard.log, before_ms, limit)
    if through:
        tx.execute(
            "UPDATE kinesis_shard SET trimmed = ? WHERE stream_id = ? AND shard_index = ?",
            (through, shard.stream_id, shard.index),
        )
    return through > 0


def drop_shard(tx: Transaction, shard: Shard) -> None:
    """Of a shard that is closed and has no record left."""
    log.forget(tx, shard.log)
    tx.execute("DELETE FROM kinesis_shard WHERE stream_id = ? AND shard_index = ?", (shard.stream_id, shard.index))


def list_leftovers(tx: Transaction) -> list[str]:
    return [name for (name,) in tx.rows("SELECT log FROM kinesis_leftover ORDER BY log")]


def clear_leftover(tx: Transaction, name: str, limit: int) -> bool:
    """Remove at most `limit` records of a deleted stream's log. True: there may be more."""
    if log.trim_oldest(tx, name, limit):
        return True
    log.forget(tx, name)
    tx.execute("DELETE FROM kinesis_leftover WHERE log = ?", (name,))
    return False
