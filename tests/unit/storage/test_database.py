"""The writer's promises: one commit for many, each its own savepoint, nothing acknowledged before it is on disk."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw
import pytest

from lambent.storage import log
from lambent.storage.connection import open_connection
from lambent.storage.database import Database
from lambent.storage.errors import SchemaTooNew, StorageFull
from lambent.storage.transaction import MAX_ROWS, Row, Transaction


def append(payload: bytes, name: str = "a") -> Callable[[Transaction], int]:
    return lambda tx: log.append(tx, name, payload, 1)


def test_concurrent_writes_get_dense_positions_in_commit_order(tmp_path: Path) -> None:
    async def main() -> None:
        database = Database.open(tmp_path / "db")
        positions = await asyncio.gather(*[database.write(append(b"%d" % n)) for n in range(300)])
        assert list(positions) == list(range(1, 301))
        records = database.read(lambda tx: log.read_after(tx, "a", 298, 10))
        assert [(record.position, record.payload) for record in records] == [(299, b"298"), (300, b"299")]
        await database.close()

    asyncio.run(main())


def test_failed_work_takes_back_only_its_own_effects(tmp_path: Path) -> None:
    def fail(tx: Transaction) -> None:
        log.append(tx, "a", b"never", 1)
        raise LookupError("on purpose")

    async def main() -> None:
        database = Database.open(tmp_path / "db")
        outcomes = await asyncio.gather(
            database.write(append(b"1")), database.write(fail), database.write(append(b"2")), return_exceptions=True
        )
        assert isinstance(outcomes[1], LookupError)
        payloads = [record.payload for record in database.read(lambda tx: log.read_after(tx, "a", 0, 10))]
        assert payloads == [b"1", b"2"]
        await database.close()

    asyncio.run(main())


def test_a_part_that_fails_takes_back_only_its_own_effects(tmp_path: Path) -> None:
    def work(tx: Transaction) -> None:
        log.append(tx, "a", b"before", 1)
        with contextlib.suppress(LookupError), tx.part():
            log.append(tx, "a", b"never", 1)
            tx.announce("never")
            raise LookupError("on purpose")
        with tx.part():
            log.append(tx, "a", b"after", 1)
            tx.announce("after")

    async def main() -> None:
        database = Database.open(tmp_path / "db")
        never, after = database.subscribe("never"), database.subscribe("after")
        await database.write(work)
        records = database.read(lambda tx: log.read_after(tx, "a", 0, 10))
        assert [record.payload for record in records] == [b"before", b"after"]
        assert (never.take(), after.take()) == (False, True)
        await database.close()

    asyncio.run(main())


def test_subscribers_hear_of_commits_and_only_of_commits(tmp_path: Path) -> None:
    def fail(tx: Transaction) -> None:
        log.append(tx, "a", b"never", 1)
        raise LookupError("on purpose")

    async def main() -> None:
        database = Database.open(tmp_path / "db")
        bell = database.subscribe(log.topic("a"))
        with pytest.raises(LookupError):
            await database.write(fail)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bell.wait(), 0.05)
        await database.write(append(b"1"))
        await asyncio.wait_for(bell.wait(), 5)
        await database.close()

    asyncio.run(main())


def test_conditions_are_decided_inside_the_batch(tmp_path: Path) -> None:
    """Two writers that both look before they write: only one can find the place free."""

    def claim(tx: Transaction) -> bool:
        if log.head(tx, "claim"):
            return False
        log.append(tx, "claim", b"", 1)
        return True

    async def main() -> None:
        database = Database.open(tmp_path / "db")
        won = await asyncio.gather(*[database.write(claim) for _ in range(50)])
        assert sum(won) == 1
        await database.close()

    asyncio.run(main())


def add(tx: Transaction, numbers: Sequence[int]) -> list[int | Exception]:
    """Shared work: each number becomes a record, negative ones are refused. Results are how many came together."""
    accepted = [(1, b"%d" % number) for number in numbers if number >= 0]
    if accepted:
        log.append_all(tx, "a", accepted)
    return [len(numbers) if number >= 0 else ValueError(number) for number in numbers]


def payloads(database: Database) -> list[bytes]:
    return [record.payload for record in database.read(lambda tx: log.read_after(tx, "a", 0, 1000))]


def test_shared_work_is_done_in_one_call_and_answered_to_each(tmp_path: Path) -> None:
    async def main() -> None:
        database = Database.open(tmp_path / "db")
        asked = [1, 2, -3, 4]
        outcomes = await asyncio.gather(*[database.write_shared(add, one) for one in asked], return_exceptions=True)
        assert outcomes[:2] == [4, 4]
        assert isinstance(outcomes[2], ValueError)
        assert outcomes[3] == 4
        assert payloads(database) == [b"1", b"2", b"4"]
        await database.close()

    asyncio.run(main())


def test_shared_work_keeps_its_place_among_other_work(tmp_path: Path) -> None:
    async def main() -> None:
        database = Database.open(tmp_path / "db")
        outcomes = await asyncio.gather(
            database.write_shared(add, 1),
            database.write_shared(add, 2),
            database.write(append(b"between")),
            database.write_shared(add, 3),
        )
        assert list(outcomes) == [2, 2, 3, 1]
        assert payloads(database) == [b"1", b"2", b"between", b"3"]
        await database.close()

    asyncio.run(main())


def test_shared_work_that_raises_is_done_again_for_each_alone(tmp_path: Path) -> None:
    def stumble(tx: Transaction, numbers: Sequence[int]) -> list[int | Exception]:
        outcomes = add(tx, numbers)
        if 13 in numbers:
            tx.announce("never")
            raise LookupError("on purpose")
        return outcomes

    async def main() -> None:
        database = Database.open(tmp_path / "db")
        bell = database.subscribe("never")
        asked = [database.write_shared(stumble, number) for number in (1, 13, 2)]
        outcomes = await asyncio.gather(database.write(append(b"0")), *asked, return_exceptions=True)
        assert outcomes[:2] == [1, 1]
        assert isinstance(outcomes[2], LookupError)
        assert outcomes[3] == 1
        assert payloads(database) == [b"0", b"1", b"2"]
        assert not bell.take()
        await database.close()

    asyncio.run(main())


def test_writes_of_one_turn_of_the_loop_share_a_commit(tmp_path: Path) -> None:
    """A reader on a snapshot of its own sees all of them or none."""

    async def main() -> None:
        database = Database.open(tmp_path / "db")
        for expected in (40, 80, 120):
            writes = [asyncio.ensure_future(database.write(append(b"x"))) for _ in range(40)]
            await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
            assert database.read(lambda tx: log.head(tx, "a")) == expected
            await asyncio.gather(*writes)
        await database.close()

    asyncio.run(main())


@pytest.mark.parametrize("rows", [0, 1, MAX_ROWS, MAX_ROWS + 1, 3 * MAX_ROWS + 5])
def test_statements_of_many_rows(tmp_path: Path, rows: int) -> None:
    def work(tx: Transaction) -> list[Row]:
        tx.execute_rows(
            "INSERT INTO log_record (log, position, time_ms, payload) VALUES (*)",
            [("many", number, 7, b"%d" % number) for number in range(rows)],
        )
        wanted = [(number, 7) for number in range(0, rows, 2)] + [(-1, 7), (1, 8)]
        return tx.find_rows(
            "SELECT position, payload FROM log_record WHERE log = ? AND (position, time_ms) IN (VALUES (*))",
            ("many",),
            wanted,
        )

    async def main() -> None:
        database = Database.open(tmp_path / "db")
        found = await database.write(work)
        assert sorted(found) == [(number, b"%d" % number) for number in range(0, rows, 2)]
        await database.close()

    asyncio.run(main())


def test_plans_do_not_depend_on_values(tmp_path: Path) -> None:
    """Else SQLite plans a statement again for each new value: four times the cost of a look-up."""

    async def main() -> None:
        await Database.open(tmp_path / "db").close()
        for read_only in (False, True):
            connection = open_connection(tmp_path / "db", read_only=read_only)
            assert connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, -1) == 1
            connection.close()

    asyncio.run(main())


def test_close_commits_what_waits(tmp_path: Path) -> None:
    async def main() -> None:
        database = Database.open(tmp_path / "db")
        waiting = [asyncio.ensure_future(database.write(append(b"x"))) for _ in range(100)]
        await asyncio.sleep(0)
        await database.close()
        assert len(await asyncio.gather(*waiting)) == 100
        again = Database.open(tmp_path / "db")
        assert again.read(lambda tx: log.head(tx, "a")) == 100
        await again.close()

    asyncio.run(main())


def test_scan_reads_in_a_thread_what_is_committed(tmp_path: Path) -> None:
    async def main() -> None:
        database = Database.open(tmp_path / "db")
        await database.write(append(b"1"))
        assert await database.scan(lambda tx: log.head(tx, "a")) == 1
        await database.close()

    asyncio.run(main())


def test_newer_schema_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async def main() -> None:
        await Database.open(tmp_path / "db").close()
        connection = apsw.Connection(str(tmp_path / "db"))
        connection.execute("PRAGMA user_version=999")
        connection.close()
        with pytest.raises(SchemaTooNew, match=r"newer Lambent .schema 999.*upgrade"):
            Database.open(tmp_path / "db")

    asyncio.run(main())


def test_write_ahead_log_stays_bounded_under_steady_writes(tmp_path: Path) -> None:
    async def main() -> None:
        database = Database.open(tmp_path / "db")
        for _ in range(60):
            await asyncio.gather(*[database.write(append(bytes(30_000))) for _ in range(100)])
            await database.write(lambda tx: log.trim(tx, "a", log.head(tx, "a")))
        size = (tmp_path / "db-wal").stat().st_size
        await database.close()
        assert size < 150 << 20, f"{size >> 20} MiB of write-ahead log after 180 MB of writes"

    asyncio.run(main())


FILL_THE_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.errors import StorageFull, StorageFailure

async def main(path):
    database = Database.open(path)
    await database.write(lambda tx: log.append(tx, "a", b"before", 1))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = 1 << 20
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    outcomes = []
    for _ in range(40):
        try:
            await database.write(lambda tx: log.append(tx, "a", bytes(100_000), 1))
            outcomes.append("ok")
        except (StorageFull, StorageFailure):
            outcomes.append("refused")
    assert "refused" in outcomes, outcomes
    acknowledged = 1 + outcomes.count("ok")
    assert database.read(lambda tx: log.head(tx, "a")) == acknowledged
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await database.write(lambda tx: log.append(tx, "a", b"after", 1))
    assert database.read(lambda tx: log.head(tx, "a")) == acknowledged + 1
    await database.close()
    print("survived", acknowledged)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_full_disk_refuses_writes_and_recovers(tmp_path: Path) -> None:
    """A file size limit stands for the full disk: writes past it fail whole, later ones work."""
    done = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, str(tmp_path / "db")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("survived")


def test_who_shares_a_commit_that_the_disk_refuses_has_an_error_of_his_own(tmp_path: Path) -> None:
    """One exception, raised in all who wait, would tell each of them the ways of all others."""

    async def main() -> list[object]:
        database = Database.open(tmp_path / "db")
        await database.write(lambda tx: tx.rows("PRAGMA max_page_count = 1"))  # as many as there are
        writes = [database.write(lambda tx: log.append(tx, "a", bytes(100_000), 1)) for _ in range(2)]
        refusals = await asyncio.gather(*writes, return_exceptions=True)
        await database.close()
        return list(refusals)

    first, second = asyncio.run(main())
    assert isinstance(first, StorageFull)
    assert isinstance(second, StorageFull)
    assert first is not second


CRASH = """
import asyncio, sys
from pathlib import Path
from lambent.storage import log
from lambent.storage.database import Database

async def main(path):
    database = Database.open(path)
    async def client():
        while True:
            position = await database.write(lambda tx: log.append(tx, "a", b"x", 1))
            print(position, flush=True)
    await asyncio.gather(*[client() for _ in range(8)])

asyncio.run(main(Path(sys.argv[1])))
"""


def test_acknowledged_commits_survive_kill_9(tmp_path: Path) -> None:
    async def committed() -> int:
        database = Database.open(tmp_path / "db")
        position = database.read(lambda tx: log.head(tx, "a"))
        await database.close()
        return position

    for lines in (1, 50, 400):
        with subprocess.Popen(
            [sys.executable, "-c", CRASH, str(tmp_path / "db")], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            acknowledged = [int(process.stdout.readline()) for _ in range(lines)]
            process.send_signal(signal.SIGKILL)
            acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
        assert asyncio.run(committed()) >= max(acknowledged)
