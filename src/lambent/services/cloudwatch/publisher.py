"""The publisher: what the platform counts about itself becomes CloudWatch's values, a batch every few seconds.

Never on the path of a request; a crash loses the last seconds of the platform's own metrics, and nothing that anybody
was told is kept. A commit that fails (a full disk) leaves the values waiting for the next one.
"""

import logging
from collections.abc import Iterable

from lambent.kit.clock import Clock
from lambent.kit.meter import Meter, Series, Summary
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.records import MINUTE, Measured, metric_key
from lambent.storage.database import Database
from lambent.storage.errors import StorageError

#: Between two batches; values never wait beyond the minute they belong to.
FLUSH_SECONDS = 5.0

#: Series that wait for a disk; those that come on top are dropped.
MAX_WAITING = 50_000

log = logging.getLogger(__name__)


class Publisher:
    def __init__(self, database: Database, meter: Meter, clock: Clock) -> None:
        self._database = database
        self._meter = meter
        self._clock = clock
        self._waiting: dict[tuple[Series, int], Summary] = {}
        """By series and the minute they belong to."""
        self._gauged_minute = 0

    async def run(self) -> None:
        """For ever, until cancelled."""
        while True:
            now = self._clock.now()
            await self._clock.sleep(min(FLUSH_SECONDS, MINUTE - now % MINUTE))
            try:
                await self._flush(int(now) // MINUTE * MINUTE)
            except StorageError:
                log.warning("metrics of the platform wait for the disk", exc_info=True)

    async def close(self) -> None:
        """What is left, at the end."""
        try:
            await self._flush(int(self._clock.now()) // MINUTE * MINUTE)
        except StorageError:
            log.warning("the last metrics of the platform are lost: the disk does not take them", exc_info=True)

    async def _flush(self, minute: int) -> None:
        """Raises StorageError; then everything waits."""
        await self._gather(minute)
        if not self._waiting:
            return
        waiting = dict(self._waiting)
        measured = [one for (series, start), summary in waiting.items() for one in _measured(series, start, summary)]
        await self._database.write(lambda tx: store.add_values(tx, measured))
        self._waiting.clear()

    async def _gather(self, minute: int) -> None:
        for series, summary in self._meter.take():
            self._keep(series, minute, summary)
        if minute != self._gauged_minute:
            self._gauged_minute = minute
            for series, value in await self._meter.read_gauges():
                gauged = Summary()
                gauged.add(value)
                self._keep(series, minute, gauged)

    def _keep(self, series: Series, minute: int, summary: Summary) -> None:
        found = self._waiting.get((series, minute))
        if found is not None:
            found.merge(summary)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting[series, minute] = summary


def _measured(series: Series, minute: int, summary: Summary) -> Iterable[Measured]:
    for dimensions in series.dimension_sets:
        metric = metric_key(series.account_id, series.region, series.namespace, series.metric, dimensions)
        yield Measured(metric, MINUTE, minute, series.unit, summary)
