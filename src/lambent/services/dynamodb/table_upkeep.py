"""Upkeep: chores on whole tables and indexes, in the background, woken by the commit that leaves one.

A portion is one short transaction, and requests go between the portions.
"""

import logging

from lambent.kit.clock import Clock
from lambent.services.dynamodb import table_store, upkeep_store
from lambent.storage.database import Database

#: Pause after a failure (a full disk, or a bug) before the same portion is tried again.
RETRY_SECONDS = 5.0

logger = logging.getLogger(__name__)


class TableUpkeep:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Work off chores for ever, until cancelled."""
        left = self._database.subscribe(table_store.CHORES_TOPIC)
        while True:
            try:
                await self.work_off()
            except Exception:
                # Whatever it is: the chore must wait for its mending, and not stop the platform.
                logger.exception("a chore on a table failed; it is tried again")
                await self._clock.sleep(RETRY_SECONDS)
            else:
                await left.wait()

    async def work_off(self) -> None:
        """All that is left to do now."""
        done = -1
        while done:
            after, now_ms = done, self._clock.now_ms()
            done = await self._database.write(
                lambda tx: upkeep_store.do_portion(tx, after=after, now_ms=now_ms)  # noqa: B023 (awaited here)
            )
