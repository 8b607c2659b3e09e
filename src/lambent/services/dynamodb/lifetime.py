"""Time to live: items whose time has come are deleted, within a minute.

AWS takes "within a few days"; a test that waits for a REMOVE record should not. The deletions go through `write_item`
like everybody's, so indexes and change records follow; the records name the service as who did it. Tokens of
transactions, which live ten minutes, are forgotten on the same rounds.
"""

from lambent.kit.clock import Clock
from lambent.services.dynamodb import token_store, upkeep_store
from lambent.services.dynamodb.replication import Replicate
from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.transaction import Transaction

#: Between two rounds.
SWEEP_SECONDS = 10.0


class Lifetime:
    def __init__(self, database: Database, clock: Clock, replicate: Replicate) -> None:
        self._database = database
        self._clock = clock
        self._replicate = replicate

    async def run(self) -> None:
        """Sweep for ever, until cancelled."""
        while True:
            await self._clock.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except StorageError:
                continue  # a full disk: the next round tries again

    async def sweep(self) -> None:
        """Delete what has expired by now. Raises StorageError."""
        now_ms = self._clock.now_ms()
        while self._database.read(lambda tx: upkeep_store.has_expired(tx, now_ms=now_ms)):
            await self._database.write(lambda tx: upkeep_store.delete_expired(tx, self._replicate, now_ms=now_ms))
        while self._database.read(lambda tx: token_store.has_expired_tokens(tx, now_ms)):
            await self._database.write(lambda tx: _delete_tokens(tx, now_ms))


def _delete_tokens(tx: Transaction, now_ms: int) -> None:
    token_store.delete_expired_tokens(tx, now_ms)
