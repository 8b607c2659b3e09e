"""Throttling, where a stream asks for it: what exceeds the throughput of a shard is refused, as AWS would.

Off by default, because nobody's machine has that limit. Every shard of a stream with the tag `lambent:throttle=on`
takes 1 MiB and 1,000 records and gives 2 MiB in 5 reads a second
(https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html). Each of these is a bucket that holds one
second; who comes while it holds anything is served and may overdraw it, so a read of 10 MiB keeps the shard silent for
five seconds, as AWS documents.
"""

from enum import Enum

from lambent.kit.clock import Clock
from lambent.kit.frozen import mutable
from lambent.services.kinesis.errors import ProvisionedThroughputExceeded
from lambent.services.kinesis.shards import Shard
from lambent.services.kinesis.streams import Stream

#: Buckets in memory; streams that throttle are few, and a forgotten bucket is merely full again.
_MOST_BUCKETS = 4096


class Kind(Enum):
    """Values are units per second."""

    #: Bytes of keys and data written.
    BYTES_IN = 1_048_576.0
    #: Records written.
    RECORDS_IN = 1_000.0
    #: Bytes read by GetRecords.
    BYTES_OUT = 2_097_152.0
    #: Calls of GetRecords.
    READS = 5.0


@mutable
class Bucket:
    units: float
    filled_at: float


class Throttle:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[int, int, Kind], Bucket] = {}

    def write(self, stream: Stream, shard: Shard, size_bytes: int) -> ProvisionedThroughputExceeded | None:
        """Takes a record's share; the error if there is none left. Call for streams that are throttled."""
        size, count = self._filled(shard, Kind.BYTES_IN), self._filled(shard, Kind.RECORDS_IN)
        if size.units <= 0 or count.units < 1:
            return _exceeded(stream, shard)
        size.units -= size_bytes
        count.units -= 1
        return None

    def admit_read(self, stream: Stream, shard: Shard) -> None:
        """Raises ProvisionedThroughputExceeded."""
        calls = self._filled(shard, Kind.READS)
        if calls.units < 1 or self._filled(shard, Kind.BYTES_OUT).units <= 0:
            raise _exceeded(stream, shard)
        calls.units -= 1

    def charge_read(self, shard: Shard, size_bytes: int) -> None:
        self._filled(shard, Kind.BYTES_OUT).units -= size_bytes

    def _filled(self, shard: Shard, kind: Kind) -> Bucket:
        rate: float = kind.value
        now = self._clock.monotonic()
        place = (shard.stream_id, shard.index, kind)
        bucket = self._buckets.get(place)
        if bucket is None:
            if len(self._buckets) >= _MOST_BUCKETS:
                self._buckets.clear()
            bucket = self._buckets[place] = Bucket(rate, now)
        bucket.units = min(rate, bucket.units + (now - bucket.filled_at) * rate)
        bucket.filled_at = now
        return bucket


def _exceeded(stream: Stream, shard: Shard) -> ProvisionedThroughputExceeded:
    return ProvisionedThroughputExceeded(
        f"Rate exceeded for shard {shard.shard_id} in stream {stream.key.name} under account {stream.key.account_id}."
    )
