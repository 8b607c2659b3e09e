"""Transaction: SQL for stores, and the topics to announce once the commit is on disk.

SQL stays in the subset that PostgreSQL shares: positional parameters, ON CONFLICT, RETURNING, row values. What concerns
many rows has a statement for all of them (`execute_rows`, `find_rows`): each statement lets go of the interpreter and
has to wait for it again, which under load costs more than the statement itself.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import apsw

from lambent.storage.connection import DISK_ERRORS

Row = tuple[Any, ...]

#: Rows in one statement; a statement is kept prepared for each number of rows up to here, and for these beyond it.
MAX_ROWS = 32
LARGE_ROWS = (128, 64)


class Transaction:
    """A reader's or a writer's view; a store function takes one and never begins or commits."""

    __slots__ = ("_connection", "topics")

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.topics: set[str] = set()

    def execute(self, sql: str, params: tuple[Any, ...] = ()) -> None:
        self._connection.execute(sql, params)

    def execute_many(self, sql: str, params: list[tuple[Any, ...]]) -> None:
        self._connection.executemany(sql, params)

    def execute_rows(self, sql: str, rows: Sequence[Row], params: tuple[Any, ...] = ()) -> None:
        """`sql` says `VALUES (*)` where the rows belong, which all have the same number of columns.

        `params` are those before it.
        """
        for portion in _portions(rows):
            given = (*params, *_flattened(portion))
            self._connection.execute(_with_rows(sql, len(portion), len(portion[0])), given)

    def rows(self, sql: str, params: tuple[Any, ...] = ()) -> list[Row]:
        return self._connection.execute(sql, params).fetchall()

    def find_rows(self, sql: str, params: tuple[Any, ...], rows: Sequence[Row]) -> list[Row]:
        """As `rows`, for a statement with `IN (VALUES (*))`; `params` are those before it."""
        found: list[Row] = []
        for portion in _portions(rows):
            given = (*params, *_flattened(portion))
            found += self._connection.execute(_with_rows(sql, len(portion), len(portion[0])), given).fetchall()
        return found

    def row(self, sql: str, params: tuple[Any, ...] = ()) -> Row | None:
        """The first row. The statement is reset at once, so that it does not hold the snapshot."""
        found = self._connection.execute(sql, params).fetchall()
        return found[0] if found else None

    @contextmanager
    def part(self) -> Iterator[None]:
        """What is done inside is taken back if it raises, and nothing else is."""
        announced = set(self.topics)
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except DISK_ERRORS:  # the whole transaction ends, and with it its savepoints
            raise
        except BaseException:
            self._connection.execute("ROLLBACK TO part")
            self._connection.execute("RELEASE part")
            self.topics = announced
            raise
        self._connection.execute("RELEASE part")

    def announce(self, topic: str) -> None:
        """Wake the subscribers of `topic` after the commit (and only then)."""
        self.topics.add(topic)


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start = 0
    while left := len(rows) - start:
        size = min(left, MAX_ROWS) if left < LARGE_ROWS[-1] else next(large for large in LARGE_ROWS if large <= left)
        yield rows[start : start + size]
        start += size


def _flattened(rows: Sequence[Row]) -> tuple[Any, ...]:
    return tuple(itertools.chain.from_iterable(rows))


@lru_cache(maxsize=1024)
def _with_rows(sql: str, rows: int, columns: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return sql.replace("(*)", ", ".join([row] * rows))
