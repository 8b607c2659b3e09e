"""The world around the platform: what may happen to it from one step to the next, and the balance that must hold.

`test_everything` chooses the steps. A step that gets no answer, because the platform was ended or its disk is full,
leaves a record of which nobody knows whether it is there.
"""

import asyncio
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from delivery.conservation import sources
from delivery.conservation.books import Books
from delivery.conservation.edge import FOREVER, Edge, Failing, Fate, key_of
from delivery.conservation.life import End, Life, SteppingClock
from delivery.conservation.sources import FEEDS, FUNCTIONS, LINES, Deployed, Line
from delivery.scene import limit_pages
from lambent.storage.errors import StorageFull
from lambent.wire.errors import ServiceError

#: They fall into different lanes, whatever the parallelization.
KEYS = "abdfg"

#: Virtual time within which all comes to an end: an event is tried for six hours.
PATIENCE_SECONDS = 10 * 3600
STEP_SECONDS = 300
#: Longer than a shard of a table's stream is written to; all of them, and the patience, within the day it is kept.
LONG_WAIT_SECONDS = 4.1 * 3600
MAX_LONG_WAITS = 3

#: More than a run ever needs.
ANY_PAGES = 1 << 20

#: Functions and queues that may be closed to those who send to them: these hold on to it, or have a dead-letter queue.
PERMITTED = ("notices", "events", "logged")
CLOSABLE = ("notices-inbox", "events-inbox")


@dataclass
class World:
    """What outlives the platform."""

    life: Life
    edge: Edge
    clock: SteppingClock
    chance: random.Random
    deployed: Deployed
    accepted: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Source -> what it took."""
    unsure: set[str] = field(default_factory=set)
    """Put, and no answer: it may be there or not."""
    feeding: set[asyncio.Task[None]] = field(default_factory=set)
    turns: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    """Of a source: what is put into it is put in order."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    done: Counter[str] = field(default_factory=Counter)
    """Steps that were taken, for people."""

    # Steps.

    async def put(self) -> None:
        """Some records for some sources; perhaps other steps go on meanwhile."""
        tasks = self._begin_to_put()
        if self.chance.random() < 0.5:
            await asyncio.gather(*tasks)

    def _begin_to_put(self) -> list[asyncio.Task[None]]:
        tasks = []
        for source in self.chance.sample(list(FEEDS), self.chance.choice((1, 2, 5))):
            names = [self._new_name(source) for _ in range(self.chance.choice((1, 1, 3, 8)))]
            tasks.append(asyncio.create_task(self._put(source, names)))
        self.feeding.update(tasks)
        return tasks

    def _new_name(self, source: str) -> str:
        name = f"{next(self.numbers):06}.{self.chance.choice(KEYS)}.{source}"
        times = self.chance.choice((0, 0, 0, 0, 0, 0, 1, 1, 2, 3, FOREVER))
        failing = self.chance.choice([one for one in Failing if one is not Failing.FAULT or times < FOREVER])
        self.edge.fates[name] = Fate(failing, times)
        return name

    async def _put(self, source: str, names: list[str]) -> None:
        async with self.turns[source]:
            for name in names:
                self.unsure.add(name)
                try:
                    await FEEDS[source](self.life, self.deployed, self.chance, name)
                except ServiceError as error:
                    if "Throughput" not in error.code:
                        raise
                except StorageFull:
                    pass
                else:
                    self.accepted[source].append(name)
                    self.unsure.discard(name)

    async def wait(self) -> None:
        await self.life.pass_time(self.chance.choice((0.0, 0.2, 1.0, 5.0, 5.0, 30.0, 120.0, 400.0)))

    async def wait_long(self) -> None:
        """So long that a table's stream goes on in new shards, and events grow too old. Not often: streams forget."""
        if self.done["wait_long"] <= MAX_LONG_WAITS:
            await self.life.pass_time(LONG_WAIT_SECONDS)

    async def hesitate(self) -> None:
        """Whatever comes next comes in the middle of something."""
        await asyncio.sleep(self.chance.choice((0.0, 0.0005, 0.002)))
        for _ in range(self.chance.randint(0, 30)):
            await asyncio.sleep(0)

    async def hurry(self) -> None:
        """Time passes faster than the disk works."""
        end = self.clock.monotonic() + self.chance.choice((1.0, 5.0, 30.0))
        while self.clock.wake_next(end):
            for _ in range(self.chance.randint(0, 8)):
                await asyncio.sleep(0)

    async def fill_disk(self) -> None:
        """For a while it takes a few pages more, or none; who puts is refused, who delivers waits."""
        await self._is_limited(self.chance.choice((0, 3, 30)))
        self._begin_to_put()
        await self.life.pass_time(self.chance.choice((1.0, 10.0, 100.0)))
        if self.chance.random() < 0.3:
            await self.restart()
        while not await self._is_limited(ANY_PAGES):
            pass

    async def _is_limited(self, spare: int) -> bool:
        """In one transaction with others that find it full, this fails with them (and a limit is set all the same)."""
        try:
            await limit_pages(self.life.database, spare=spare)
        except StorageFull:
            return False
        return True

    async def throttle(self) -> None:
        name = self.chance.choice(FUNCTIONS)
        reserved = self.chance.choice((0, 0, 1, 2, None))
        if reserved is None:
            await self.life.call("lambda", "deleteFunctionConcurrency", FunctionName=name)
        else:
            await self.life.call(
                "lambda", "putFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=reserved
            )

    async def change_mapping(self) -> None:
        line = self.chance.choice(list(self.deployed.mappings))
        options = sources.mapping_options(line, self.chance) | {"Enabled": self.chance.random() < 0.8}
        await self._update_mapping(line, options)

    async def _update_mapping(self, line: str, options: dict[str, object]) -> None:
        uuid = self.deployed.mappings[line]
        try:
            await self.life.call("lambda", "updateEventSourceMapping", UUID=uuid, **options)
        except ServiceError as error:
            if error.code != "ResourceInUseException":  # still busy with the change before
                raise

    async def forbid(self) -> None:
        """A permission goes: what it was for waits or is given up."""
        if self.chance.random() < 0.5:
            name = self.chance.choice(PERMITTED)
            await self._quietly("lambda", "removePermission", FunctionName=name, StatementId="source")
        else:
            url = sources.queue_url(self.chance.choice(CLOSABLE))
            await self.life.call("sqs", "setQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})

    async def permit(self) -> None:
        for name in PERMITTED:
            await self._quietly("lambda", "removePermission", FunctionName=name, StatementId="source")
            await sources.permit(self.life, name)
        for queue in CLOSABLE:
            url = sources.queue_url(queue)
            await self.life.call("sqs", "setQueueAttributes", QueueUrl=url, Attributes={"Policy": sources.OPEN})

    async def _quietly(self, service: str, action: str, **request: object) -> None:
        try:
            await self.life.call(service, action, **request)
        except ServiceError as error:
            if error.status != 404:
                raise

    async def reshard(self) -> None:
        listed = await self.life.call("kinesis", "listShards", StreamName=sources.STREAM)
        shards = [one for one in listed["Shards"] if "EndingSequenceNumber" not in one["SequenceNumberRange"]]
        ranges = {one["ShardId"]: [int(end) for end in one["HashKeyRange"].values()] for one in shards}
        by_start = sorted(ranges, key=lambda one: min(ranges[one]))
        name = self.chance.choice(by_start)
        if len(by_start) < 4 and (len(by_start) == 1 or self.chance.random() < 0.5):
            middle = sum(ranges[name]) // 2
            request = {"ShardToSplit": name, "NewStartingHashKey": str(middle)}
            await self.life.call("kinesis", "splitShard", StreamName=sources.STREAM, **request)
        else:
            at = self.chance.randrange(len(by_start) - 1)
            request = {"ShardToMerge": by_start[at], "AdjacentShardToMerge": by_start[at + 1]}
            await self.life.call("kinesis", "mergeShards", StreamName=sources.STREAM, **request)

    async def restart(self) -> None:
        """In the midst of it."""
        how = self.chance.choice((*End, End.CUT))
        self._begin_to_put()
        if self.chance.random() < 0.5:
            await self.hurry()
        await self.hesitate()
        self.done[how.value] += 1
        for task in self.feeding:
            task.cancel()
        path = await self.life.end(how)
        for end in await asyncio.gather(*self.feeding, return_exceptions=True):
            if isinstance(end, Exception):
                raise end
        self.feeding.clear()
        self.life = await Life.begin(path, self.clock, self.edge)
        self.balance()

    # The end, and the books.

    async def finish(self) -> None:
        """Nothing is in the way any more: all comes to an end."""
        await asyncio.gather(*self.feeding)
        for name in FUNCTIONS:
            await self.life.call("lambda", "deleteFunctionConcurrency", FunctionName=name)
        await self.permit()
        await self.life.settle()
        for line in self.deployed.mappings:
            await self._update_mapping(line, {"Enabled": True})
        end = self.clock.monotonic() + PATIENCE_SECONDS
        while left := self.remains():
            assert self.clock.monotonic() < end, f"it does not come to an end: {left}"
            await self.life.pass_time(STEP_SECONDS)

    def remains(self) -> list[str]:
        return self.life.database.read(lambda tx: Books(tx, self.edge, self.deployed).remains())

    def balance(self) -> None:
        """Of every line: records in = records that arrived + records given up + records still due."""
        self.life.database.read(lambda tx: self._balance(Books(tx, self.edge, self.deployed)))

    def _balance(self, books: Books) -> None:
        for line in LINES:
            accounted = {*books.arrived(line), *books.given_up(line), *books.due(line)}
            missing = set(self.accepted[line.source]) - accounted
            assert not missing, f"{line.name}: {len(missing)} records are nowhere: {sorted(missing)[:10]}"

    def close(self, *, is_calm: bool) -> None:
        """The equation, without anything due."""
        self.life.database.read(lambda tx: self._close(Books(tx, self.edge, self.deployed), is_calm=is_calm))

    def _close(self, books: Books, *, is_calm: bool) -> None:
        for line in LINES:
            arrived, given_up = books.arrived(line), books.given_up(line)
            accounted, accepted = {*arrived, *given_up}, set(self.accepted[line.source])
            assert not accepted - accounted, f"{line.name} lost {sorted(accepted - accounted)}"
            unknown = accounted - accepted - self.unsure
            assert not unknown, f"{line.name} has what nobody put: {sorted(unknown)}"
            assert set(given_up.values()) <= {1}, f"{line.name} gave up twice: {_repeated(given_up)}"
            if line.is_exact or is_calm:
                twice = _repeated(arrived + given_up)
                assert not twice, f"{line.name}: {twice} came twice"
            if line.keeps_order:
                self._check_order(line)

    def _check_order(self, line: Line) -> None:
        """Of the records of a key, each counts when it was first handled."""
        for key in KEYS:
            names = [name for name in dict.fromkeys(self.edge.handled[line.name]) if key_of(name) == key]
            assert names == sorted(names), f"{line.name}: {key} is out of order: {names}"


def _repeated(found: Counter[str]) -> list[str]:
    return [name for name, count in found.items() if count > 1]
