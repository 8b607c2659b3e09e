"""The writer: one thread, and everything that waits goes into one commit (group commit).

While a batch commits, new work queues up and forms the next batch: nobody waits for a timer, and the cost of an fsync
is shared by all who came meanwhile. Each piece of work runs inside its own savepoint, so one that fails takes back its
own effects and nothing else. Results reach the event loop only after the COMMIT is on disk.

Conditions are evaluated here, inside the batch, never before it: two conditional writes cannot both succeed.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from lambent.kit.histogram import Histogram
from lambent.storage import checkpointing
from lambent.storage.connection import DISK_ERRORS, translate
from lambent.storage.signal import Switchboard
from lambent.storage.transaction import Transaction

#: Pieces of work in one commit: bounds the wait of the first one in it.
MAX_BATCH = 512

Work = Callable[[Transaction], Any]


class Commits:
    """What commits have been like since the start."""

    def __init__(self) -> None:
        self.seconds = Histogram((0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0))
        self.works = Histogram((1, 2, 4, 8, 16, 32, 64, 128, 256))


@dataclass(slots=True)
class Job:
    work: Work
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Owns the writing connection and its thread; `submit` is called on the event loop."""

    def __init__(self, connection: apsw.Connection, path: Path, switchboard: Switchboard) -> None:
        self._connection = connection
        self._path = path
        self._switchboard = switchboard
        self.commits = Commits()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="lambent-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put(Job(work, answer))
        return answer

    async def close(self) -> None:
        """Commit what waits, then end the thread."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        growth = checkpointing.WalGrowth(self._connection, self._path)
        while (job := self._jobs.get()) is not None:
            batch, ended = self._gather(job)
            began = time.perf_counter()
            topics = self._commit(batch)
            self.commits.seconds.add(time.perf_counter() - began)
            self.commits.works.add(len(batch))
            self._loop.call_soon_threadsafe(self._answer, batch, topics)
            growth.after_commit()
            if ended:
                break
        growth.close()
        self._connection.close()

    def _gather(self, first: Job) -> tuple[list[Job], bool]:
        """`first` and all that waits behind it; True if the end was asked for."""
        batch = [first]
        while len(batch) < MAX_BATCH:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _commit(self, batch: list[Job]) -> set[str]:
        """Run and commit; on disk trouble every job of the batch carries the error and nothing is visible."""
        topics: set[str] = set()
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                self._perform(job, topics)
            connection.execute("COMMIT")
        except DISK_ERRORS as error:
            failure = translate(error, self._path)
            for job in batch:
                job.error = failure
            if not connection.get_autocommit():
                connection.execute("ROLLBACK")
            return set()
        return topics

    def _perform(self, job: Job, topics: set[str]) -> None:
        """Raises only disk errors, which concern the whole batch."""
        connection = self._connection
        transaction = Transaction(connection)
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(transaction)
        except DISK_ERRORS:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to whoever awaits this job
            job.error = error
            connection.execute("ROLLBACK TO job")
        else:
            topics |= transaction.topics
        connection.execute("RELEASE job")

    def _answer(self, batch: list[Job], topics: set[str]) -> None:
        """Consumers first: their commit is then under way while the answers to clients are still being made."""
        self._switchboard.announce(topics)
        for job in batch:
            if job.answer.done():
                continue
            if job.error is not None:
                job.answer.set_exception(job.error)
            else:
                job.answer.set_result(job.result)
