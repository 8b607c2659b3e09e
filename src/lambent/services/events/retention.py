"""What archives forget: events older than their retention, and all that deleted archives kept. Replays for 90 days.

In portions of one short transaction each, so that no write waits behind them.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html: "Replays are deleted after 90
days".
"""

from lambent.kit.clock import Clock
from lambent.services import rounds
from lambent.services.events import archive_store, replay_store
from lambent.services.events.archives import DAY_MS, Archive
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

#: Between two rounds.
TRIM_SECONDS = 300.0

REPLAY_DAYS = 90


class ArchiveRetention:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Trim for ever, until cancelled."""
        await rounds.every(TRIM_SECONDS, self.trim, self._clock)

    async def trim(self) -> None:
        """Forget what is due by now. Raises StorageError."""
        now_ms = self._clock.now_ms()
        while self._database.read(archive_store.has_garbage):
            await self._database.write(archive_store.delete_garbage)
        for archive in self._database.read(archive_store.archives_with_retention):
            while await self._trim_portion(archive, now_ms):
                pass
        await self._forget_replays(now_ms)

    async def _trim_portion(self, archive: Archive, now_ms: int) -> bool:
        before_ms = now_ms - archive.retention_days * DAY_MS
        if not self._database.read(lambda tx: archive_store.has_expired(tx, archive.archive_id, before_ms)):
            return False
        return await self._database.write(lambda tx: archive_store.delete_expired(tx, archive.archive_id, before_ms))

    async def _forget_replays(self, now_ms: int) -> None:
        before_ms = now_ms - REPLAY_DAYS * DAY_MS

        def has_ended(tx: Transaction) -> bool:
            return replay_store.has_ended(tx, before_ms)

        if self._database.read(has_ended):
            await self._database.write(lambda tx: replay_store.delete_ended(tx, before_ms))
