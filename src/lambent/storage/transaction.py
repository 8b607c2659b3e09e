"""Transaction: SQL for stores, and the topics to announce once the commit is on disk.

SQL stays in the subset that PostgreSQL shares: positional parameters, ON CONFLICT, RETURNING, row values.
"""

from typing import Any

import apsw

Row = tuple[Any, ...]


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

    def rows(self, sql: str, params: tuple[Any, ...] = ()) -> list[Row]:
        return self._connection.execute(sql, params).fetchall()

    def row(self, sql: str, params: tuple[Any, ...] = ()) -> Row | None:
        """The first row. The statement is reset at once, so that it does not hold the snapshot."""
        found = self._connection.execute(sql, params).fetchall()
        return found[0] if found else None

    def announce(self, topic: str) -> None:
        """Wake the subscribers of `topic` after the commit (and only then)."""
        self.topics.add(topic)
