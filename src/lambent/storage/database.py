"""Database: the way to durable state. `write` for effects, `read` for look-ups, `scan` for anything long.

A response that reports success is sent only after `write` has returned, that is after the commit is on disk. Next:
`writer` (group commit), `readers`, `log` (what consumers read).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self, TypeVar, cast

from lambent.storage.connection import open_connection, translated_errors
from lambent.storage.readers import Readers
from lambent.storage.schema import migrate
from lambent.storage.signal import Signal, Switchboard
from lambent.storage.standing_orders import StandingOrder
from lambent.storage.transaction import Transaction
from lambent.storage.writer import Commits, Writer

T = TypeVar("T")
Given = TypeVar("Given")


class Database:
    """Opened on a running event loop and used from it; the file is created if it is not there."""

    def __init__(self, writer: Writer, readers: Readers, switchboard: Switchboard) -> None:
        self._writer = writer
        self._readers = readers
        self._switchboard = switchboard

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises SchemaTooNew, StorageFailure."""
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = open_connection(path)
        with translated_errors(path):
            migrate(connection, path)
        switchboard = Switchboard()
        readers = Readers(path)
        return cls(Writer(connection, path, switchboard), readers, switchboard)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in the writer's next transaction; returns its result when the commit is on disk.

        Whatever `work` raises undoes its own effects and is raised here. Raises StorageFull, StorageFailure. `work`
        runs in the writer's thread: it may run SQL and compute, nothing else.
        """
        return cast("T", await self._writer.submit(work))

    async def write_shared(
        self, work: Callable[[Transaction, Sequence[Given]], Sequence[T | Exception]], given: Given
    ) -> T:
        """As `write`, for work that costs less for many: one call gets what several callers have `given`.

        `work` returns in their order what each is to get: a result, or an exception to be raised there, whose caller's
        effects it must not have begun. If it raises itself it is called again, for one at a time.
        """
        return cast("T", await self._writer.submit_shared(work, given))

    def when_announced(
        self, topic: str, work: Callable[[Transaction], T | None], *, in_line: bool = False
    ) -> StandingOrder[T]:
        """Run `work` in the transaction that announces `topic` next, after all else in it: who has to write before it
        can begin waits for one commit instead of two. Where it returns None it goes on standing.

        `in_line`: where the work of one such order of the topic comes to nothing, that of those behind it would, too,
        and is left undone: so many may wait for little.

        What was announced before the order was placed is not waited for: look for that first, and `demand`. Works as
        in `write`; an error of the whole transaction is not the order's.
        """
        return self._writer.order(topic, work, in_line=in_line)

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` at once on one snapshot, on the event loop: indexed look-ups under a millisecond only."""
        return self._readers.read(work)

    def look_up(self, work: Callable[[Transaction], T]) -> T:
        """Like `read`, for work of exactly one statement: it needs no transaction around it, at a third of the cost."""
        return self._readers.look_up(work)

    async def scan(self, work: Callable[[Transaction], T]) -> T:
        """Like `read`, in a thread: listings, searches, anything that may take longer."""
        return await self._readers.scan(work)

    def subscribe(self, topic: str, signal: Signal | None = None) -> Signal:
        """A bell (yours, or a new one) that rings after each commit that announced `topic`."""
        return self._switchboard.subscribe(topic, signal)

    def unsubscribe(self, topic: str, signal: Signal) -> None:
        self._switchboard.unsubscribe(topic, signal)

    @property
    def commits(self) -> Commits:
        return self._writer.commits

    async def close(self) -> None:
        """Commit what waits, then close every connection."""
        await self._writer.close()
        self._readers.close()
