"""Parcels: messages to targets, sent at once where that can be done, else kept and tried again until they are given up.

Whoever sends on (topics, rules, schedules) calls `send` in the transaction that decides it: a target of ours takes the
message there and then. One that refuses, or one that has to be reached by a call (a URL), leaves a parcel in the same
transaction; from there it is attempted until it is taken, or its owner says that it has been enough: then it ends as a
dead letter in a queue, or as a line in what happened lately. A parcel goes only in the transaction that carries its
end, so after a crash it is attempted again: at least once.

The commit that keeps a parcel wakes us; the clock is asked only when something falls due later.
"""

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum

from lambent.delivery import parcel_meters, parcel_store, together
from lambent.delivery.alarms import Alarm
from lambent.delivery.parcel_meters import Arrival
from lambent.delivery.parcel_store import Parcel, Unreadable
from lambent.delivery.targets import Message, Moment, Refused, Targets
from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.kit.meter import Meter
from lambent.services.happenings import HappeningKind, Happenings
from lambent.storage.connection import DISK_ERRORS
from lambent.storage.database import Database
from lambent.storage.errors import StorageError
from lambent.storage.transaction import Transaction

#: Due parcels looked at in one go.
PAGE = 256

#: Parcels being carried at once: in all, and to one host.
MAX_CARRIED = 64
MAX_CARRIED_PER_LANE = 16

#: Pause after trouble with the disk.
FAULT_SECONDS = 1.0

#: So long a parcel waits that we cannot read or bring to an end, by a bug of this version: for its mending.
ASIDE_SECONDS = 600.0

log = logging.getLogger(__name__)


class Fate(Enum):
    #: The target has it.
    TAKEN = "taken"
    #: There will be another attempt.
    KEPT = "kept"
    #: Given up: it is in the owner's dead-letter queue.
    DEAD_LETTER = "dead letter"
    #: Given up for good.
    LOST = "lost"


#: What follows a refusal, for people.
_PROSPECTS = {
    Fate.KEPT: "; another attempt follows",
    Fate.DEAD_LETTER: "; it is now in the dead-letter queue",
    Fate.LOST: "; given up, and nobody has it",
}


@frozen
class End:
    """What an attempt came to."""

    fate: Fate
    refusal: Refused | None = None
    """Why it was not taken."""


Carry = Callable[[Parcel], Awaitable[None]]
"""Bring it to a target that is no target of ours. Raises Refused; has a time limit of its own."""


Ended = Callable[[Parcel, End], None]
"""Told of every attempt once its end is on disk: to count it."""


@frozen
class Owner:
    """One kind of sender, and what it does with what is refused."""

    name: str
    pause: Callable[[Parcel, int], float | None]
    """(as it was before the attempt that failed, now in ms) -> seconds until the next one; None: enough."""
    dead_letter: Callable[[Parcel, Refused], Message | None]
    """(with all attempts counted, the last refusal) -> what goes into the dead-letter queue, if there is one."""
    carry: Carry | None = None
    is_hopeless: Callable[[Refused], bool] = lambda _: False
    """Refusals that the owner's AWS service does not try again, though somebody might mend their cause."""
    render: Callable[[Parcel], Message] | None = None
    """The message as its next attempt sends it, if attempts differ."""
    ended: Ended = lambda parcel, end: None  # noqa: ARG005


class Parcels:
    def __init__(
        self, *, database: Database, targets: Targets, happenings: Happenings, meter: Meter, clock: Clock, ids: Ids
    ) -> None:
        self._database = database
        self._meter = meter
        self._targets = targets
        self._happenings = happenings
        self._clock = clock
        self._ids = ids
        self._owners: dict[str, Owner] = {}
        self._bell = database.subscribe(parcel_store.TOPIC)
        self._carried: dict[int, str] = {}
        """Parcel id -> lane of those that are on their way."""
        self._latest_lane = ""
        """Of which one was begun with last."""
        self._quiet = asyncio.Event()
        self._is_draining = False

    def register(self, owner: Owner) -> None:
        """Before `run`. Parcels of owners that are not there wait."""
        self._owners[owner.name] = owner

    def send(self, tx: Transaction, parcel: Parcel) -> End:
        """A first attempt, in the transaction of whoever decided on it; what is left of it is kept there as well."""
        if self._is_carried(parcel):
            lane = parcel_store.lane_of(parcel.message.target_arn)
            parcel_store.insert_parcel(tx, parcel, self._clock.now_ms(), lane=lane)
            return End(Fate.KEPT)
        return self._attempt(tx, parcel)

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            alarm = Alarm(self._bell, self._clock, tasks)
            while True:
                if not self._is_draining:
                    await self._take_up(tasks, alarm)
                await self._bell.wait()

    async def drain(self) -> None:
        """Start nothing more; return when nothing is on its way."""
        self._is_draining = True
        while self._carried:
            self._quiet.clear()
            await self._quiet.wait()

    async def _take_up(self, tasks: asyncio.TaskGroup, alarm: Alarm) -> None:
        """Attempt what is due, and see to it that we are woken for what was not due when it was looked for."""
        try:
            now_ms = self._clock.now_ms()
            while await self._attempt_due(tasks, now_ms):
                now_ms = self._clock.now_ms()
            alarm.set(self._database.read(lambda tx: parcel_store.next_due_ms(tx, now_ms)))
        except StorageError:
            log.exception("parcels wait for the disk")
            alarm.ring_in(FAULT_SECONDS)

    async def _attempt_due(self, tasks: asyncio.TaskGroup, now_ms: int) -> bool:
        """A page of what is due; False if that was all there is to do for now."""
        found = await self._database.scan(lambda tx: self._to_send(tx, now_ms))
        sent = await self._readable(found)
        if sent:
            async for parcel, end in together.done(self._database, sent, self._attempt, self._fail):
                self.report(parcel, end)
        return await self._carry_due(tasks, now_ms) or bool(found)

    def _to_send(self, tx: Transaction, now_ms: int) -> list[Parcel | Unreadable]:
        """Parcels of unknown owners wait."""
        due = parcel_store.due_parcels(tx, now_ms, owners=list(self._owners), limit=PAGE)
        return [parcel for one in due if (parcel := parcel_store.find_parcel(tx, one)) is not None]

    async def _readable(self, found: Sequence[Parcel | Unreadable]) -> list[Parcel]:
        """The others hold up nobody."""
        unreadable = [one for one in found if isinstance(one, Unreadable)]
        for one in unreadable:
            log.error("parcel %d is set aside, for it cannot be read", one.parcel_id, exc_info=one.error)
        if unreadable:
            await self._set_aside([one.parcel_id for one in unreadable])
        return [one for one in found if isinstance(one, Parcel)]

    async def _set_aside(self, parcel_ids: Sequence[int]) -> None:
        due_ms = self._clock.now_ms() + round(ASIDE_SECONDS * 1000)

        def commit(tx: Transaction) -> None:
            for parcel_id in parcel_ids:
                parcel_store.delay_parcel(tx, parcel_id, due_ms)
            tx.announce(parcel_store.TOPIC)

        await self._database.write(commit)

    async def _carry_due(self, tasks: asyncio.TaskGroup, now_ms: int) -> bool:
        """Begin with those that are due and have a place; False if there is none, or no place."""
        carried = dict(self._carried)
        if len(carried) >= MAX_CARRIED:
            return False
        found = await self._database.scan(lambda tx: self._to_carry(tx, carried, now_ms))
        readable = await self._readable([one for one, _ in found])
        if self._is_draining:
            return False
        lanes = {one.parcel_id: lane for one, lane in found}
        for parcel in readable:
            self._carried[parcel.parcel_id] = self._latest_lane = lanes[parcel.parcel_id]
            tasks.create_task(self._carry(parcel))
        return bool(found)

    def _to_carry(
        self, tx: Transaction, carried: Mapping[int, str], now_ms: int
    ) -> list[tuple[Parcel | Unreadable, str]]:
        """(parcel, its lane). Lanes take turns, so none waits for another's backlog; each has its places."""
        owners, running = list(self._owners), Counter(carried.values())
        chosen: list[tuple[int, str]] = []
        for lane in self._lanes_in_turn(tx):
            left = MAX_CARRIED - len(carried) - len(chosen)
            count = min(left, MAX_CARRIED_PER_LANE - running[lane])
            if count > 0:
                limit = count + running[lane]
                due = parcel_store.due_parcels(tx, now_ms, owners=owners, limit=limit, lane=lane)
                chosen += [(one, lane) for one in due if one not in carried][:count]
            if not left:
                break
        return [(parcel, lane) for one, lane in chosen if (parcel := parcel_store.find_parcel(tx, one)) is not None]

    def _lanes_in_turn(self, tx: Transaction) -> Iterator[str]:
        """From the one behind that which was served last."""
        latest = self._latest_lane
        yield from parcel_store.lanes_after(tx, latest)
        yield from itertools.takewhile(lambda lane: lane <= latest, parcel_store.lanes_after(tx, ""))

    async def _fail(self, parcel: Parcel, error: Exception) -> None:
        log.error("a parcel to %s failed", parcel.message.target_arn, exc_info=error)
        await self._end(parcel, Refused("InternalFailure", repr(error)))

    def _is_carried(self, parcel: Parcel) -> bool:
        owner = self._owners[parcel.owner]
        return owner.carry is not None and not self._targets.serves(parcel.message.target_arn)

    def _attempt(self, tx: Transaction, parcel: Parcel) -> End:
        """To a target of ours."""
        try:
            self._send(tx, self._rendered(parcel))
        except Refused as refusal:
            return self._refused(tx, parcel, refusal)
        if parcel.parcel_id:
            parcel_store.delete_parcel(tx, parcel.parcel_id)
        return End(Fate.TAKEN)

    def _send(self, tx: Transaction, message: Message) -> None:
        """Raises Refused. So does a bug, without a trace in the transaction: it holds up only what it concerns."""
        try:
            with tx.part():
                self._targets.send(tx, message, Moment(self._clock.now_ms(), self._ids))
        except (Refused, *DISK_ERRORS):
            raise
        except Exception as error:
            log.exception("a message to %s failed", message.target_arn)
            raise Refused("InternalFailure", repr(error)) from error

    def _rendered(self, parcel: Parcel) -> Message:
        render = self._owners[parcel.owner].render
        return parcel.message if render is None else render(parcel)

    async def _carry(self, parcel: Parcel) -> None:
        carry = self._owners[parcel.owner].carry
        assert carry is not None
        refusal: Refused | None = None
        try:
            try:
                await carry(parcel)
            except Refused as error:
                refusal = error
            except StorageError:
                raise
            except Exception as error:
                log.exception("parcel %d of %s to %s failed", parcel.parcel_id, parcel.owner, parcel.message.target_arn)
                refusal = Refused("InternalFailure", repr(error))
            await self._end(parcel, refusal)
        except StorageError:
            log.exception("parcel %d of %s waits for the disk", parcel.parcel_id, parcel.owner)
            await self._clock.sleep(FAULT_SECONDS)
        finally:
            del self._carried[parcel.parcel_id]
            self._bell.ring()
            self._quiet.set()

    async def _end(self, parcel: Parcel, refusal: Refused | None) -> None:
        """Settle the attempt; a bug in that holds up only what it concerns."""
        try:
            await self._settle(parcel, refusal)
        except StorageError:
            raise
        except Exception:
            log.exception("parcel %d of %s is set aside, for its attempt cannot end", parcel.parcel_id, parcel.owner)
            await self._set_aside([parcel.parcel_id])

    async def _settle(self, parcel: Parcel, refusal: Refused | None) -> None:
        def commit(tx: Transaction) -> End:
            if refusal is not None:
                return self._refused(tx, parcel, refusal)
            parcel_store.delete_parcel(tx, parcel.parcel_id)
            return End(Fate.TAKEN)

        self.report(parcel, await self._database.write(commit))

    def _refused(self, tx: Transaction, parcel: Parcel, refusal: Refused) -> End:
        """Another attempt, or the end."""
        owner = self._owners[parcel.owner]
        now_ms = self._clock.now_ms()
        tried = replace(parcel, attempts=parcel.attempts + 1)
        is_final = refusal.is_final or owner.is_hopeless(refusal)
        pause = None if is_final else owner.pause(parcel, now_ms)
        if pause is not None:
            due_ms = now_ms + round(pause * 1000)
            if parcel.parcel_id:
                parcel_store.postpone_parcel(tx, parcel.parcel_id, due_ms=due_ms, attempts=tried.attempts)
                tx.announce(parcel_store.TOPIC)
            else:
                parcel_store.insert_parcel(tx, tried, due_ms)
            return End(Fate.KEPT, refusal)
        if parcel.parcel_id:
            parcel_store.delete_parcel(tx, parcel.parcel_id)
        return self._give_up(tx, tried, refusal)

    def _give_up(self, tx: Transaction, parcel: Parcel, refusal: Refused) -> End:
        letter = self._owners[parcel.owner].dead_letter(parcel, refusal)
        if letter is None:
            return End(Fate.LOST, refusal)
        try:
            self._send(tx, letter)
        except Refused as of_the_queue:
            return End(
                Fate.LOST, Refused(refusal.code, f"{refusal}; the dead-letter queue does not take it: {of_the_queue}")
            )
        return End(Fate.DEAD_LETTER, refusal)

    def report(self, parcel: Parcel, end: End) -> None:
        """Count what it came to, and tell people who look what was not taken. Owners do so after a first attempt."""
        if end.fate is Fate.TAKEN:
            parcel_meters.count_arrival(self._meter, parcel_meters.arrival_of(parcel))
        elif end.fate is not Fate.KEPT:
            parcel_meters.count_failure(self._meter, parcel, is_buried=end.fate is Fate.DEAD_LETTER)
        self._owners[parcel.owner].ended(parcel, end)
        if end.refusal is None:
            return
        kept = end.fate is Fate.KEPT
        message = parcel.message
        self._happenings.record_sent(
            HappeningKind.REFUSED if kept else HappeningKind.DISCARDED,
            time_ms=self._clock.now_ms(),
            source=message.source,
            target_arn=message.target_arn,
            account_id=message.sender.account_id,
            detail=f"{end.refusal.code}: {end.refusal}" + _PROSPECTS[end.fate],
            trace=message.trace,
        )

    def report_all(self, ends: Sequence[tuple[Parcel, End]]) -> None:
        for parcel, end in ends:
            self.report(parcel, end)

    def count_arrivals(self, arrivals: Sequence[Arrival]) -> None:
        """For owners that report only refusals: what was taken at a first attempt."""
        for arrival in arrivals:
            parcel_meters.count_arrival(self._meter, arrival)
