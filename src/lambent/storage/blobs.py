"""Large object bytes: one file each, written once, never changed.

A blob is written to a temporary name, fsynced, renamed, and its directory fsynced; only then may a row refer to it.
Bytes and digests are worked on in threads, in pieces of a megabyte, so neither the event loop nor memory feels the
size of an upload. What no row refers to (a crash between rename and commit) is swept at start.
"""

import asyncio
import contextlib
import errno
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from lambent.kit.ids import Ids
from lambent.storage.connection import translate

#: Bytes gathered before a thread writes them.
PIECE_BYTES = 1 << 20
#: Threads that write and hash: both wait for the disk and release the interpreter lock.
THREADS = 4


T = TypeVar("T")


class Digest(Protocol):
    """hashlib's objects, and our checksums."""

    def update(self, data: bytes, /) -> None: ...


class BlobWriter:
    """One blob on its way to the disk: `write`*, then `finish` or `discard`."""

    def __init__(self, store: "BlobStore", blob_id: str, fd: int, digests: Sequence[Digest]) -> None:
        self._store = store
        self._blob_id = blob_id
        self._fd = fd
        self._digests = digests
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self.length = 0

    async def write(self, data: bytes) -> None:
        """Raises StorageFull, StorageFailure."""
        self._gathered.append(data)
        self._gathered_bytes += len(data)
        self.length += len(data)
        if self._gathered_bytes >= PIECE_BYTES:
            await self._store.in_thread(self._flush)

    async def finish(self) -> str:
        """The blob's id, when its bytes and its name are on disk. The digests have seen every byte."""
        return await self._store.in_thread(self._finish)

    async def discard(self) -> None:
        """Forget it; harmless after `finish` has failed."""
        await self._store.in_thread(self._discard)

    def _flush(self) -> None:
        pieces, self._gathered, self._gathered_bytes = self._gathered, [], 0
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        for digest in self._digests:
            digest.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def _finish(self) -> str:
        if self._gathered:
            self._flush()
        os.fsync(self._fd)
        os.close(self._fd)
        self._fd = -1
        target = self._store.path(self._blob_id)
        self._store.temporary_path(self._blob_id).rename(target)
        self._store.sync_directory(target.parent)
        return self._blob_id

    def _discard(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._store.temporary_path(self._blob_id).unlink(missing_ok=True)


class BlobStore:
    """A directory of blobs in 256 subdirectories. They are made for the first blob: many never come to have one."""

    def __init__(self, directory: Path, ids: Ids) -> None:
        self._directory = directory
        self._ids = ids
        self._threads = ThreadPoolExecutor(THREADS, "lambent-blobs")
        self._making = threading.Lock()
        self._has_subdirectories = False

    async def create(self, digests: Sequence[Digest] = ()) -> BlobWriter:
        """`digests` are updated with every byte, in the writing thread."""
        blob_id = self._ids.uuid().replace("-", "")
        fd = await self.in_thread(lambda: self._create_file(blob_id))
        return BlobWriter(self, blob_id, fd, digests)

    async def link(self, blob_id: str) -> str | None:
        """A second blob of the same bytes, copying none where the file system can link; None if the first is gone."""
        twin = self._ids.uuid().replace("-", "")
        return twin if await self.in_thread(lambda: self._link(blob_id, twin)) else None

    def open(self, blob_id: str) -> int:
        """A file descriptor to read from; the caller closes it. Raises FileNotFoundError."""
        return os.open(self.path(blob_id), os.O_RDONLY | os.O_CLOEXEC)

    def delete(self, blob_id: str) -> None:
        """Whoever has it open reads on."""
        self.path(blob_id).unlink(missing_ok=True)

    def delete_later(self, blob_ids: Sequence[str]) -> None:
        """The same in a thread, for after a commit; what a crash leaves behind is swept at start."""
        if blob_ids:
            self._threads.submit(self._delete_all, list(blob_ids))

    def sweep(self, is_live: Callable[[str], bool]) -> int:
        """Remove temporaries and blobs that no row refers to; how many. Only while nobody writes."""
        if not (self._directory / "tmp").exists():
            return 0
        dead = list((self._directory / "tmp").iterdir())
        for folder in self._directory.iterdir():
            if folder.name != "tmp":
                dead += [path for path in folder.iterdir() if not is_live(path.name)]
        for path in dead:
            path.unlink(missing_ok=True)
        return len(dead)

    def close(self) -> None:
        self._threads.shutdown()

    def path(self, blob_id: str) -> Path:
        return self._directory / blob_id[:2] / blob_id

    def temporary_path(self, blob_id: str) -> Path:
        return self._directory / "tmp" / blob_id

    def sync_directory(self, directory: Path) -> None:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Raises StorageFull, StorageFailure for what the operating system refuses."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except OSError as error:
            raise translate(error, self._directory) from error

    def _make_subdirectories(self) -> None:
        """Once, while other threads wait: none may use them before they are on disk."""
        with self._making:
            names = [f"{number:02x}" for number in range(256)]
            if not self._has_subdirectories and not (self._directory / names[-1]).exists():
                (self._directory / "tmp").mkdir(parents=True, exist_ok=True)
                for name in names:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(f"{self._directory}/{name}")  # noqa: PTH102 - a third of the time, 256 times
                self.sync_directory(self._directory)
                self.sync_directory(self._directory.parent)
            self._has_subdirectories = True

    def _delete_all(self, blob_ids: Sequence[str]) -> None:
        for blob_id in blob_ids:
            self.delete(blob_id)

    def _link(self, blob_id: str, twin: str) -> bool:
        source, target = self.path(blob_id), self.path(twin)
        try:
            target.hardlink_to(source)
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                raise
            return self._copy(source, twin)
        self.sync_directory(target.parent)
        return True

    def _copy(self, source: Path, twin: str) -> bool:
        try:
            with source.open("rb") as reading, self.temporary_path(twin).open("xb") as writing:
                shutil.copyfileobj(reading, writing, PIECE_BYTES)
                writing.flush()
                os.fsync(writing.fileno())
        except FileNotFoundError:
            return False
        self.temporary_path(twin).rename(self.path(twin))
        self.sync_directory(self.path(twin).parent)
        return True

    def _create_file(self, blob_id: str) -> int:
        if not self._has_subdirectories:
            self._make_subdirectories()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return os.open(self.temporary_path(blob_id), flags, 0o600)
