"""Parcels on a real database and virtual time: sent at once, tried again, carried, given up; restarted anywhere.

The targets of these tests append to a log, in the transaction they are given: what is in there was sent.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from delivery.scene import until
from lambent.delivery import parcel_store, parcels
from lambent.delivery.parcel_store import Parcel
from lambent.delivery.parcels import End, Fate, Owner, Parcels
from lambent.delivery.targets import Attribute, Message, Moment, Refused, Sender, Targets
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.kit.meter import Meter
from lambent.services.happenings import Happenings
from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

ACCOUNT = "000000000000"
OPEN, CLOSED, DEAD = (f"arn:aws:test:us-east-1:{ACCOUNT}:{name}" for name in ("open", "closed", "dead"))
SENDER = Sender("sns.amazonaws.com", f"arn:aws:sns:us-east-1:{ACCOUNT}:topic", ACCOUNT)


def message(target: str, body: bytes = b"hello") -> Message:
    attributes = {"colour": Attribute("String", "blue")}
    return Message(target, body, SENDER, "sns:topic", trace="Root=1", attributes=attributes, group_id="g")


@dataclass
class Stage:
    database: Database
    clock: VirtualClock
    parcels: Parcels
    happenings: Happenings
    closed: set[str] = field(default_factory=lambda: {CLOSED})
    final: bool = False

    def take(self, tx: Transaction, sent: Message, moment: Moment) -> None:
        if sent.target_arn in self.closed:
            raise Refused("NonExistent", "it is closed", is_final=self.final)
        log.append(tx, sent.target_arn, sent.body, moment.now_ms)

    def bodies(self, target: str) -> list[bytes]:
        return [one.payload for one in self.database.read(lambda tx: log.read_after(tx, target, 0, 1000))]

    async def send(self, target: str, body: bytes = b"hello", **terms: Any) -> End:
        parcel = Parcel("test", message(target, body), self.clock.now_ms(), {"pauses": [1, 10], **terms})
        return await self.database.write(lambda tx: self.parcels.send(tx, parcel))

    def waiting(self) -> int:
        return self.database.read(parcel_store.count_parcels)

    def made(self) -> list[int]:
        """Attempts at each parcel that waits, as they are written down."""
        return [row[0] for row in self.database.read(lambda tx: tx.rows("SELECT attempts FROM parcel"))]

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await asyncio.sleep(0.02)  # commits happen in a thread of their own
        await self.clock.advance(0)


def pause(parcel: Parcel, now_ms: int) -> float | None:
    pauses = parcel.terms["pauses"]
    return float(pauses[parcel.attempts]) if parcel.attempts < len(pauses) else None


def dead_letter(parcel: Parcel, refusal: Refused) -> Message | None:
    queue = parcel.terms.get("dead_letters")
    return (
        replace(parcel.message, target_arn=queue, body=f"{refusal.code}/{parcel.attempts}".encode()) if queue else None
    )


@contextlib.asynccontextmanager
async def stage(
    directory: Path, *, clock: VirtualClock | None = None, carry: Callable[[Parcel], Awaitable[None]] | None = None
) -> AsyncIterator[Stage]:
    """At the end everything is cancelled where it stands."""
    clock = clock or VirtualClock()
    database = Database.open(directory / "lambent.db")
    happenings = Happenings()
    made: list[Stage] = []

    def take(tx: Transaction, sent: Message, moment: Moment) -> None:
        made[0].take(tx, sent, moment)

    targets = Targets({"test": take})
    sender = Parcels(
        database=database, targets=targets, happenings=happenings, meter=Meter(), clock=clock, ids=RandomIds()
    )
    sender.register(Owner("test", pause, dead_letter, carry))
    made.append(Stage(database, clock, sender, happenings))
    running = asyncio.create_task(sender.run())
    try:
        yield made[0]
        assert not running.done(), "it ended by itself"
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await database.close()


def in_stage(body: Callable[[Stage], Awaitable[None]], directory: Path, **options: Any) -> None:
    async def scenario() -> None:
        async with stage(directory, **options) as one:
            await body(one)

    asyncio.run(scenario())


def test_what_is_taken_leaves_nothing(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        assert (await stage.send(OPEN)).fate is Fate.TAKEN
        assert stage.bodies(OPEN) == [b"hello"]
        assert stage.waiting() == 0

    in_stage(body, tmp_path)


def test_refused_is_tried_again_when_it_is_due(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        assert (await stage.send(CLOSED)).fate is Fate.KEPT
        await stage.advance(0.9)
        stage.closed.clear()
        assert stage.bodies(CLOSED) == []
        await stage.advance(0.2)
        await until(lambda: stage.bodies(CLOSED) == [b"hello"])
        assert stage.waiting() == 0

    in_stage(body, tmp_path)


def test_given_up_becomes_a_dead_letter(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.send(CLOSED, dead_letters=DEAD)
        await stage.advance(1)
        assert stage.waiting() == 1
        await stage.advance(10)
        await until(lambda: stage.bodies(DEAD) == [b"NonExistent/3"])
        assert stage.waiting() == 0
        assert stage.bodies(CLOSED) == []

    in_stage(body, tmp_path)


@pytest.mark.parametrize(
    ("terms", "fate"),
    [
        ({"pauses": []}, Fate.LOST),
        ({"pauses": [], "dead_letters": DEAD}, Fate.DEAD_LETTER),
        ({"pauses": [], "dead_letters": CLOSED}, Fate.LOST),
    ],
)
def test_no_second_attempt(tmp_path: Path, terms: dict[str, Any], fate: Fate) -> None:
    async def body(stage: Stage) -> None:
        assert (await stage.send(CLOSED, **terms)).fate is fate
        assert stage.waiting() == 0

    in_stage(body, tmp_path)


def test_final_refusal_is_not_tried_again(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        stage.final = True
        assert (await stage.send(CLOSED, dead_letters=DEAD)).fate is Fate.DEAD_LETTER

    in_stage(body, tmp_path)


def test_restart_between_attempts(tmp_path: Path) -> None:
    """What waits survives with all it says; what fell due meanwhile goes at once."""
    clock = VirtualClock()

    async def before(stage: Stage) -> None:
        await stage.send(CLOSED, bytes(range(256)))
        await stage.send(CLOSED, b"second")

    async def after(stage: Stage) -> None:
        stage.closed.clear()
        await until(lambda: stage.bodies(CLOSED) == [bytes(range(256)), b"second"])

    in_stage(before, tmp_path, clock=clock)
    asyncio.run(clock.advance(3600))
    in_stage(after, tmp_path, clock=clock)


def test_kept_message_is_the_one_that_was_sent(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.send(CLOSED, b"\x00\xff")
        kept = stage.database.read(lambda tx: parcel_store.find_parcel(tx, 1))
        assert isinstance(kept, Parcel)
        assert kept.message == message(CLOSED, b"\x00\xff")
        assert (kept.owner, kept.attempts, kept.terms) == ("test", 1, {"pauses": [1, 10]})

    in_stage(body, tmp_path)


def test_carried_to_a_url_until_it_is_taken(tmp_path: Path) -> None:
    attempts: list[int] = []

    async def carry(parcel: Parcel) -> None:
        attempts.append(parcel.attempts)
        if len(attempts) < 3:
            raise Refused("Http", "500")

    async def body(stage: Stage) -> None:
        assert (await stage.send("http://example.test/hook")).fate is Fate.KEPT
        await until(lambda: stage.made() == [1])
        await stage.advance(1)
        await until(lambda: stage.made() == [2])
        await stage.advance(10)
        await until(lambda: attempts == [0, 1, 2] and stage.waiting() == 0)

    in_stage(body, tmp_path, carry=carry)


def test_slow_host_does_not_hold_up_another(tmp_path: Path) -> None:
    running: list[str] = []
    release = asyncio.Event()

    async def carry(parcel: Parcel) -> None:
        url = parcel.message.target_arn
        running.append(url)
        if "slow" in url:
            await release.wait()

    async def body(stage: Stage) -> None:
        for _ in range(parcels.MAX_CARRIED_PER_LANE * 2):
            await stage.send("http://slow.test/")
        await stage.send("http://quick.test/")
        await until(lambda: "http://quick.test/" in running)
        assert running.count("http://slow.test/") == parcels.MAX_CARRIED_PER_LANE
        release.set()
        await until(lambda: stage.waiting() == 0)
        assert running.count("http://slow.test/") == parcels.MAX_CARRIED_PER_LANE * 2

    in_stage(body, tmp_path, carry=carry)


def test_slow_hosts_hold_up_no_target_of_ours(tmp_path: Path) -> None:
    """However many places they take, and however much waits for them."""
    release = asyncio.Event()
    running: list[str] = []

    async def carry(parcel: Parcel) -> None:
        running.append(parcel.message.target_arn)
        await release.wait()

    async def body(stage: Stage) -> None:
        hosts = [f"http://slow{number}.test/" for number in range(parcels.MAX_CARRIED // 8)]

        def keep(tx: Transaction) -> None:
            for number in range(parcels.PAGE + 2 * parcels.MAX_CARRIED):
                stage.parcels.send(tx, Parcel("test", message(hosts[number % len(hosts)]), 0, {"pauses": []}))

        await stage.database.write(keep)
        await until(lambda: len(running) == parcels.MAX_CARRIED)
        assert (await stage.send(CLOSED)).fate is Fate.KEPT
        stage.closed.clear()
        await stage.advance(1)
        await until(lambda: stage.bodies(CLOSED) == [b"hello"])
        release.set()
        await until(lambda: stage.waiting() == 0)
        assert len(running) == parcels.PAGE + 2 * parcels.MAX_CARRIED

    in_stage(body, tmp_path, carry=carry)


def test_hosts_take_turns(tmp_path: Path) -> None:
    """Whoever has waited behind a full house is next, not the one with the largest backlog."""
    running: list[str] = []
    places = asyncio.Semaphore(0)

    async def carry(parcel: Parcel) -> None:
        running.append(parcel.message.target_arn)
        await places.acquire()

    async def body(stage: Stage) -> None:
        for number in range(parcels.MAX_CARRIED * 2):
            await stage.send(f"http://busy{number % 4}.test/")
        await until(lambda: len(running) == parcels.MAX_CARRIED)
        await stage.send("http://late.test/")
        for _ in range(4):
            places.release()
        await until(lambda: "http://late.test/" in running)
        for _ in range(parcels.MAX_CARRIED * 2):
            places.release()
        await until(lambda: stage.waiting() == 0)

    in_stage(body, tmp_path, carry=carry)


def test_a_host_is_the_same_whoever_logs_in() -> None:
    assert parcel_store.lane_of("https://a:b@Hooks.test:8443/x") == parcel_store.lane_of("https://hooks.test:8443/y")


@pytest.mark.parametrize("target", ["http://", "http://[bad", "http://\u2100.test/", "nonsense"])
def test_what_is_no_url_is_carried_all_the_same(target: str) -> None:
    """Whoever carries it says what is wrong with it."""
    assert parcel_store.lane_of(target) == target


def test_crash_while_carrying_means_another_attempt(tmp_path: Path) -> None:
    taken: list[bytes] = []

    async def never(parcel: Parcel) -> None:
        await asyncio.Event().wait()

    async def carry(parcel: Parcel) -> None:
        taken.append(parcel.message.body)

    async def before(stage: Stage) -> None:
        await stage.send("https://example.test/")

    async def after(stage: Stage) -> None:
        await until(lambda: taken == [b"hello"] and stage.waiting() == 0)

    in_stage(before, tmp_path, carry=never)
    in_stage(after, tmp_path, carry=carry)


@pytest.mark.parametrize("target", [OPEN, "https://example.test/"])
def test_what_cannot_be_read_holds_up_nobody_and_waits(tmp_path: Path, target: str) -> None:
    """Another version kept it, perhaps: this one does not end by it, and the next may know it."""
    clock = VirtualClock()
    carried: list[bytes] = []

    async def never(parcel: Parcel) -> None:
        await asyncio.Event().wait()

    async def carry(parcel: Parcel) -> None:
        carried.append(parcel.message.body)

    def rename(tx: Transaction, old: str, new: str) -> None:
        tx.execute("UPDATE parcel SET message = replace(message, ?, ?), due_ms = 0 WHERE parcel_id = 1", (old, new))

    async def main() -> None:
        async with stage(tmp_path, clock=clock, carry=never) as before:
            before.closed.add(OPEN)
            for body in (b"1", b"2", b"3"):
                await before.send(target, body)
            await before.database.write(lambda tx: rename(tx, "source", "whence"))
        async with stage(tmp_path, clock=clock, carry=carry) as after:
            await after.advance(1)
            await until(lambda: sorted(carried + after.bodies(OPEN)) == [b"2", b"3"] and after.waiting() == 1)
            await after.database.write(lambda tx: rename(tx, "whence", "source"))
            await after.advance(parcels.ASIDE_SECONDS)
            await until(lambda: sorted(carried + after.bodies(OPEN)) == [b"1", b"2", b"3"] and after.waiting() == 0)

    asyncio.run(main())


def test_what_has_no_end_holds_up_nobody_and_waits(tmp_path: Path) -> None:
    """Its owner fails on what is to become of it."""
    tried: list[bytes] = []

    async def carry(parcel: Parcel) -> None:
        tried.append(parcel.message.body)
        if parcel.message.body != b"good":
            raise Refused("Unreachable", "no answer")

    async def body(stage: Stage) -> None:
        await stage.send("https://example.test/", b"bad", pauses=["no number"])
        await stage.send("https://example.test/", b"good")
        await until(lambda: sorted(tried) == [b"bad", b"good"] and stage.waiting() == 1)
        now_ms = stage.clock.now_ms()
        await until(lambda: stage.database.read(lambda tx: parcel_store.next_due_ms(tx, now_ms)) is not None)
        await stage.advance(parcels.ASIDE_SECONDS)
        await until(lambda: tried.count(b"bad") == 2)

    in_stage(body, tmp_path, carry=carry)


def test_bug_in_a_target_holds_up_only_its_own(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        other = OPEN + "2"
        stage.closed |= {OPEN, other}
        await stage.send(OPEN, pauses=[1, 1, 1])
        await stage.send(other, pauses=[1, 1, 1])
        stage.closed.clear()
        stage.closed = _Broken()  # type: ignore[assignment]  # asking it about OPEN is the bug
        await stage.advance(1)
        await until(lambda: stage.bodies(other) == [b"hello"])
        stage.closed = set()
        await stage.advance(2)
        await until(lambda: stage.bodies(OPEN) == [b"hello"])

    in_stage(body, tmp_path)


def test_bug_at_the_first_attempt_is_a_refusal_that_leaves_no_trace(tmp_path: Path) -> None:
    """Whoever sent it goes on: a rule's transaction has other events in it."""

    async def body(stage: Stage) -> None:
        stage.closed = _Broken()  # type: ignore[assignment]  # asking it about OPEN is the bug
        end = await stage.send(OPEN)
        assert (end.fate, end.refusal and end.refusal.code) == (Fate.KEPT, "InternalFailure")
        stage.closed = set()
        await stage.advance(1)
        await until(lambda: stage.bodies(OPEN) == [b"hello"])

    in_stage(body, tmp_path)


class _Broken:
    def __contains__(self, target: str) -> bool:
        if target == OPEN:
            raise RuntimeError("a bug")
        return False
