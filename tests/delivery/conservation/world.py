"""The world around the platform: what may happen to it from one step to the next, and the balance that must hold.

`test_everything` chooses the steps. A step that gets no answer, because the platform was ended or its disk is full,
leaves a record of which nobody knows whether it is there.
"""

import asyncio
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from delivery.conservation.books import Books
from delivery.conservation.edge import FOREVER, Edge, Failing, Fate
from delivery.conservation.feeds import FEEDS
from delivery.conservation.life import Ending, Life, SteppingClock
from delivery.conservation.lines import LINES, Line
from delivery.conservation.records import REPLAYS, first_of, order_of, source_of
from delivery.conservation.sources import KEYS, Deployed
from delivery.scene import limit_pages
from lambent.storage.errors import StorageFull
from lambent.wire.errors import ServiceError

#: Virtual time within which all comes to an end: an event is tried for six hours.
PATIENCE_SECONDS = 10 * 3600
STEP_SECONDS = 300
#: Longer than a shard of a table's stream is written to; all of them, and the patience, within the day it is kept.
LONG_WAIT_SECONDS = 4.1 * 3600
MAX_LONG_WAITS = 3

#: More than a run ever needs.
ANY_PAGES = 1 << 20

Found = TypeVar("Found")


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
    missing_streams: set[str] = field(default_factory=set)
    """Deleted, and not made again yet."""
    done: Counter[str] = field(default_factory=Counter)
    """Steps that were taken, for people."""
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(line, what became of a record) -> how often."""

    # Steps.

    async def put(self) -> None:
        """Some records for some sources; perhaps other steps go on meanwhile."""
        tasks = self.begin_to_put()
        if self.chance.random() < 0.5:
            await asyncio.gather(*tasks)

    def begin_to_put(self, *sources: str) -> list[asyncio.Task[None]]:
        """Into some, if it is not said into which."""
        tasks = []
        for source in sources or self.chance.sample(list(FEEDS), self.chance.choice((1, 2, 5))):
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
        self.begin_to_put()
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

    async def restart(self) -> None:
        """In the midst of it."""
        how = self.chance.choice((*Ending, Ending.CUT))
        self.begin_to_put()
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
        self.life = await Life.begin(path, self.clock, self.edge, self.life.endpoint)
        self.balance()

    # The end, and the books.

    async def all_is_put(self) -> None:
        await asyncio.gather(*self.feeding)

    async def finish(self) -> None:
        """All comes to an end."""
        end = self.clock.monotonic() + PATIENCE_SECONDS
        while left := self.remains():
            assert self.clock.monotonic() < end, f"it does not come to an end: {left}"
            await self.life.pass_time(STEP_SECONDS)

    def look(self, at: Callable[[Books], Found]) -> Found:
        return self.life.database.read(lambda tx: at(Books(tx, self.edge, self.life.endpoint, self.deployed)))

    def remains(self) -> list[str]:
        return self.look(lambda books: books.remains())

    def balance(self) -> None:
        """Of every line: records in = records that arrived + records given up + records still due."""
        self.look(self._balance)

    def _balance(self, books: Books) -> None:
        for line in LINES:
            settled, owed = {*books.arrived(line), *books.given_up(line)}, self._owed(books, line)
            missing = owed - settled - books.due(line)
            self.tally[line.name, "due in a new life"] += len(owed - settled)
            assert not missing, f"{line.name}: {len(missing)} records are nowhere: {sorted(missing)[:10]}"

    def _owed(self, books: Books, line: Line) -> set[str]:
        """What the line must have, by now or in the end."""
        taken = books.replayed()[0] if line.source == REPLAYS else set(self.accepted[line.source])
        return taken - self.deployed.destroyed[line.name]

    def note_destroyed(self, stream: str) -> None:
        """It was deleted: whatever had come to it."""
        for line in LINES:
            if line.stream == stream:
                self.deployed.destroyed[line.name] |= self.look(partial(self._passed, line))

    def _passed(self, line: Line, books: Books) -> set[str]:
        """What was put, and is not on its way to the line's stream any more."""
        put = self._owed(books, line) | {name for name in self.unsure if source_of(name) == line.source}
        return put - books.bound_for_stream(line)

    def close(self, *, is_calm: bool) -> None:
        """The equation, without anything due."""
        self.look(lambda books: self._close(books, is_calm=is_calm))

    def _close(self, books: Books, *, is_calm: bool) -> None:
        self.tally.update({("replays", state): count for state, count in books.tally_of_replays().items()})
        for line in LINES:
            arrived, given_up = books.arrived(line), books.given_up(line)
            accounted, owed = {*arrived, *given_up}, self._owed(books, line)
            assert not owed - accounted, f"{line.name} lost {sorted(owed - accounted)}"
            unknown = self._unknown(books, line, accounted - owed)
            assert not unknown, f"{line.name} has what nobody put: {sorted(unknown)}"
            assert set(given_up.values()) <= {1}, f"{line.name} gave up twice: {_repeated(given_up)}"
            if line.is_exact or is_calm:
                unheard = {name for where, name in self.life.endpoint.unheard if where == line.name}
                twice = set(_repeated(arrived + given_up)) - unheard
                assert not twice, f"{line.name}: {twice} came twice"
            self._count(line, arrived, given_up)
            if line.keeps_order and not self.deployed.destroyed[line.name]:
                self._check_order(books, line)

    def _count(self, line: Line, arrived: Counter[str], given_up: Counter[str]) -> None:
        tally = Counter({"arrived": len(arrived), "given up": len(given_up)})
        tally["twice"] = len(_repeated(arrived + given_up))
        tally["destroyed"] = len(self.deployed.destroyed[line.name])
        for name in {*arrived, *given_up}:
            if self.edge.failures[line.end_name, name]:
                tally[self.edge.fates[first_of(name)].failing.value] += 1
        self.tally.update({(line.name, what): count for what, count in tally.items()})

    def _unknown(self, books: Books, line: Line, found: set[str]) -> set[str]:
        """What came of itself. A replay may bring what its archive got later than it began."""
        if line.source == REPLAYS:
            return found & books.replayed()[1]
        return found - self.unsure - self.deployed.destroyed[line.name]

    def _check_order(self, books: Books, line: Line) -> None:
        """Of the records of a key, each counts when it was first handled."""
        in_order: defaultdict[str, list[str]] = defaultdict(list)
        for name in dict.fromkeys(books.handled(line)):
            if source_of(name) == line.source:
                in_order[order_of(name)].append(name)
        for key, names in in_order.items():
            assert names == sorted(names), f"{line.name}: {key} is out of order: {names}"


def _repeated(found: Counter[str]) -> list[str]:
    return [name for name, count in found.items() if count > 1]
