"""One Lambent per data directory, and the second is told who the first is."""

import os
from pathlib import Path

import pytest

from lambent.storage.errors import DataDirectoryBusy
from lambent.storage.lock import DirectoryLock


def test_second_holder_is_told_who_has_it(tmp_path: Path) -> None:
    lock = DirectoryLock.acquire(tmp_path)
    lock.note("http://127.0.0.1:4566")
    with pytest.raises(DataDirectoryBusy, match=rf"process {os.getpid()} at http://127.0.0.1:4566 since .*--data"):
        DirectoryLock.acquire(tmp_path)
    lock.release()
    DirectoryLock.acquire(tmp_path).release()


def test_holder_without_a_note_is_still_respected(tmp_path: Path) -> None:
    lock = DirectoryLock.acquire(tmp_path)
    with pytest.raises(DataDirectoryBusy, match="another Lambent process"):
        DirectoryLock.acquire(tmp_path)
    lock.release()
