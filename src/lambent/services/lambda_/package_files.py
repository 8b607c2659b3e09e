"""Deployment packages on disk: `packages/<sha256>/package.zip` and, unpacked from it, `packages/<sha256>/code/`.

A folder appears whole or not at all: everything is written and synced under a temporary name, then renamed. The same
zip is kept once, however many functions use it. A folder goes when no function refers to it and nobody is about to:
`keep` holds it until the row that refers to it is committed.
"""

import asyncio
import contextlib
import errno
import hashlib
import io
import os
import shutil
import uuid
import zipfile
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from lambent.kit.frozen import frozen
from lambent.services.lambda_ import packages
from lambent.storage.errors import StorageFull

#: Unpacking is disk and processor work; more at once only gets in the way of requests.
MAX_UNPACKING = 2

#: From this many files on, one sync of the whole file system is cheaper than one per file.
MANY_FILES = 64

COPY_BYTES = 1024 * 1024

_TEMPORARY = ".unpacking-"
_ZIP = "package.zip"


@frozen
class Package:
    sha256: str
    """Hexadecimal."""
    size_bytes: int


class PackageFiles:
    def __init__(self, directory: Path, *, is_used: Callable[[str], bool]) -> None:
        """Creates the directory; removes what a killed process left half-written.

        `is_used` says whether a function refers to the package with this sha256.
        """
        self._directory = directory
        self._is_used = is_used
        self._held: Counter[str] = Counter()
        self._unpacking = asyncio.Semaphore(MAX_UNPACKING)
        directory.mkdir(parents=True, exist_ok=True)
        for leftover in directory.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def code_directory(self, sha256: str) -> Path:
        return self._directory / sha256 / "code"

    def zip_path(self, sha256: str) -> Path:
        return self._directory / sha256 / _ZIP

    async def check(self, content: bytes) -> Package:
        """As `keep`, without keeping anything (DryRun). Raises InvalidParameterValue."""
        return await asyncio.to_thread(_inspect, content)

    @contextlib.asynccontextmanager
    async def keep(self, content: bytes) -> AsyncIterator[Package]:
        """Unpack and make durable; inside the context the package is not removed, so that a row can refer to it.

        Raises InvalidParameterValue for what is no usable zip, StorageFull.
        """
        sha256 = await asyncio.to_thread(_digest, content)
        with self.hold(sha256):
            async with self._unpacking:
                await asyncio.to_thread(_unpack, self._directory / sha256, content)
            yield Package(sha256, len(content))

    @contextlib.contextmanager
    def hold(self, sha256: str) -> Iterator[None]:
        """Inside, the package is not removed; whoever wanted to has to ask again."""
        self._held[sha256] += 1
        try:
            yield
        finally:
            self._held[sha256] -= 1
            if not self._held[sha256]:
                del self._held[sha256]

    async def remove(self, sha256: str) -> None:
        """Remove unless held or used; decided and renamed at once, deleted in a thread."""
        folder = self._directory / sha256
        if sha256 in self._held or self._is_used(sha256) or not folder.exists():
            return
        doomed = self._directory / f"{_TEMPORARY}{uuid.uuid4().hex}"
        folder.rename(doomed)
        await asyncio.to_thread(shutil.rmtree, doomed, ignore_errors=True)

    async def sweep(self) -> None:
        """Remove every package that nobody refers to."""
        for folder in list(self._directory.iterdir()):
            if not folder.name.startswith("."):
                await self.remove(folder.name)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _inspect(content: bytes) -> Package:
    with _opened(content) as archive:
        packages.plan_package(archive)
    return Package(_digest(content), len(content))


def _unpack(final: Path, content: bytes) -> None:
    if _is_whole(final):
        return
    shutil.rmtree(final, ignore_errors=True)  # a compiler that outlived its platform may have left some
    temporary = final.parent / f"{_TEMPORARY}{uuid.uuid4().hex}"
    try:
        _write(temporary, content)
        temporary.rename(final)
    except OSError as error:
        if _is_whole(final):  # another upload of the same bytes was faster: its folder stays
            return
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull(f"no space left for a deployment package in {final.parent}") from error
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _sync(final.parent)


def _is_whole(folder: Path) -> bool:
    return (folder / _ZIP).exists()


def _write(temporary: Path, content: bytes) -> None:
    code = temporary / "code"
    with _opened(content) as archive:
        plan = packages.plan_package(archive)
        sync_each = len(plan.files) < MANY_FILES
        for directory in [temporary, code, *(code.joinpath(*path) for path in plan.directories)]:
            directory.mkdir()
            directory.chmod(0o755)
        for file in plan.files:
            _extract(archive, file, code.joinpath(*file.path), sync=sync_each)
    for link in plan.links:
        code.joinpath(*link.path).symlink_to(link.target)
    (temporary / _ZIP).write_bytes(content)
    if sync_each:
        _sync(temporary / _ZIP)
        for path in [*plan.directories, ()]:
            _sync(code.joinpath(*path))
        _sync(temporary)
    else:
        os.sync()


@contextlib.contextmanager
def _opened(content: bytes) -> Iterator[zipfile.ZipFile]:
    """Everything zipfile may complain about while the archive is read becomes AWS's one sentence."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise packages.corrupt() from error


def _extract(archive: zipfile.ZipFile, file: packages.PlannedFile, target: Path, *, sync: bool) -> None:
    with archive.open(file.member) as source, target.open("xb") as sink:
        shutil.copyfileobj(source, sink, COPY_BYTES)
        sink.flush()
        os.fchmod(sink.fileno(), file.mode)
        if sync:
            os.fsync(sink.fileno())


def _sync(path: Path) -> None:
    """A file's content or a directory's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
