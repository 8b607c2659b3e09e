"""Long polls side by side: who gets what, what it costs, and that nobody waits for what is there. On virtual time."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lambent.kit.clock import VirtualClock
from lambent.services.caller import Caller
from lambent.services.sqs import message_store, store
from lambent.services.sqs.access import Approach
from lambent.services.sqs.contents import Draft
from lambent.services.sqs.errors import QueueDoesNotExist
from lambent.services.sqs.queues import Queue, QueueKey
from lambent.services.sqs.receive_store import Wish
from lambent.services.sqs.receiving import Delivery, Receiver
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

KEY = QueueKey("000000000000", "us-east-1", "q")
OWNER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "request")
APPROACH = Approach(OWNER, KEY, "ReceiveMessage", 0.0)
VISIBILITY_SECONDS = 30


@dataclass
class Scene:
    database: Database
    clock: VirtualClock
    receiver: Receiver
    gone: set[int] = field(default_factory=set)
    """Numbers of receivers that have left."""

    def wait(self, number: int = 0, seconds: int = 20, limit: int = 1) -> "asyncio.Task[Delivery]":
        receiving = self.receiver.receive(APPROACH, Wish(limit), seconds, has_left=lambda: number in self.gone)
        return asyncio.create_task(receiving)

    async def wait_in_line(self, count: int, **how: int) -> "list[asyncio.Task[Delivery]]":
        waiting = []
        for number in range(count):
            waiting.append(self.wait(number, **how))
            await self.settle()
        return waiting

    async def send(self, *bodies: str, delay_seconds: int = 0) -> None:
        def work(tx: Transaction) -> None:
            for body in bodies:
                draft = Draft(body, "me", delay_seconds=delay_seconds)
                message_store.send(tx, _find(tx), draft, message_id=body, now_ms=self.clock.now_ms())

        await self.database.write(work)

    async def settle(self) -> None:
        """Let happen what can without time passing; twice through the writer, who is asked behind all others."""
        for _ in range(3):
            await self.database.write(lambda _: None)
            await asyncio.sleep(0.002)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Time does not pass, but what was committed reaches whom it concerns."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.001)

    @property
    def commits(self) -> int:
        return sum(self.database.commits.works.counts)

    def is_any_visible(self) -> bool:
        return self.database.read(lambda tx: message_store.is_any_visible(tx, _find(tx), self.clock.now_ms()))


def _find(tx: Transaction) -> Queue:
    queue = store.find_queue(tx, KEY)
    if queue is None:
        raise QueueDoesNotExist
    return queue


def bodies(waiting: "Sequence[asyncio.Task[Delivery]]") -> list[str]:
    """Of those who have been answered."""
    return [one.body for task in waiting if task.done() for one in task.result().messages]


def run(directory: Path, main: Callable[[Scene], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with scene(directory) as made:
            await main(made)

    asyncio.run(opened())


@asynccontextmanager
async def scene(directory: Path) -> AsyncIterator[Scene]:
    clock = VirtualClock()
    database = Database.open(directory / "lambent.db")
    attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS)}
    await database.write(lambda tx: store.insert_queue(tx, KEY, attributes, {}, 1))
    receiver = Receiver(database, clock)
    try:
        yield Scene(database, clock, receiver)
    finally:
        receiver.close()
        await asyncio.sleep(0.01)
        await database.close()


def test_a_message_costs_one_commit_however_many_wait(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        waiting = await scene.wait_in_line(50)
        before = scene.commits
        await scene.send("a")
        await scene.until(waiting[0].done)
        assert [task.done() for task in waiting] == [True, *[False] * 49], "the longest first"
        assert bodies(waiting) == ["a"]
        assert scene.commits == before + 1, "it was received in the transaction that sent it"

    run(tmp_path, main)


def test_what_is_sent_together_is_received_together(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        waiting = await scene.wait_in_line(4, limit=2)
        before = scene.commits
        await scene.send(*"abcde")
        await scene.until(waiting[2].done)
        assert [task.done() for task in waiting] == [True, True, True, False]
        assert sorted(bodies(waiting)) == list("abcde")
        assert scene.commits == before + 1

    run(tmp_path, main)


def test_what_comes_into_sight_by_time_goes_to_all_who_wait(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        waiting = await scene.wait_in_line(5)
        await scene.send(*"abc", delay_seconds=7)
        await scene.clock.advance(6.9)
        await scene.settle()
        assert not bodies(waiting)
        before = scene.commits
        await scene.clock.advance(0.2)
        await scene.until(lambda: sorted(bodies(waiting)) == ["a", "b", "c"])
        assert scene.commits == before + 1

    run(tmp_path, main)


def test_the_next_in_line_heeds_the_clock_when_the_first_has_given_up(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        first = scene.wait(seconds=2)
        await scene.settle()
        second = scene.wait(seconds=20)
        await scene.settle()
        await scene.send("late", delay_seconds=5)
        await scene.clock.advance(3)
        await scene.settle()
        assert first.done()
        assert not first.result().messages
        await scene.clock.advance(3)
        await scene.settle()
        assert bodies([second]) == ["late"]

    run(tmp_path, main)


def test_who_has_left_gets_nothing_and_holds_up_nobody(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        waiting = await scene.wait_in_line(3)
        scene.gone = {0, 1}
        await scene.send("a")
        await scene.settle()
        assert bodies(waiting[2:]) == ["a"]

    run(tmp_path, main)


def test_who_is_cancelled_takes_nothing_with_him(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        waiting = await scene.wait_in_line(2)
        waiting[0].cancel()
        await scene.settle()
        await scene.send("a")
        await scene.settle()
        assert bodies(waiting[1:]) == ["a"]
        again = scene.wait(seconds=0)
        await scene.settle()
        assert not again.result().messages

    run(tmp_path, main)


def test_all_hear_that_the_queue_is_gone(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        waiting = await scene.wait_in_line(3)
        await scene.database.write(lambda tx: store.delete_queue(tx, _find(tx)))
        for one in waiting:
            with pytest.raises(QueueDoesNotExist):
                await asyncio.wait_for(one, 5)

    run(tmp_path, main)


def test_all_are_answered_when_the_platform_ends(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        waiting = await scene.wait_in_line(3)
        scene.receiver.close()
        assert [one.messages for one in await asyncio.wait_for(asyncio.gather(*waiting), 5)] == [(), (), ()]
        assert not (await scene.receiver.receive(APPROACH, Wish(1), 20)).messages, "nobody begins to wait any more"

    run(tmp_path, main)


@pytest.mark.parametrize("seed", range(6))
def test_nobody_waits_for_what_is_there(tmp_path: Path, seed: int) -> None:
    """Receivers come, wait, leave and are cancelled; messages are sent at once, delayed, and come again."""
    chance = random.Random(seed)

    async def main(scene: Scene) -> None:
        waiting: list[asyncio.Task[Delivery]] = []
        sent = 0
        for step in range(60):
            match chance.choice(["wait", "wait", "wait", "send", "send", "delayed", "time", "leave", "cancel"]):
                case "wait":
                    waiting.append(scene.wait(step, chance.choice([1, 5, 20]), chance.choice([1, 1, 3, 10])))
                case "send" | "delayed" as how:
                    count = chance.choice([1, 1, 2, 7])
                    delay = chance.choice([1, 3]) if how == "delayed" else 0
                    await scene.send(*(f"m{sent + number}" for number in range(count)), delay_seconds=delay)
                    sent += count
                case "time":
                    await scene.clock.advance(chance.choice([0.5, 1, 4, VISIBILITY_SECONDS + 1]))
                case "leave":
                    scene.gone.add(chance.randrange(step + 1))
                case "cancel" if waiting:
                    chance.choice(waiting).cancel()
            if chance.random() < 0.7:
                await scene.settle()
                await scene.settle()
                patient = [task for task in waiting if not task.done()]
                assert not (patient and scene.is_any_visible()), f"somebody waits though there is something ({step})"
            waiting = [task for task in waiting if not task.done() or task.cancelled() or task.exception() is None]
        scene.receiver.close()
        await asyncio.gather(*waiting, return_exceptions=True)
        got = [one for task in waiting if not task.cancelled() for one in task.result().messages]
        counts = [one.receive_count for one in got]
        assert len({(one.message_id, one.receive_count) for one in got}) == len(counts), "each time to one receiver"

    run(tmp_path, main)
