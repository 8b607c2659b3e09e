"""Throttling, where a table asks for it: what exceeds the provisioned throughput is refused, as AWS would.

Off by default, because nobody's machine has that limit. A table of billing mode PROVISIONED with the tag
`lambent:throttle=on` gets a bucket for reads and one for writes, each filled at the provisioned rate and holding one
second of it: a client's back-off can be watched without using up AWS's five minutes of unused capacity first.
"""

from lambent.kit.clock import Clock
from lambent.kit.frozen import mutable
from lambent.services.dynamodb.errors import ProvisionedThroughputExceeded
from lambent.services.dynamodb.tables import Table

BURST_SECONDS = 1.0
#: Buckets in memory; tables that throttle are few, and a forgotten bucket is merely full again.
_MOST_BUCKETS = 1024


@mutable
class Bucket:
    units: float
    filled_at: float

    def fill(self, rate: float, now: float) -> None:
        self.units = min(rate * BURST_SECONDS, self.units + (now - self.filled_at) * rate)
        self.filled_at = now


class Throttle:
    """Who comes while the bucket holds anything is served and may overdraw it; the next ones wait for the debt."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[int, bool], Bucket] = {}

    def admit(self, table: Table, *, is_write: bool) -> None:
        """Raises ProvisionedThroughputExceeded. Call for tables that are throttled."""
        if self._filled(table, is_write).units <= 0:
            raise ProvisionedThroughputExceeded(
                "The level of configured provisioned throughput for the table was exceeded. "
                "Consider increasing your provisioning level with the UpdateTable API."
            )

    def charge(self, table: Table, units: float, *, is_write: bool) -> None:
        self._filled(table, is_write).units -= units

    def _filled(self, table: Table, is_write: bool) -> Bucket:
        throughput = table.definition.throughput
        rate = float(throughput.write_units if is_write else throughput.read_units)
        now = self._clock.monotonic()
        bucket = self._buckets.get((table.table_id, is_write))
        if bucket is None:
            if len(self._buckets) >= _MOST_BUCKETS:
                self._buckets.clear()
            bucket = self._buckets[table.table_id, is_write] = Bucket(rate * BURST_SECONDS, now)
        bucket.fill(rate, now)
        return bucket
