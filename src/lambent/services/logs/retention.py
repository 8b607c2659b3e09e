"""Retention: what is past its log group's retention is deleted, and so are the rows of deleted groups and streams.

Both go in portions of one short transaction each, so that no request waits behind them. Reads hide expired events
already at the hour they expire; this only takes their bytes away, at the latest an hour (and a chunk) later.
"""

import asyncio

from lambent.kit.clock import Clock
from lambent.services.logs import store
from lambent.services.logs.expiry import cutoff
from lambent.storage.database import Database
from lambent.storage.errors import StorageError

#: Between two looks for expired events.
EXPIRY_SECONDS = 3_600.0
#: Pause after the disk refused.
RETRY_SECONDS = 60.0


class Retention:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Clean up for ever, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._expire_hourly())
            tasks.create_task(self._delete_garbage_when_announced())

    async def expire(self) -> None:
        """Delete what has expired by now. Raises StorageError."""
        for group_id, days in self._database.read(store.groups_with_retention):
            cutoff_ms = cutoff(days, self._clock.now_ms())
            while await self._database.write(lambda tx: store.delete_expired(tx, group_id, cutoff_ms)):  # noqa: B023
                pass

    async def delete_garbage(self) -> None:
        """Delete the rows of deleted groups and streams. Raises StorageError."""
        while await self._database.write(store.delete_garbage):
            pass

    async def _expire_hourly(self) -> None:
        while True:
            try:
                await self.expire()
            except StorageError:
                await self._clock.sleep(RETRY_SECONDS)
                continue
            await self._clock.sleep(EXPIRY_SECONDS)

    async def _delete_garbage_when_announced(self) -> None:
        announced = self._database.subscribe(store.GARBAGE_TOPIC)
        while True:
            try:
                await self.delete_garbage()
            except StorageError:
                await self._clock.sleep(RETRY_SECONDS)
                continue
            await announced.wait()
