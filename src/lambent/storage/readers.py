"""Readers: one connection on the event loop for look-ups, one per thread for anything longer."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from lambent.storage.connection import DISK_ERRORS, open_connection, translate
from lambent.storage.transaction import Transaction

T = TypeVar("T")

#: Threads for long reads: they wait for the disk more than for the processor.
SCAN_THREADS = 4


class Readers:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._here = open_connection(path, read_only=True)
        self._glance = Transaction(self._here)
        self._loop_thread = threading.get_ident()
        self._threads = ThreadPoolExecutor(SCAN_THREADS, "lambent-reader")
        self._local = threading.local()
        self._opened: list[apsw.Connection] = [self._here]

    def read(self, work: Callable[[Transaction], T]) -> T:
        assert threading.get_ident() == self._loop_thread, "the writer and scans have a transaction of their own"
        return self._read_on(self._here, work)

    def look_up(self, work: Callable[[Transaction], T]) -> T:
        """For one statement, which is a snapshot by itself."""
        try:
            return work(self._glance)
        except DISK_ERRORS as error:
            raise translate(error, self._path) from error

    async def scan(self, work: Callable[[Transaction], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._in_thread, work)

    def close(self) -> None:
        self._threads.shutdown()
        for connection in self._opened:
            connection.close()

    def _in_thread(self, work: Callable[[Transaction], T]) -> T:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_connection(self._path, read_only=True)
            self._opened.append(connection)
        return self._read_on(connection, work)

    def _read_on(self, connection: apsw.Connection, work: Callable[[Transaction], T]) -> T:
        """One snapshot for all that `work` reads."""
        try:
            connection.execute("BEGIN")
            try:
                return work(Transaction(connection))
            finally:
                connection.execute("COMMIT")
        except DISK_ERRORS as error:
            raise translate(error, self._path) from error
