"""Whose turn it is, among the processes that run tests of this checkout: many at the same time, or one alone.

Two locks: who wants to begin passes the gate first, and holds it until it has the room. So who wants the room alone
waits for those inside only, not for all who would come after it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    with (folder / "room").open("w") as room:
        with (folder / "gate").open("w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(room, fcntl.LOCK_UN)  # closing is not enough where a process was forked that has it open, too
