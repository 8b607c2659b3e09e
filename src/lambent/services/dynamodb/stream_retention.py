"""What streams forget: change records a day after they were written, shards and streams a day after they closed.

In portions of one short transaction each, so that no write waits behind them. Consumers that come too late are told
`TrimmedDataAccessException`; event source mappings go on with the oldest record that is left.
"""

from lambent.kit.clock import Clock
from lambent.services import rounds
from lambent.services.dynamodb import stream_store
from lambent.services.dynamodb.streams import RETENTION_MS, Shard
from lambent.storage.database import Database

#: Between two rounds.
TRIM_SECONDS = 300.0
#: Records forgotten in one transaction.
PORTION = 500


class StreamRetention:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Trim for ever, until cancelled."""
        await rounds.every(TRIM_SECONDS, self.trim, self._clock)

    async def trim(self) -> None:
        """Forget what is older than a day by now. Raises StorageError."""
        before_ms = self._clock.now_ms() - RETENTION_MS
        for shard in await self._database.scan(lambda tx: stream_store.list_shards_to_trim(tx, before_ms)):
            while await self._trim_portion(shard, before_ms):
                pass
        if self._database.read(lambda tx: stream_store.has_ended_streams(tx, before_ms)):
            await self._database.write(lambda tx: stream_store.delete_ended_streams(tx, before_ms))

    async def _trim_portion(self, shard: Shard, before_ms: int) -> bool:
        return await self._database.write(lambda tx: stream_store.trim_shard(tx, shard, before_ms, PORTION))
