"""What streams forget: records that are older than their stream keeps them, closed shards when none of theirs is left.

In portions of one short transaction each, so that no write waits behind them; the records of deleted streams go the
same way. Readers are held to the hour by themselves (`record_store.read`), whether or not we have been here.
"""

from lambent.kit.clock import Clock
from lambent.services import rounds
from lambent.services.kinesis import record_store, stream_store
from lambent.services.kinesis.shards import Shard
from lambent.services.kinesis.streams import Stream
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

#: Between two rounds.
TRIM_SECONDS = 300.0
#: Records forgotten in one transaction.
PORTION = 500


class RecordRetention:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Trim for ever, until cancelled."""
        await rounds.every(TRIM_SECONDS, self.trim, self._clock)

    async def trim(self) -> None:
        """Forget what has expired by now. Raises StorageError."""
        for stream in self._database.read(stream_store.all_streams):
            await self.trim_stream(stream)
        for name in self._database.read(record_store.list_leftovers):
            while await self._clear_portion(name):
                pass

    async def trim_stream(self, stream: Stream) -> None:
        """By the retention period that `stream` says."""
        before_ms = self._clock.now_ms() - stream.retention_ms
        for shard in await self._database.scan(lambda tx: _expired(tx, stream, before_ms)):
            while await self._trim_portion(shard, before_ms):
                pass
            if shard.closed_ms is not None and shard.closed_ms < before_ms:
                await self._drop(stream, shard)

    async def _trim_portion(self, shard: Shard, before_ms: int) -> bool:
        return await self._database.write(lambda tx: record_store.trim_shard(tx, shard, before_ms, PORTION))

    async def _clear_portion(self, name: str) -> bool:
        return await self._database.write(lambda tx: record_store.clear_leftover(tx, name, PORTION))

    async def _drop(self, stream: Stream, shard: Shard) -> None:
        def drop(tx: Transaction) -> None:
            record_store.drop_shard(tx, shard)
            stream_store.note_changed(tx, stream)

        await self._database.write(drop)


def _expired(tx: Transaction, stream: Stream, before_ms: int) -> list[Shard]:
    return [
        shard
        for shard in stream_store.list_shards(tx, stream.stream_id)
        if record_store.needs_trimming(tx, shard, before_ms)
    ]
