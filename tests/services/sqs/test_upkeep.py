"""What queues forget by themselves, and limits: over the real store, on virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lambent.kit.clock import VirtualClock
from lambent.kit.ids import RandomIds
from lambent.services.caller import Caller
from lambent.services.sqs import message_store, receive_store, store
from lambent.services.sqs.access import Approach
from lambent.services.sqs.contents import Draft
from lambent.services.sqs.errors import OverLimit
from lambent.services.sqs.in_flight import InFlight
from lambent.services.sqs.queues import Queue, QueueKey
from lambent.services.sqs.receive_store import MAX_PASSED_OVER, Wish
from lambent.services.sqs.receiving import Receiver
from lambent.services.sqs.upkeep import Upkeep
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

KEY = QueueKey("000000000000", "us-east-1", "q")
OWNER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "request")
APPROACH = Approach(OWNER, KEY, "ReceiveMessage", 0.0)


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Database]:
    database = Database.open(directory / "lambent.db")
    try:
        yield database
    finally:
        await database.close()


async def make(database: Database, key: QueueKey = KEY, **attributes: str) -> Queue:
    return await database.write(lambda tx: store.insert_queue(tx, key, attributes, {}, 1))


async def send(database: Database, queue: Queue, count: int, now_ms: int) -> None:
    group = "g" if queue.key.is_fifo else None

    def work(tx: Transaction) -> None:
        for number in range(count):
            draft = Draft(f"m{number}", "me", group_id=group, deduplication_id=f"d{now_ms}-{number}" if group else None)
            message_store.send(tx, queue, draft, message_id=str(number), now_ms=now_ms)

    await database.write(work)


def rows(database: Database) -> int:
    tables = ("sqs_message", "sqs_content", "sqs_group", "sqs_garbage")
    return sum(database.read(lambda tx, name=table: len(tx.rows(f"SELECT 1 FROM {name}"))) for table in tables)  # type: ignore[misc]  # bound


@pytest.mark.parametrize("name", ["q", "q.fifo"])
def test_old_messages_are_trimmed(tmp_path: Path, name: str) -> None:
    async def main() -> None:
        clock = VirtualClock()
        async with opened(tmp_path) as database:
            queue = await make(database, KEY._replace(name=name), MessageRetentionPeriod="60")
            await send(database, queue, 700, clock.now_ms())
            await clock.advance(30)
            await send(database, queue, 1, clock.now_ms())
            await clock.advance(31)
            await Upkeep(database, clock, RandomIds()).trim()
            counts = database.read(lambda tx: message_store.count_messages(tx, queue.box_id, clock.now_ms()))
            assert counts["ApproximateNumberOfMessages"] == 1
            await clock.advance(30)
            await Upkeep(database, clock, RandomIds()).trim()
            assert rows(database) == 0

    asyncio.run(main())


def test_what_is_too_old_is_never_received_however_much_there_is(tmp_path: Path) -> None:
    async def main() -> None:
        clock = VirtualClock()
        async with opened(tmp_path) as database:
            queue = await make(database, MessageRetentionPeriod="60")
            await send(database, queue, 2 * MAX_PASSED_OVER + 10, clock.now_ms())
            await clock.advance(61)
            await send(database, queue, 1, clock.now_ms())
            receiver = Receiver(database, clock)
            delivery = await receiver.receive(APPROACH, Wish(10), 0)
            assert len(delivery.messages) == 1

    asyncio.run(main())


def test_purged_and_deleted_queues_leave_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as database:
            queue = await make(database, KEY._replace(name="q.fifo"))
            await send(database, queue, 1_100, 1_000)
            await database.write(lambda tx: store.empty_queue(tx, queue, 2_000))
            upkeep = Upkeep(database, VirtualClock(), RandomIds())
            await upkeep.clear()
            assert rows(database) == 0
            emptied = database.read(lambda tx: store.find_queue(tx, queue.key))
            assert emptied is not None
            await send(database, emptied, 3, 3_000)
            await database.write(lambda tx: store.delete_queue(tx, emptied))
            await upkeep.clear()
            assert rows(database) == 0

    asyncio.run(main())


@pytest.mark.parametrize("name", ["q", "q.fifo"])
def test_only_so_many_are_in_flight(tmp_path: Path, name: str) -> None:
    async def main() -> None:
        async with opened(tmp_path) as database:
            queue = await make(database, KEY._replace(name=name))
            await send(database, queue, 20, 1_000)
            in_flight = InFlight(limit=5)

            def receive(tx: Transaction) -> int:
                admitted = in_flight.admit(tx, queue, 3, 2_000)
                return len(receive_store.receive(tx, queue, Wish(admitted), 2_000).messages) if admitted else 0

            assert await database.write(receive) == 3
            if queue.key.is_fifo:
                assert await database.write(receive) == 0
                return
            assert await database.write(receive) == 2
            with pytest.raises(OverLimit):
                await database.write(receive)

    asyncio.run(main())


def test_a_long_poll_on_virtual_time(tmp_path: Path) -> None:
    async def main() -> None:
        clock = VirtualClock()
        async with opened(tmp_path) as database:
            await make(database)
            receiver = Receiver(database, clock)
            async with asyncio.TaskGroup() as tasks:
                empty = tasks.create_task(receiver.receive(APPROACH, Wish(10), 20))
                await clock.advance(19)
                assert not empty.done()
                await clock.advance(1)
            assert not empty.result().messages
            async with asyncio.TaskGroup() as tasks:
                closed = tasks.create_task(receiver.receive(APPROACH, Wish(10), 20))
                await clock.advance(1)
                receiver.close()
            assert not closed.result().messages

    asyncio.run(main())
