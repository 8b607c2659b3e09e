"""What backups forget: the past behind the recovery periods of tables, system backups after their 35 days, and
exports and imports, as the API knows them, after 90.

In portions of one short transaction each, so that no write waits behind them. What is no longer needed for any other
reason goes at once, as a chore (`holder_store`).
"""

from lambent.kit.clock import Clock
from lambent.services import rounds
from lambent.services.dynamodb import backup_store, export_store, holder_store, import_store, past_store
from lambent.services.dynamodb.exports import KEPT_MS
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

#: Between two rounds.
ROUND_SECONDS = 300.0
#: System backups that one transaction forgets.
_PORTION = 100


class BackupRetention:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Forget for ever, until cancelled."""
        await rounds.every(ROUND_SECONDS, self.forget, self._clock)

    async def forget(self) -> None:
        """What is too old by now. Raises StorageError."""
        now_ms = self._clock.now_ms()
        for table_id in await self._database.scan(past_store.list_histories):
            while await self._trim(table_id, now_ms):
                pass
        while self._database.read(lambda tx: backup_store.list_expired(tx, now_ms, 1)):
            await self._database.write(lambda tx: _delete_expired(tx, now_ms))
        if self._database.read(lambda tx: export_store.has_old(tx, now_ms - KEPT_MS)):
            await self._database.write(lambda tx: export_store.delete_old(tx, now_ms - KEPT_MS))
        if self._database.read(lambda tx: import_store.has_old(tx, now_ms - KEPT_MS)):
            await self._database.write(lambda tx: import_store.delete_old(tx, now_ms - KEPT_MS))

    async def _trim(self, table_id: int, now_ms: int) -> bool:
        return await self._database.write(lambda tx: holder_store.trim_past(tx, table_id, now_ms=now_ms))


def _delete_expired(tx: Transaction, now_ms: int) -> None:
    """A portion of them; one that is being restored just now goes with the end of that."""
    for backup in backup_store.list_expired(tx, now_ms, _PORTION):
        backup_store.delete_backup(tx, backup)
        holder_store.let_go(tx, backup.holder_id, now_ms=now_ms)
