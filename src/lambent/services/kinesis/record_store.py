"""All SQL on records: they go into the log of the shard that is open, are read from a position, and expire.

Who writes has chosen shards by a view of the stream; if that has changed by the time the writer is at it, nothing is
written and `StreamChanged` tells to look again.
"""

from collections.abc import Mapping, Sequence

from lambent.kit.frozen import frozen
from lambent.services.kinesis.shards import Shard
from lambent.services.kinesis.streams import Stream
from lambent.storage import log
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction


class StreamChanged(Exception):
    """The stream is not as it was looked at; nothing was written."""


def append(tx: Transaction, stream: Stream, shard: Shard, payload: bytes, now_ms: int) -> int:
    """Returns the position. Raises StreamChanged."""
    check_unchanged(tx, stream)
    return log.append(tx, shard.log, payload, now_ms)


def append_many(
    tx: Transaction, stream: Stream, payloads: Mapping[str, Sequence[bytes]], now_ms: int
) -> dict[str, int]:
    """By log of a shard; returns the position of each log's first one. Raises StreamChanged."""
    check_unchanged(tx, stream)
    return {
        name: log.append_all(tx, name, [(now_ms, one) for one in ones]) - len(ones) + 1
        for name, ones in payloads.items()
    }


def check_unchanged(tx: Transaction, stream: Stream) -> None:
    """Raises StreamChanged."""
    row = tx.row("SELECT epoch FROM kinesis_stream WHERE stream_id = ?", (stream.stream_id,))
    if row is None or row[0] != stream.epoch:
        raise StreamChanged


@frozen
class Page:
    records: Sequence[LogRecord]
    through: int
    """The last position that was looked at."""
    head: int
    """Position of the shard's last record."""
    next_ms: int | None
    """When the first record behind this page arrived; None: there is none."""


def read(tx: Transaction, shard: Shard, after: int, limit: int, *, max_bytes: int, oldest_ms: int) -> Page:
    """Behind `after`: at most `limit`, of `max_bytes` together (or one), none that arrived before `oldest_ms`."""
    head = log.head(tx, shard.log)
    fitting = log.count_within(tx, shard.log, after, limit, max_bytes) if head > after else 0
    return _page(tx, shard, after, fitting, head, oldest_ms)


def read_small(
    tx: Transaction, shard: Shard, after: int, limit: int, *, max_records: int, max_bytes: int, oldest_ms: int
) -> Page | None:
    """Like `read`; None, without having read any of them, if these are more than that."""
    head = log.head(tx, shard.log)
    through = min(after + limit, head)
    if through - after > max_records:
        return None
    if through > after and log.bytes_after(tx, shard.log, after, through) > max_bytes:
        return None
    return _page(tx, shard, after, max(through - after, 0), head, oldest_ms)


def _page(tx: Transaction, shard: Shard, after: int, count: int, head: int, oldest_ms: int) -> Page:
    found = log.read_after(tx, shard.log, after, count) if count else []
    through = found[-1].position if found else max(after, head)
    next_ms = log.time_after(tx, shard.log, through) if through < head else None
    if found and found[0].time_ms < oldest_ms:
        found = [record for record in found if record.time_ms >= oldest_ms]
    return Page(found, through, head, next_ms)


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
