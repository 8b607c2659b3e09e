"""Retention: values move into longer periods as they grow older, and go in the end.

API reference, GetMetricData: periods under a minute are kept for 3 hours, minutes for 15 days, five minutes for 63
days, hours for 455 days. In portions of one short transaction each, so that no request waits behind them.
"""

from lambent.kit.clock import Clock
from lambent.services import rounds
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.records import FIVE_MINUTES, HOUR, MINUTE, SECOND
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

#: Between two rounds.
ROUND_SECONDS = 600.0
#: Rows in one transaction.
PORTION = 500

_DAY = 86_400
#: (period, kept for so many seconds, then moved into), in this order.
_MOVES = (
    (SECOND, 3 * 3_600, MINUTE),
    (MINUTE, 15 * _DAY, FIVE_MINUTES),
    (FIVE_MINUTES, 63 * _DAY, HOUR),
)
KEPT_SECONDS = 455 * _DAY


class MetricRetention:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """For ever, until cancelled."""
        await rounds.every(ROUND_SECONDS, self.apply, self._clock)

    async def apply(self) -> None:
        """Bring everything to what its age asks for. Raises StorageError."""
        now = int(self._clock.now())
        ages = [(period, now - kept) for period, kept, _ in _MOVES] + [(HOUR, now - KEPT_SECONDS)]
        if not self._database.read(lambda tx: store.has_older(tx, ages)):
            return
        for period, kept, into in _MOVES:
            while await self._move(period, now - kept, into):
                pass
        while await self._database.write(lambda tx: _forget(tx, now - KEPT_SECONDS)):
            pass

    async def _move(self, period: int, before: int, into: int) -> int:
        """What begins in a longer period that is not over yet stays."""
        edge = before // into * into
        return await self._database.write(
            lambda tx: store.move_older(tx, period=period, before=edge, into=into, limit=PORTION)
        )


def _forget(tx: Transaction, before: int) -> int:
    gone = store.delete_older(tx, period=HOUR, before=before, limit=PORTION)
    return gone + store.delete_metrics(tx, newest_before_ms=before * 1000, limit=PORTION)
