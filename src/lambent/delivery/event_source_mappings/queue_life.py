"""The life of a mapping over a queue, from the day we hear of it to its deletion: its state, and whether it polls.

The counterpart of `mappings`' life over a stream, without shards and places: the queue itself knows what is left.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Iterable

from lambent.delivery.event_source_mappings import event_counts
from lambent.delivery.event_source_mappings.parts import MappingParts, QueueStanding
from lambent.delivery.event_source_mappings.queue_poller import FAULT_SECONDS, QueuePoller
from lambent.kit.meter import Sample
from lambent.services.lambda_ import event_source_store
from lambent.services.lambda_.event_source_mappings import RUNNING, SETTLED, EventSourceMapping, State
from lambent.storage.signal import Signal

log = logging.getLogger(__name__)


class QueueLife:
    def __init__(self, parts: MappingParts, mapping: EventSourceMapping) -> None:
        self._parts = parts
        self._mapping = mapping
        self.account_id = mapping.account_id
        self.standing = QueueStanding(mapping.uuid, mapping.last_result)
        self._changed = Signal()
        self._poller: QueuePoller | None = None
        self._is_draining = False

    def gauge(self) -> Iterable[Sample]:
        """Asked once a minute: what its metrics say while nothing happens, and its pollers in provisioned mode."""
        if self._poller is None:
            return ()
        event_counts.note_idle(self._parts.meter, self._mapping)
        return event_counts.pollers(self._mapping, self._poller.provisioned_pollers)

    def change(self, mapping: EventSourceMapping) -> None:
        if mapping.generation != self._mapping.generation:
            self._mapping = mapping
            self._changed.ring()

    def drain(self) -> None:
        self._is_draining = True
        self._changed.ring()

    async def run(self) -> None:
        """Until the mapping is deleted, or drained."""
        while not self._is_draining:
            try:
                if self._mapping.state is State.DELETING:
                    await self._parts.database.write(
                        lambda tx: event_source_store.delete_mapping(tx, self.standing.uuid)
                    )
                    return
                if self._polls:
                    await self._poll()
                else:
                    await self._settle()
                    await self._changed.wait()
            except Exception:
                log.exception("mapping %s failed; it tries again", self.standing.uuid)
                await self._parts.clock.sleep(FAULT_SECONDS)

    @property
    def _polls(self) -> bool:
        return self._mapping.state in RUNNING and not self._is_draining

    async def _poll(self) -> None:
        """Returns when the mapping shall not poll any more and its last invocation has ended."""
        try:
            async with asyncio.TaskGroup() as tasks:
                poller = self._poller = QueuePoller(self._parts, self.standing, self._mapping, tasks)
                tasks.create_task(poller.run())
                while self._polls:
                    poller.update(self._mapping)
                    await self._settle()
                    await self._changed.wait()
                poller.stop()
        finally:
            self._poller = None

    async def _settle(self) -> None:
        """Its state becomes what it was about to be."""
        mapping = self._mapping
        state = SETTLED.get(mapping.state)
        if state is None or self._is_draining:
            return
        now_ms = self._parts.clock.now_ms()
        await self._parts.database.write(lambda tx: event_source_store.settle_mapping(tx, mapping, state, now_ms))
        if self._mapping is mapping:
            self._mapping = dataclasses.replace(mapping, state=state)
