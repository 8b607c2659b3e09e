"""Keeping the write-ahead log short without making a commit wait for it.

SQLite's own automatic checkpoint runs inside a commit and costs its caller tens of milliseconds. Here a second thread
with its own connection copies pages back (PASSIVE: it never blocks the writer). Under a steady stream of commits a
passive checkpoint never reaches the end of the log, so past a limit the writer itself does the rest: little by then.
"""

import contextlib
import threading
from pathlib import Path

import apsw

from lambent.storage.connection import DISK_ERRORS, open_connection

#: Pages (4 KiB) written to the log after which a background checkpoint starts.
PASSIVE_PAGES = 2_000
#: Pages in the log after which the writer finishes one, so that the file can start over.
RESTART_PAGES = 25_000


class WalGrowth:
    """Watches the log of the writer's connection; all methods are called in the writer's thread."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._written = 0
        """Pages since a checkpoint was last asked for."""
        self._length = 0
        """Pages in the log when the last background checkpoint looked."""
        self._wanted = threading.Event()
        self._closing = False
        self._restart_at = RESTART_PAGES
        self._thread = threading.Thread(target=self._checkpoint_when_wanted, name="lambent-checkpoint", daemon=True)
        self._thread.start()

    def after_commit(self) -> None:
        """The connection counts its pages itself: a hook would take the interpreter in the middle of each commit."""
        self._written += self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE, True)[0]
        if self._written < PASSIVE_PAGES:
            return
        self._written = 0
        if self._length > self._restart_at:
            self._restart()
        else:
            self._wanted.set()

    def close(self) -> None:
        self._closing = True
        self._wanted.set()
        self._thread.join()

    def _restart(self) -> None:
        """A long reader may prevent it: then try again only after as much growth once more."""
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
            self._length, self._restart_at = 0, RESTART_PAGES
        except DISK_ERRORS:
            self._restart_at = self._length + RESTART_PAGES

    def _checkpoint_when_wanted(self) -> None:
        connection = open_connection(self._path)
        while True:
            self._wanted.wait()
            self._wanted.clear()  # before looking: a wish that comes meanwhile is not lost
            if self._closing:
                break
            with contextlib.suppress(*DISK_ERRORS):  # the next commit meets the same disk and tells who waits for it
                self._length, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        connection.close()
