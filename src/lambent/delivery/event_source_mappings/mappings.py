"""Which mappings read: one task for each that exists, one poller for each of its shards that may be read.

A shard may be read when its parents are finished. The commit that changes a mapping wakes us, the commit that opens or
closes a shard wakes the mapping; nothing here looks at a clock.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from lambent.delivery.event_source_mappings import event_counts, progress_store, queue_source
from lambent.delivery.event_source_mappings.lane import FAULT_SECONDS
from lambent.delivery.event_source_mappings.parts import MappingParts, MappingStanding
from lambent.delivery.event_source_mappings.poller import ShardPoller
from lambent.delivery.event_source_mappings.progress import Progress
from lambent.delivery.event_source_mappings.queue_life import QueueLife
from lambent.delivery.event_source_mappings.sources import FindSource, LogSource, Shard
from lambent.kit.frozen import frozen
from lambent.kit.meter import Sample
from lambent.services.lambda_ import event_source_queues, event_source_store
from lambent.services.lambda_.errors import InvalidParameterValue
from lambent.services.lambda_.event_source_mappings import RUNNING, SETTLED, TOPIC, EventSourceMapping, State
from lambent.storage.signal import Signal
from lambent.storage.transaction import Transaction

STREAM_GONE = "PROBLEM: Stream not found"

log = logging.getLogger(__name__)


def begin(tx: Transaction, mapping: EventSourceMapping, find_source: FindSource) -> None:
    """Take a new mapping's place in its source. Raises InvalidParameterValue if there is none."""
    if event_source_queues.is_queue(mapping.source_arn):
        queue_source.begin(tx, mapping, mapping.modified_ms / 1000)
        return
    source = find_source(tx, mapping)
    if source is None or not source.is_there:
        raise InvalidParameterValue(f"Stream not found: {mapping.source_arn}")
    options = mapping.options
    for shard in source.list_shards(tx):
        position = source.start(tx, shard, options.starting_position, options.starting_timestamp_ms)
        lanes = [Progress(position)] * options.parallelization
        progress_store.insert_shard(tx, mapping.uuid, shard.shard_id, lanes, is_finished=False)


class Mappings:
    def __init__(self, parts: MappingParts) -> None:
        self._parts = parts
        self._lives: dict[str, _Life | QueueLife] = {}
        self._is_draining = False
        self._quiet = asyncio.Event()
        parts.meter.gauge(self._read_gauges)

    async def run(self) -> None:
        """Runs until cancelled."""
        changed = self._parts.database.subscribe(TOPIC)
        async with asyncio.TaskGroup() as tasks:
            while True:
                if not self._is_draining:
                    self._take_up(tasks)
                await changed.wait()

    async def drain(self) -> None:
        """Invoke nothing more; return when what runs has ended and its results are on disk."""
        self._is_draining = True
        for life in self._lives.values():
            life.drain()
        while self._lives:
            self._quiet.clear()
            await self._quiet.wait()

    def standings(self, account_id: str) -> list[dict[str, Any]]:
        """How far every mapping of an account has got, for people who look."""
        lives = sorted(self._lives.items())
        return [life.standing.document() for _, life in lives if life.account_id == account_id]

    async def _read_gauges(self) -> Iterable[Sample]:
        return [sample for life in list(self._lives.values()) for sample in life.gauge()]

    def _take_up(self, tasks: asyncio.TaskGroup) -> None:
        for mapping in self._parts.database.read(event_source_store.all_mappings):
            life = self._lives.get(mapping.uuid)
            if life is None:
                of_queue = event_source_queues.is_queue(mapping.source_arn)
                life = self._lives[mapping.uuid] = (QueueLife if of_queue else _Life)(self._parts, mapping)
                tasks.create_task(self._live(life))
            else:
                life.change(mapping)

    async def _live(self, life: "_Life | QueueLife") -> None:
        try:
            await life.run()
        finally:
            del self._lives[life.standing.uuid]
            self._quiet.set()


@frozen
class _View:
    """Shards as the source has them and as the mapping knows them."""

    shards: Sequence[Shard]
    known: dict[str, bool]
    """Shard id -> finished."""

    def may_be_read(self, shard: Shard) -> bool:
        """Not finished, and its parents are (or long gone)."""
        return not self.known.get(shard.shard_id, False) and all(self.known.get(one, True) for one in shard.parent_ids)


class _Life:
    """One mapping from the day we hear of it to its deletion."""

    def __init__(self, parts: MappingParts, mapping: EventSourceMapping) -> None:
        self._parts = parts
        self._mapping = mapping
        self.account_id = mapping.account_id
        self.standing = MappingStanding(mapping.uuid, mapping.last_result)
        self._bell = Signal()
        self._pollers: dict[str, ShardPoller] = {}
        self._is_draining = False

    def gauge(self) -> Iterable[Sample]:
        """Asked once a minute: what its metrics say while nothing happens."""
        if self._pollers:
            event_counts.note_idle(self._parts.meter, self._mapping)
        return ()

    def change(self, mapping: EventSourceMapping) -> None:
        if mapping.generation != self._mapping.generation:
            self._mapping = mapping
            self._bell.ring()

    def drain(self) -> None:
        self._is_draining = True
        self._bell.ring()

    async def run(self) -> None:
        """Until the mapping is deleted, or drained."""
        while not self._is_draining:
            try:
                if self._mapping.state is State.DELETING:
                    await self._parts.database.write(self._delete)
                    return
                await self._live()
            except Exception:
                log.exception("mapping %s failed; it tries again", self.standing.uuid)
                await self._parts.clock.sleep(FAULT_SECONDS)

    async def _live(self) -> None:
        if not self._reads:
            await self._settle(self._mapping)
            await self._bell.wait()
            return
        source = self._find_source()
        if source is None:
            await self._note_gone()
            await self._settle(self._mapping)
            await self._bell.wait()
            return
        self._bell = self._parts.database.subscribe(source.topic)
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._read(source, tasks)
        finally:
            self._parts.database.unsubscribe(source.topic, self._bell)
            self._pollers.clear()

    def _find_source(self) -> LogSource | None:
        return self._parts.database.read(lambda tx: self._parts.find_source(tx, self._mapping))

    async def _note_gone(self) -> None:
        if self.standing.last_result != STREAM_GONE:
            uuid = self.standing.uuid
            await self._parts.database.write(lambda tx: event_source_store.set_last_result(tx, uuid, STREAM_GONE))
            self.standing.last_result = STREAM_GONE

    @property
    def _reads(self) -> bool:
        return self._mapping.state in RUNNING and not self._is_draining

    async def _read(self, source: LogSource, tasks: asyncio.TaskGroup) -> None:
        """Returns when the mapping shall not read any more; its pollers may still be ending.

        A stream that is deleted has no shards any more; another one of its name may come.
        """
        while self._reads:
            mapping = self._mapping
            found = self._find_source()
            if found is not None and found.is_there:
                source = found
            view = await self._look(source, mapping)
            self._update_pollers(view, mapping, source)
            for shard in view.shards:
                if shard.shard_id not in self._pollers and view.may_be_read(shard):
                    self._start(source, shard, tasks)
            if source is not found:
                await self._note_gone()  # what is told to be gone is read no more
            await self._settle(mapping)
            await self._bell.wait()
        for poller in self._pollers.values():
            poller.stop()

    async def _look(self, source: LogSource, mapping: EventSourceMapping) -> _View:
        """Shards that were opened since the mapping took its place are read from their beginning.

        Those that are gone are forgotten, unless a poller is still at what it has read of them: whether or not their
        records were delivered in time, there is nothing left to wait for.
        """
        view = self._parts.database.read(
            lambda tx: _View(source.list_shards(tx), progress_store.known_shards(tx, mapping.uuid))
        )
        listed = {shard.shard_id for shard in view.shards}
        new = [shard_id for shard_id in sorted(listed) if shard_id not in view.known]
        gone = [
            shard_id
            for shard_id, finished in view.known.items()
            if shard_id not in listed and (finished or shard_id not in self._pollers)
        ]
        if not new and not gone:
            return view
        lanes = [Progress(0)] * mapping.options.parallelization

        def note(tx: Transaction) -> None:
            for shard_id in new:
                progress_store.insert_shard(tx, mapping.uuid, shard_id, lanes, is_finished=False)
            for shard_id in gone:
                progress_store.forget_shard(tx, mapping.uuid, shard_id)

        await self._parts.database.write(note)
        known = {shard_id: finished for shard_id, finished in view.known.items() if shard_id not in gone}
        return _View(view.shards, {**known, **dict.fromkeys(new, False)})

    def _update_pollers(self, view: _View, mapping: EventSourceMapping, source: LogSource) -> None:
        open_shards = {shard.shard_id for shard in view.shards if not shard.is_closed}
        for shard_id, poller in self._pollers.items():
            poller.update(mapping, source, is_closed=shard_id not in open_shards)

    def _start(self, source: LogSource, shard: Shard, tasks: asyncio.TaskGroup) -> None:
        poller = ShardPoller(
            self._parts, self.standing, self._mapping, source, shard, ended=lambda: self._end(shard.shard_id)
        )
        self._pollers[shard.shard_id] = poller
        tasks.create_task(poller.run())

    def _end(self, shard_id: str) -> None:
        self._pollers.pop(shard_id, None)
        for place in [place for place in self.standing.lanes if place[0] == shard_id]:
            del self.standing.lanes[place]
        self._bell.ring()

    async def _settle(self, mapping: EventSourceMapping) -> None:
        """Its state becomes what it was about to be."""
        state = SETTLED.get(mapping.state)
        if state is None or self._is_draining:
            return
        now_ms = self._parts.clock.now_ms()
        await self._parts.database.write(lambda tx: event_source_store.settle_mapping(tx, mapping, state, now_ms))
        if self._mapping is mapping:
            self._mapping = dataclasses.replace(mapping, state=state)

    def _delete(self, tx: Transaction) -> None:
        progress_store.forget_mapping(tx, self.standing.uuid)
        event_source_store.delete_mapping(tx, self.standing.uuid)
