"""Pages: records of a shard behind a position, as GetRecords and subscriptions hand them out.

Nearly all pages are small, and are read on the event loop by two statements; one that may be large is read in a thread.
"""

from collections.abc import Sequence

from lambent.kit.frozen import frozen
from lambent.services.kinesis.shards import Shard
from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction

#: A page up to this size is read on the event loop, in well under a millisecond.
SMALL_RECORDS = 256
SMALL_BYTES = 256 * 1024


@frozen
class Page:
    records: Sequence[LogRecord]
    through: int
    """The last position that was looked at."""
    next_ms: int | None
    """When the first record behind this page arrived; None: there is none."""

    @property
    def is_at_end(self) -> bool:
        return self.next_ms is None

    def millis_behind(self, now_ms: int) -> int:
        """MillisBehindLatest: how old what comes next is; 0 at the tip."""
        return 0 if self.next_ms is None else max(now_ms - self.next_ms, 0)


async def read(database: Database, shard: Shard, after: int, limit: int, *, max_bytes: int, oldest_ms: int) -> Page:
    """Behind `after`: at most `limit`, of `max_bytes` together (or one), none that arrived before `oldest_ms`."""
    wanted = min(limit, SMALL_RECORDS)
    count, size = database.look_up(lambda tx: log.measure(tx, shard.log, after, after + wanted + 1))
    if size > min(SMALL_BYTES, max_bytes) or (count > wanted and limit > wanted):
        return await database.scan(lambda tx: _read_large(tx, shard, after, limit, max_bytes, oldest_ms))
    if not count:
        return Page((), after, None)
    found = database.look_up(lambda tx: log.read_after(tx, shard.log, after, wanted + 1))
    following = found[wanted].time_ms if len(found) > wanted else None
    return _page(found[:wanted], following, oldest_ms)


def _read_large(tx: Transaction, shard: Shard, after: int, limit: int, max_bytes: int, oldest_ms: int) -> Page:
    fitting = log.count_within(tx, shard.log, after, limit, max_bytes)
    found = log.read_after(tx, shard.log, after, fitting)
    if not found:
        return Page((), after, None)
    return _page(found, log.time_after(tx, shard.log, found[-1].position), oldest_ms)


def _page(found: list[LogRecord], next_ms: int | None, oldest_ms: int) -> Page:
    through = found[-1].position
    if found[0].time_ms < oldest_ms:
        found = [record for record in found if record.time_ms >= oldest_ms]
    return Page(found, through, next_ms)
