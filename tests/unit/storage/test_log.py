"""The log: portions of it, by place and by time, against a list."""

import asyncio
import bisect
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.storage import log
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction

T = TypeVar("T")
LOG = "test"


def on_a_log(work: Callable[[Transaction], T], then: Callable[[Transaction], None] | None = None) -> T:
    """In one transaction on an empty database; `then` reads afterwards."""

    async def run(directory: Path) -> T:
        database = Database.open(directory / "lambent.db")
        try:
            result = await database.write(work)
            if then is not None:
                database.read(then)
            return result
        finally:
            await database.close()

    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(run(Path(directory)))


def test_many_records_get_the_positions_that_follow() -> None:
    def work(tx: Transaction) -> list[int]:
        first = log.append(tx, LOG, b"1", 10)
        third = log.append_all(tx, LOG, [(20, b"2"), (20, b"3")])
        return [first, third, log.append_all(tx, LOG, [(30, b"4")])]

    def then(tx: Transaction) -> None:
        found = [(one.position, one.time_ms, one.payload) for one in log.read_after(tx, LOG, 0, 10)]
        assert found == [(1, 10, b"1"), (2, 20, b"2"), (3, 20, b"3"), (4, 30, b"4")]
        assert log.measure(tx, LOG, 1, 3) == (2, 2)
        assert log.measure(tx, LOG, 4, 9) == (0, 0)
        assert (log.time_after(tx, LOG, 3), log.time_after(tx, LOG, 4)) == (30, None)

    assert on_a_log(work, then) == [1, 3, 4]


def test_an_old_log_is_removed_in_portions() -> None:
    def work(tx: Transaction) -> list[bool]:
        log.append_all(tx, LOG, [(10, b"x")] * 25)
        log.trim(tx, LOG, 5)
        return [log.trim_oldest(tx, LOG, 10) for _ in range(3)]

    assert on_a_log(work) == [True, True, False]


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.integers(0, 3), max_size=40),
    trimmed=st.integers(0, 45),
    asked=st.lists(st.integers(-1, 125), min_size=1, max_size=10),
)
def test_a_time_is_found_by_halving(steps: list[int], trimmed: int, asked: list[int]) -> None:
    times = list(itertools.accumulate(steps))

    def work(tx: Transaction) -> None:
        for time_ms in times:
            log.append(tx, LOG, b"", time_ms)
        log.trim(tx, LOG, trimmed)

    def then(tx: Transaction) -> None:
        for time_ms in asked:
            expected = max(bisect.bisect_left(times, time_ms), min(trimmed, len(times)))
            assert log.position_before(tx, LOG, time_ms) == expected

    on_a_log(work, then)
