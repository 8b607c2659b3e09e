"""The settler: results of asynchronous invocations, gathered while one commit is under way, make up the next one."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from lambent.delivery import outcomes
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import End, Parcels
from lambent.delivery.settlements import Settlement
from lambent.kit.clock import Clock
from lambent.services.lambda_ import queue_store
from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.transaction import Transaction

#: Results in one transaction.
MAX_BATCH = 512

#: Results waiting for their commit; beyond it nothing new may start: a full disk must not fill the memory as well.
MAX_PENDING = 4 * MAX_BATCH

#: Pause before results that could not be committed are tried again.
RETRY_SECONDS = 1.0

#: Newest records of discarded invocations that are kept.
MAX_DISCARDS = 1_000

log = logging.getLogger(__name__)


class Settler:
    def __init__(
        self, *, database: Database, clock: Clock, parcels: Parcels, committed: Callable[[Sequence[Settlement]], None]
    ) -> None:
        """`committed` is told of each batch that is on disk."""
        self._database = database
        self._clock = clock
        self._parcels = parcels
        self._committed = committed
        self._pending: list[Settlement] = []
        self._added = asyncio.Event()
        self._flushed = asyncio.Event()
        self._flushed.set()

    @property
    def is_full(self) -> bool:
        return len(self._pending) >= MAX_PENDING

    def add(self, settlement: Settlement) -> None:
        self._pending.append(settlement)
        self._added.set()
        self._flushed.clear()

    async def flush(self) -> None:
        """Return when everything added is on disk."""
        await self._flushed.wait()

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            await self._added.wait()
            batch = self._pending[:MAX_BATCH]
            try:
                ends = await self._database.write(lambda tx, batch=batch: self._apply(tx, batch))  # type: ignore[misc]  # the bound batch
            except StorageError:
                log.exception("%d results of asynchronous invocations wait for the disk", len(self._pending))
                await self._clock.sleep(RETRY_SECONDS)
                continue
            del self._pending[: len(batch)]
            self._parcels.report_all(ends)
            self._committed(batch)
            if not self._pending:
                self._added.clear()
                self._flushed.set()

    def _apply(self, tx: Transaction, batch: Sequence[Settlement]) -> list[tuple[Parcel, End]]:
        now_ms = self._clock.now_ms()
        ends: list[tuple[Parcel, End]] = []
        for settlement in batch:
            if settlement.retry is not None:
                retry = settlement.retry
                queue_store.reschedule_invocation(
                    tx, settlement.position, due_ms=retry.due_ms, errors=retry.errors, throttles=retry.throttles
                )
                continue
            if settlement.discard is not None:
                queue_store.discard_invocation(tx, settlement.discard)
            else:
                queue_store.delete_invocation(tx, settlement.position)
            for message in settlement.messages:
                parcel = Parcel(outcomes.OWNER, message, now_ms, {})
                ends.append((parcel, self._parcels.send(tx, parcel)))
        if any(settlement.discard for settlement in batch):
            queue_store.forget_discards(tx, MAX_DISCARDS)
        return ends
