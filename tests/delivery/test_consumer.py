"""The log and its consumer: in order, nothing lost, nothing twice, however often it is stopped."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.scene import limit_pages, until
from lambent.delivery import checkpoints
from lambent.delivery.checkpoints import CheckpointMoved
from lambent.delivery.consumer import Consumer, Effects, Portion
from lambent.kit.clock import VirtualClock
from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.log import LogRecord
from lambent.storage.transaction import Transaction

LOG = "test"


def copy_records(records: Sequence[LogRecord]) -> Effects:
    """Effects a test can look at: every record into a table, with the batch it came in."""

    def effects(tx: Transaction) -> None:
        for record in records:
            tx.execute("INSERT INTO seen (position, payload) VALUES (?, ?)", (record.position, record.payload))

    return effects


def seen(database: Database) -> list[tuple[int, bytes]]:
    return [(row[0], row[1]) for row in database.read(lambda tx: tx.rows("SELECT position, payload FROM seen"))]


def checkpoint(database: Database) -> int:
    return database.read(lambda tx: checkpoints.find(tx, LOG, "copier"))


async def open_database(directory: Path) -> Database:
    database = Database.open(directory / "db")
    await database.write(
        lambda tx: tx.execute("CREATE TABLE IF NOT EXISTS seen (number INTEGER PRIMARY KEY, position, payload)")
    )
    return database


async def append(database: Database, *payloads: bytes) -> None:
    def write(tx: Transaction) -> None:
        for payload in payloads:
            log.append(tx, LOG, payload, 0)

    await database.write(write)


@contextlib.asynccontextmanager
async def consuming(consumer: Consumer) -> AsyncIterator[None]:
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def copier(database: Database, clock: VirtualClock | None = None, batch: int = 256) -> Consumer:
    return Consumer(
        database=database,
        clock=clock or VirtualClock(),
        log=LOG,
        name="copier",
        decide=copy_records,
        max_batch=batch,
    )


def test_a_commit_wakes_the_consumer_and_the_log_is_trimmed_behind_it(tmp_path: Path) -> None:
    async def main() -> None:
        database = await open_database(tmp_path)
        async with consuming(copier(database)):
            for number in range(3):
                await append(database, b"%d" % number)
                await until(lambda number=number: checkpoint(database) == number + 1)  # type: ignore[misc]
            assert seen(database) == [(1, b"0"), (2, b"1"), (3, b"2")]
            assert database.read(lambda tx: log.read_after(tx, LOG, 0, 10)) == []
        await database.close()

    asyncio.run(main())


def test_a_batch_may_be_more_than_one_transaction_should_do(tmp_path: Path) -> None:
    """Then the rest of it is decided on again."""
    decided: list[int] = []

    def decide(records: Sequence[LogRecord]) -> Portion:
        decided.append(len(records))
        return Portion(copy_records(records[:2]), min(2, len(records)))

    async def main() -> None:
        database = await open_database(tmp_path)
        await append(database, b"a", b"b", b"c", b"d", b"e")
        async with consuming(Consumer(database=database, clock=VirtualClock(), log=LOG, name="copier", decide=decide)):
            await until(lambda: checkpoint(database) == 5)
        assert seen(database) == [(1, b"a"), (2, b"b"), (3, b"c"), (4, b"d"), (5, b"e")]
        assert decided == [5, 3, 1]
        await database.close()

    asyncio.run(main())


def test_a_second_consumer_keeps_the_log_until_it_has_read_it(tmp_path: Path) -> None:
    async def main() -> None:
        database = await open_database(tmp_path)
        await database.write(lambda tx: checkpoints.advance(tx, LOG, "slow", start=0, end=1))
        async with consuming(copier(database)):
            await append(database, b"a", b"b", b"c")
            await until(lambda: checkpoint(database) == 3)
        left = database.read(lambda tx: log.read_after(tx, LOG, 0, 10))
        assert [record.position for record in left] == [2, 3]
        await database.close()

    asyncio.run(main())


def test_a_failing_batch_is_tried_again_until_it_works(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        database, clock, attempts = await open_database(tmp_path), VirtualClock(), 0

        def moody(records: Sequence[LogRecord]) -> Effects:
            nonlocal attempts
            attempts += 1
            if attempts < 3:
                raise RuntimeError("not yet")
            return copy_records(records)

        consumer = Consumer(database=database, clock=clock, log=LOG, name="copier", decide=moody)
        async with consuming(consumer):
            await append(database, b"a")
            for expected in (1, 2):
                await until(lambda expected=expected: attempts == expected)  # type: ignore[misc]
                assert checkpoint(database) == 0
                await clock.advance(1.1)
            await until(lambda: seen(database) == [(1, b"a")])
        await database.close()

    asyncio.run(main())
    assert "consumer copier of log test failed" in caplog.text


def test_a_full_disk_is_waited_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        database, clock = await open_database(tmp_path), VirtualClock()

        def bulky(records: Sequence[LogRecord]) -> Effects:
            return copy_records([LogRecord(one.position, one.time_ms, bytes(1_000_000)) for one in records])

        await append(database, b"a")
        await limit_pages(database, spare=50)
        consumer = Consumer(database=database, clock=clock, log=LOG, name="copier", decide=bulky)
        async with consuming(consumer):
            await until(lambda: "no space left" in caplog.text)
            assert (seen(database), checkpoint(database)) == ([], 0)
            await limit_pages(database, spare=10_000)
            await clock.advance(1.1)
            await until(lambda: checkpoint(database) == 1)
        assert len(seen(database)) == 1
        await database.close()

    asyncio.run(main())


def test_effects_that_fail_move_no_checkpoint(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        database = await open_database(tmp_path)

        def half(records: Sequence[LogRecord]) -> Effects:
            def effects(tx: Transaction) -> None:
                copy_records(records)(tx)
                raise RuntimeError("half-way")

            return effects

        clock = VirtualClock()
        consumer = Consumer(database=database, clock=clock, log=LOG, name="copier", decide=half)
        async with consuming(consumer):
            await append(database, b"a")
            await until(lambda: "half-way" in caplog.text)
        assert (seen(database), checkpoint(database)) == ([], 0)
        await database.close()

    asyncio.run(main())


def test_two_consumers_of_one_name_cannot_both_commit(tmp_path: Path) -> None:
    async def main() -> None:
        database = await open_database(tmp_path)
        await database.write(lambda tx: checkpoints.advance(tx, LOG, "copier", start=0, end=5))
        with pytest.raises(CheckpointMoved):
            await database.write(lambda tx: checkpoints.advance(tx, LOG, "copier", start=0, end=3))
        assert checkpoint(database) == 5
        await database.close()

    asyncio.run(main())


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 25), st.booleans()), min_size=1, max_size=12),
    st.integers(1, 4),
)
def test_exactly_once_in_order_over_any_restarts(steps: list[tuple[int, int, bool]], batch: int) -> None:
    """Each step appends, lets the consumer run for some turns, and perhaps reopens the database."""

    async def main(directory: Path) -> None:
        database = await open_database(directory)
        appended: list[bytes] = []
        reached = 0
        for count, turns, reopen in steps:
            async with consuming(copier(database, batch=batch)):
                fresh = [b"%d" % (len(appended) + number) for number in range(count)]
                await append(database, *fresh)
                appended += fresh
                for _ in range(turns):
                    await asyncio.sleep(0)
                    assert checkpoint(database) >= reached
                    reached = checkpoint(database)
            if reopen:
                await database.close()
                database = await open_database(directory)
        async with consuming(copier(database, batch=batch)):
            await until(lambda: checkpoint(database) == len(appended))
        assert seen(database) == list(enumerate(appended, 1))
        await database.close()

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(main(Path(directory)))


def test_batches_of_large_records_are_small(tmp_path: Path) -> None:
    sizes: list[list[int]] = []

    def measure(records: Sequence[LogRecord]) -> Effects:
        sizes.append([len(record.payload) for record in records])
        return copy_records(records)

    async def main() -> None:
        database = await open_database(tmp_path)
        await append(database, *(b"x" * size for size in (40, 50, 20, 200, 10, 90)))
        limits = {"max_batch": 4, "max_bytes": 100}
        consumer = Consumer(database=database, clock=VirtualClock(), log=LOG, name="copier", decide=measure, **limits)
        async with consuming(consumer):
            await until(lambda: checkpoint(database) == 6)
        await database.close()

    asyncio.run(main())
    assert sizes == [[40, 50], [20], [200], [10, 90]]
