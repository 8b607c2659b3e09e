"""Upkeep of queues: moving messages for move tasks, clearing purged boxes, forgetting what is too old.

Tasks and garbage are woken by the commit that leaves them; retention is looked after every few minutes, in portions of
one short transaction each, so that no request waits behind them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from lambent.kit.clock import Clock
from lambent.kit.ids import Ids
from lambent.services import rounds
from lambent.services.sqs import move_store, store, upkeep_store
from lambent.services.sqs.moves import MoveTask
from lambent.storage.database import Database

#: Between two rounds of forgetting what is too old.
TRIM_SECONDS = 300.0
#: Pause after a failure (a full disk, or a bug) before the same is tried again.
RETRY_SECONDS = 5.0
#: Messages moved by one transaction.
MOVED_AT_ONCE = 100

logger = logging.getLogger(__name__)


class Upkeep:
    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def run(self) -> None:
        """For ever, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(store.GARBAGE_TOPIC, self.clear))
            tasks.create_task(self._follow(move_store.TOPIC, self.move))
            tasks.create_task(rounds.every(TRIM_SECONDS, self.trim, self._clock))

    async def clear(self) -> None:
        while await self._database.write(upkeep_store.clear_garbage):
            pass

    async def move(self) -> None:
        """Until no task is active; each at its rate, all of them together."""
        while tasks := self._database.read(move_store.active_tasks):
            due_ms = [await self._move_portion(task) for task in tasks]
            pause = (min(due_ms) - self._clock.now_ms()) / 1000
            if pause > 0:
                await self._clock.sleep(pause)

    async def trim(self) -> None:
        for key in await self._database.scan(upkeep_store.all_queues):
            now_ms = self._clock.now_ms()
            while await self._database.write(lambda tx: upkeep_store.trim(tx, key, now_ms)):  # noqa: B023 (awaited here)
                pass

    async def _move_portion(self, task: MoveTask) -> int:
        """When the next one is due."""
        now_ms = self._clock.now_ms()
        left = await self._database.write(
            lambda tx: move_store.move_portion(tx, task.handle, MOVED_AT_ONCE, now_ms, self._ids)
        )
        return left.next_due_ms() if left is not None else 0

    async def _follow(self, topic: str, work: Callable[[], Awaitable[None]]) -> None:
        bell = self._database.subscribe(topic)
        while True:
            try:
                await work()
            except Exception:
                # Whatever it is: the work must wait for its mending, and not stop the platform.
                logger.exception("upkeep of queues failed; it is tried again")
                await self._clock.sleep(RETRY_SECONDS)
            else:
                await bell.wait()
