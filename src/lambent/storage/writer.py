"""The writer: one thread, and everything that waits goes into one commit (group commit).

While a batch commits, new work queues up and forms the next batch: nobody waits for a timer, and the cost of an fsync
is shared by all who came meanwhile. Each piece of work runs inside its own savepoint, so one that fails takes back its
own effects and nothing else. Results reach the event loop only after the COMMIT is on disk.

Work that many ask for (items to be written) can be shared: neighbours in a batch are then done in one call, with a few
statements for all of them. See `docs/decisions/0012-shared-work.md`.

Conditions are evaluated here, inside the batch, never before it: two conditional writes cannot both succeed.
"""

import asyncio
import itertools
import queue
import threading
import time
from pathlib import Path
from typing import Any, cast

import apsw

from lambent.kit.histogram import Histogram
from lambent.storage import checkpointing
from lambent.storage.connection import DISK_ERRORS, translate
from lambent.storage.job import Job, SharedWork, Work
from lambent.storage.signal import Switchboard
from lambent.storage.standing_orders import Errand, StandingOrder, StandingOrders, Verb
from lambent.storage.transaction import Transaction

#: Pieces of work in one commit: bounds the wait of the first one in it.
MAX_BATCH = 512


class Commits:
    """What commits have been like since the start."""

    def __init__(self) -> None:
        self.seconds = Histogram((0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0))
        self.works = Histogram((1, 2, 4, 8, 16, 32, 64, 128, 256))


class Writer:
    """Owns the writing connection and its thread; `submit` is called on the event loop."""

    def __init__(self, connection: apsw.Connection, path: Path, switchboard: Switchboard) -> None:
        self._connection = connection
        self._path = path
        self._switchboard = switchboard
        self.commits = Commits()
        self._submitted: list[Job | Errand] = []
        self._jobs: queue.SimpleQueue[list[Job | Errand] | None] = queue.SimpleQueue()
        self._orders = StandingOrders()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="lambent-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> asyncio.Future[Any]:
        return self._submitted_job(Job(work, self._loop.create_future()))

    def submit_shared(self, work: SharedWork, given: Any) -> asyncio.Future[Any]:
        return self._submitted_job(Job(work, self._loop.create_future(), is_shared=True, given=given))

    def order(self, topic: str, work: Work, *, in_line: bool) -> StandingOrder[Any]:
        return StandingOrder(Job(work, self._loop.create_future(), topic=topic, is_in_line=in_line), self._submit)

    def _submitted_job(self, job: Job) -> asyncio.Future[Any]:
        self._submit(job)
        return job.answer

    def _submit(self, job: Job | Errand) -> None:
        if not self._submitted:
            self._loop.call_soon(self._hand_over)
        self._submitted.append(job)

    def _hand_over(self) -> None:
        """Once in a turn of the loop: the writer is woken when the loop has done what it had to, not in its middle."""
        if self._submitted:
            self._jobs.put(self._submitted)
            self._submitted = []

    async def close(self) -> None:
        """Commit what waits, then end the thread."""
        self._hand_over()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        growth = checkpointing.WalGrowth(self._connection, self._path)
        while (jobs := self._jobs.get()) is not None:
            gathered, ended = self._gather(jobs)
            batch, withdrawn = self._sort(gathered)
            topics: set[str] = set()
            if batch:
                began = time.perf_counter()
                topics, fulfilled = self._commit(batch)
                self.commits.seconds.add(time.perf_counter() - began)
                self.commits.works.add(len(batch))
                batch += fulfilled
            if batch or withdrawn:
                self._loop.call_soon_threadsafe(self._answer, batch + withdrawn, topics)
            growth.after_commit()
            if ended:
                break
        growth.close()
        self._connection.close()

    def _gather(self, batch: list[Job | Errand]) -> tuple[list[Job | Errand], bool]:
        """`batch` and all that waits behind it; True if the end was asked for."""
        while len(batch) < MAX_BATCH:
            try:
                jobs = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
            if jobs is None:
                return batch, True
            batch += jobs
        return batch, False

    def _sort(self, gathered: list[Job | Errand]) -> tuple[list[Job], list[Job]]:
        """What is to be performed, and orders that are withdrawn. An order is placed before the batch it came with."""
        batch: list[Job] = []
        withdrawn: list[Job] = []
        for each in gathered:
            if isinstance(each, Job):
                batch.append(each)
            elif self._orders.run(each):
                (batch if each.verb is Verb.DEMAND else withdrawn).append(each.order)
        return batch, withdrawn

    def _commit(self, batch: list[Job]) -> tuple[set[str], list[Job]]:
        """Run and commit; the topics that were announced, and standing orders that were done for it.

        On disk trouble every job of the batch carries the error, nothing is visible, and the orders stand.
        """
        connection = self._connection
        calls = [list(jobs) for _, jobs in itertools.groupby(batch, _call)]
        try:
            done = self._commit_call(calls[0]) if len(calls) == 1 else None
            topics, fulfilled = self._commit_calls(calls) if done is None else done
        except DISK_ERRORS as error:
            for job in batch:  # each has one of its own: a traceback grows wherever an exception is raised
                job.error = translate(error, self._path)
            if not connection.get_autocommit():
                connection.execute("ROLLBACK")
            return set(), []
        self._orders.remove(fulfilled)
        return topics, fulfilled

    def _commit_call(self, jobs: list[Job]) -> tuple[set[str], list[Job]] | None:
        """One call that has the transaction to itself; None, and nothing done, if many share it and it raised.

        It needs no savepoint, and each statement that is saved is one time less that the interpreter is waited for.
        Raises disk errors.
        """
        topics: set[str] = set()
        self._connection.execute("BEGIN IMMEDIATE")
        error = self._attempt(jobs, topics)
        if error is None:
            return topics, self._end(topics)
        self._connection.execute("ROLLBACK")
        if len(jobs) > 1:
            return None
        jobs[0].error = error
        return topics, []

    def _commit_calls(self, calls: list[list[Job]]) -> tuple[set[str], list[Job]]:
        topics: set[str] = set()
        self._connection.execute("BEGIN IMMEDIATE")
        for jobs in calls:
            self._perform(jobs, topics)
        return topics, self._end(topics)

    def _end(self, topics: set[str]) -> list[Job]:
        """Do what stands for these topics, and commit. An order that comes to nothing goes on standing."""
        done: list[Job] = []
        exhausted: set[str] = set()
        for order in self._orders.waiting_for(tuple(topics)):
            if order.is_in_line and order.topic in exhausted:
                continue
            order.result = order.error = None
            self._perform([order], topics)
            if order.result is not None or order.error is not None:
                done.append(order)
            elif order.is_in_line:
                exhausted.add(order.topic)
        self._connection.execute("COMMIT")
        return done

    def _perform(self, jobs: list[Job], topics: set[str]) -> None:
        """One call among others, of work that `jobs` share. Raises only disk errors, which concern the whole batch."""
        connection = self._connection
        connection.execute("SAVEPOINT call")
        error = self._attempt(jobs, topics)
        if error is not None:
            connection.execute("ROLLBACK TO call")
        connection.execute("RELEASE call")
        if error is not None:
            self._settle_failure(jobs, error, topics)

    def _attempt(self, jobs: list[Job], topics: set[str]) -> BaseException | None:
        """What the call raised, if it did; what it had done by then is to be taken back. Raises disk errors."""
        transaction = Transaction(self._connection)
        try:
            _run(transaction, jobs)
        except DISK_ERRORS:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to whoever awaits the job
            return error
        topics |= transaction.topics
        return None

    def _settle_failure(self, jobs: list[Job], error: BaseException, topics: set[str]) -> None:
        """Of many jobs in a call that raised, perhaps one is to blame: each again, alone."""
        if len(jobs) == 1:
            jobs[0].error = error
        else:
            for job in jobs:
                self._perform([job], topics)

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


def _call(job: Job) -> object:
    """The same for jobs that can be done in one call."""
    return job.work if job.is_shared else job


def _run(transaction: Transaction, jobs: list[Job]) -> None:
    first = jobs[0]
    if not first.is_shared:
        first.result = cast("Work", first.work)(transaction)
        return
    outcomes = cast("SharedWork", first.work)(transaction, [job.given for job in jobs])
    for job, outcome in zip(jobs, outcomes, strict=True):
        if isinstance(outcome, Exception):
            job.error = outcome
        else:
            job.result = outcome
