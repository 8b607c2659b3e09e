"""Replays: what an archive kept between two times goes onto its bus again, oldest first, a portion a transaction.

How far a replay has come moves in the transaction that appends the events, so a restart goes on where it stood and
repeats nothing.
"""

import asyncio
import logging
from dataclasses import replace

from lambent.kit.clock import Clock
from lambent.services.events import archive_store, envelopes, putting, replay_store
from lambent.services.events.archives import Replay, ReplayState
from lambent.services.events.envelopes import Envelope
from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.transaction import Transaction

#: Events in one transaction; each may have a megabyte.
PORTION = 50

#: Pause after a full disk.
FAULT_SECONDS = 1.0

log = logging.getLogger(__name__)


class Replays:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._bell = database.subscribe(replay_store.REPLAYS_TOPIC)

    async def run(self) -> None:
        """Runs until cancelled; several at once go on by turns."""
        while True:
            try:
                while active := self._database.read(replay_store.active_replays):
                    for replay in active:
                        await self._go_on(replay)
            except StorageError:
                log.exception("replays wait for the disk")
                await self._clock.sleep(FAULT_SECONDS)
                continue
            await self._bell.wait()

    async def _go_on(self, replay: Replay) -> None:
        now_ms = self._clock.now_ms()
        await self._database.write(lambda tx: _replay_portion(tx, replay, now_ms))
        await asyncio.sleep(0)


def _replay_portion(tx: Transaction, replay: Replay, now_ms: int) -> None:
    current = replay_store.find_replay(tx, replay.key)
    if current is None or current.ended_ms is not None:
        return
    if current.state is ReplayState.CANCELLING:
        replay_store.update_replay(tx, replace(current, state=ReplayState.CANCELLED, ended_ms=now_ms))
        return
    after = (current.time_ms, current.position)
    found = archive_store.events_between(tx, current.archive_id, after, current.end_ms, PORTION)
    putting.append(tx, *(_envelope(current, event, now_ms) for _, _, event in found))
    if found:
        current = replace(current, time_ms=found[-1][0], position=found[-1][1])
    if len(found) < PORTION:
        current = replace(current, state=ReplayState.COMPLETED, ended_ms=now_ms)
    else:
        current = replace(current, state=ReplayState.RUNNING)
    replay_store.update_replay(tx, current)


def _envelope(replay: Replay, event: bytes, now_ms: int) -> Envelope:
    return Envelope(
        replay.bus_key,
        envelopes.of_replay(event, replay.key.name),
        now_ms,
        replay=replay.key.name,
        only_rules=tuple(replay.rules),
    )
