"""One Lambent per data directory: a lock that the kernel drops with the process, and a note of who holds it."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Self

from lambent.storage.errors import DataDirectoryBusy, StorageFailure


class DirectoryLock:
    """Held until `release` or the end of the process, however it ends."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def acquire(cls, directory: Path) -> Self:
        """Raises DataDirectoryBusy, naming the holder; StorageFailure if there can be no such directory."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
            fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageFailure(
                f"{directory} cannot be used for data ({error.strerror}); choose another directory with --data"
            ) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _describe(os.read(fd, 4096))
            os.close(fd)
            raise DataDirectoryBusy(
                f"{directory} is in use by {holder}; stop that one, or choose another directory with --data"
            ) from error
        return cls(fd)

    def note(self, endpoint: str) -> None:
        """Write down who we are, for the sentence that the next one prints."""
        text = json.dumps({"pid": os.getpid(), "endpoint": endpoint, "since": time.strftime("%Y-%m-%d %H:%M:%S")})
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def release(self) -> None:
        os.ftruncate(self._fd, 0)
        os.close(self._fd)


def _describe(note: bytes) -> str:
    try:
        holder = json.loads(note)
        return f"Lambent process {holder['pid']} at {holder['endpoint']} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "another Lambent process"
