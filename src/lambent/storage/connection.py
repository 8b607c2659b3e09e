"""Opening SQLite as we need it: WAL, every commit on disk, no automatic checkpoints; and its errors in our words.

SQLite before 3.51.3 can corrupt a WAL that two connections checkpoint at once (sqlite.org/wal.html, "the WAL-reset
bug"), so an older library is refused.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from lambent.storage.errors import StorageError, StorageFailure, StorageFull

#: Statements kept prepared per connection; more than all stores together have.
STATEMENT_CACHE = 512
#: Page cache of one connection.
CACHE_KIB = 8 * 1024
#: How long a connection waits for a lock that only a checkpoint or a foreign program can hold.
BUSY_TIMEOUT_MS = 10_000

_MINIMUM_VERSION = (3, 51, 3)

#: What `translate` understands, for `except` clauses.
DISK_ERRORS = (
    apsw.FullError,
    apsw.IOError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.BusyError,
    apsw.LockedError,
    OSError,
)


def open_connection(path: Path, *, read_only: bool = False) -> apsw.Connection:
    if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < _MINIMUM_VERSION:
        raise StorageFailure(
            f"SQLite {apsw.sqlite_lib_version()} can corrupt a busy database; install apsw 3.51.3 or newer"
        )
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    with translated_errors(path):
        connection = apsw.Connection(
            str(path), flags=flags | apsw.SQLITE_OPEN_NOMUTEX, statementcachesize=STATEMENT_CACHE
        )
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        # A plan that looks at bound values is made again for each new one: a look-up took 13 us instead of 3.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA wal_autocheckpoint=0")
            connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute("PRAGMA temp_store=MEMORY")
    return connection


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Disk trouble as StorageError; a programming error (wrong SQL, broken constraint) stays what it is."""
    try:
        yield
    except DISK_ERRORS as error:
        raise translate(error, path) from error


def translate(error: Exception, path: Path) -> StorageError:
    if isinstance(error, StorageError):
        return error
    if isinstance(error, apsw.FullError) or (
        isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    ):
        return StorageFull(f"no space left for {path.parent}; free some and send the request again")
    return StorageFailure(f"{path}: {error}")
