"""A poller: one shard of one mapping. It divides the shard into lanes, runs them, and knows when it is finished.

A change of the mapping stops its lanes (each after the invocation under way) and starts them anew; other shards do
not wait for that.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Callable

from lambent.delivery.event_source_mappings import parallel, progress_store
from lambent.delivery.event_source_mappings.lane import FAULT_SECONDS, Lane
from lambent.delivery.event_source_mappings.parts import MappingParts, MappingStanding
from lambent.delivery.event_source_mappings.reading import LaneReader
from lambent.delivery.event_source_mappings.sources import LogSource, Shard
from lambent.services.lambda_.event_source_mappings import EventSourceMapping
from lambent.storage.transaction import Transaction

log = logging.getLogger(__name__)


class ShardPoller:
    def __init__(
        self,
        parts: MappingParts,
        standing: MappingStanding,
        mapping: EventSourceMapping,
        source: LogSource,
        shard: Shard,
        *,
        ended: Callable[[], None],
    ) -> None:
        """`ended` is called when its children may be read."""
        self._parts = parts
        self._standing = standing
        self._mapping = mapping
        self._source = source
        self._shard = shard
        self._ended = ended
        self._lanes: list[Lane] = []
        self._is_stopping = False

    def update(self, mapping: EventSourceMapping, source: LogSource, *, is_closed: bool) -> None:
        """The mapping, its source, and whether the shard is closed, as they are now."""
        self._source = source
        for lane in self._lanes:
            lane.use(source)
        if is_closed and not self._shard.is_closed:
            self._shard = dataclasses.replace(self._shard, is_closed=True)
            for lane in self._lanes:
                lane.close()
        if mapping.generation != self._mapping.generation:
            self._mapping = mapping
            self._stop_lanes()

    def stop(self) -> None:
        self._is_stopping = True
        self._stop_lanes()

    async def run(self) -> None:
        """Until the shard is finished, or it is stopped."""
        while not self._is_stopping:
            try:
                is_over = await self._read()
            except Exception:
                log.exception("mapping %s failed on shard %s; it tries again", self._mapping.uuid, self._shard.shard_id)
                await self._parts.clock.sleep(FAULT_SECONDS)
                continue
            if is_over:
                return

    async def _read(self) -> bool:
        """Run lanes until they end. True: there is nothing left to do."""
        mapping = self._mapping
        count = await self._parts.database.write(lambda tx: self._divide(tx, mapping))
        if not count:
            return True
        async with asyncio.TaskGroup() as tasks:
            lanes = self._lanes = [self._lane(mapping, number, count, tasks) for number in range(count)]
            for lane in lanes:
                tasks.create_task(lane.run())
            if self._is_stopping or mapping is not self._mapping:
                self._stop_lanes()
        if not all(lane.is_finished for lane in lanes):
            return False
        uuid, shard_id = mapping.uuid, self._shard.shard_id
        await self._parts.database.write(lambda tx: progress_store.finish_shard(tx, uuid, shard_id))
        self._ended()
        return True

    def _divide(self, tx: Transaction, mapping: EventSourceMapping) -> int:
        """Into as many lanes as the mapping wants; how many there are then. 0: the mapping is gone."""
        lanes = progress_store.load_lanes(tx, mapping.uuid, self._shard.shard_id)
        wanted = mapping.options.parallelization
        if lanes and len(lanes) != wanted:
            divided = parallel.divided(lanes, wanted)
            progress_store.replace_lanes(tx, mapping.uuid, self._shard.shard_id, divided)
            return wanted
        return len(lanes)

    def _lane(self, mapping: EventSourceMapping, number: int, count: int, tasks: asyncio.TaskGroup) -> Lane:
        options = mapping.options
        reader = LaneReader(
            database=self._parts.database,
            source=self._source,
            shard=self._shard,
            slots=parallel.slots_of(number, count),
            is_wanted=self._source.compile_filters(options.filters),
            tumbling_ms=options.tumbling_window_seconds * 1000,
        )
        return Lane(self._parts, self._standing, mapping, reader, number=number, tasks=tasks)

    def _stop_lanes(self) -> None:
        for lane in self._lanes:
            lane.stop()
