"""The exporter: writes exports whose items have been copied into their buckets, woken by the end of a copy.

First `_started`, then the data files, then the manifests, of which the summary comes last: who sees it sees all. What a
crash has interrupted is written again from the beginning, under the same names. An object that S3 refuses ends the
export; a full disk does not.
"""

import hashlib
import logging
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import field

from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen, mutable
from lambent.services.dynamodb import copy_store, export_store, exports, holder_store
from lambent.services.dynamodb.exports import DataFile, Export, Failure
from lambent.services.dynamodb.keys import Key
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

#: Items that are read and compressed at a time.
PORTION = 50
#: A data file is closed when it has so many bytes; it is held in memory until then.
FILE_BYTES = 16 * 1024 * 1024
#: Pause after a failure (a full disk, or a bug) before the same export is written again.
RETRY_SECONDS = 5.0

#: zlib's code for the gzip format.
_GZIP = 16 + zlib.MAX_WBITS

logger = logging.getLogger(__name__)


@frozen
class ExportedObject:
    """What goes into the bucket, with the rights of whoever asked for the export."""

    export: Export
    key: str
    content: bytes


#: Returns the ETag when it is on disk. Raises ServiceError as S3 would.
PutExported = Callable[[ExportedObject], Awaitable[str]]


@mutable
class _Growing:
    """A data file that is not full yet."""

    last: Key
    """Of its items; of the file before while it has none."""
    content: bytearray = field(default_factory=bytearray)
    items: int = 0
    size_bytes: int = 0
    """As DynamoDB counts them."""
    is_last: bool = False


class Exporter:
    def __init__(self, database: Database, clock: Clock, put_object: PutExported) -> None:
        self._database = database
        self._clock = clock
        self._put_object = put_object

    async def run(self) -> None:
        """Write for ever, until cancelled."""
        ended = self._database.subscribe(copy_store.COPIES_TOPIC)
        while True:
            try:
                await self.work_off()
            except Exception:
                # Whatever it is: the export must wait for its mending, and not stop the platform.
                logger.exception("an export failed; it is written again")
                await self._clock.sleep(RETRY_SECONDS)
            else:
                await ended.wait()

    async def work_off(self) -> None:
        """All that can be written now."""
        while (export := self._database.read(export_store.next_to_write)) is not None:
            try:
                items, size_bytes = await self._write(export)
            except ServiceError as error:
                failure = Failure(f"S3{error.code}", error.message)
                await self._database.write(lambda tx: self._fail(tx, export, failure))  # noqa: B023 (awaited here)
            else:
                await self._database.write(
                    lambda tx: self._complete(tx, export, items, size_bytes)  # noqa: B023 (awaited here)
                )

    async def _write(self, export: Export) -> tuple[int, int]:
        """Items, and bytes of them."""
        await self._put(export, f"{export.folder}_started", b"")
        files: list[DataFile] = []
        size_bytes, last = 0, Key(b"", b"")
        while True:
            grown = await self._database.scan(lambda tx: _fill(tx, export, last))  # noqa: B023 (awaited here)
            key, content = exports.data_key(export, len(files)), bytes(grown.content)
            etag = await self._put(export, key, content)
            files.append(DataFile(key, grown.items, hashlib.md5(content, usedforsecurity=False).digest(), etag))
            size_bytes, last = size_bytes + grown.size_bytes, grown.last
            if grown.is_last:
                break
        items, now_ms = sum(file.items for file in files), self._clock.now_ms()
        written = exports.manifests(export, files, items=items, size_bytes=size_bytes, now_ms=now_ms)
        for key, content in written.items():
            await self._put(export, key, content)
        return items, size_bytes

    async def _put(self, export: Export, key: str, content: bytes) -> str:
        return await self._put_object(ExportedObject(export, key, content))

    def _complete(self, tx: Transaction, export: Export, items: int, size_bytes: int) -> None:
        now_ms = self._clock.now_ms()
        export_store.complete_export(tx, export, items=items, size_bytes=size_bytes, now_ms=now_ms)
        holder_store.let_go(tx, export.holder_id, now_ms=now_ms)

    def _fail(self, tx: Transaction, export: Export, failure: Failure) -> None:
        now_ms = self._clock.now_ms()
        export_store.fail_export(tx, export, failure, now_ms=now_ms)
        holder_store.let_go(tx, export.holder_id, now_ms=now_ms)


def _fill(tx: Transaction, export: Export, after: Key) -> _Growing:
    """A data file with the items behind `after`, in the thread of a long read."""
    file, gzip = _Growing(after), zlib.compressobj(wbits=_GZIP)
    while len(file.content) < FILE_BYTES:
        found = export_store.read_items(tx, export, file.last, PORTION)
        file.content += gzip.compress(b"".join([exports.line_of(encoded) for _, encoded, _ in found]))
        file.items += len(found)
        file.size_bytes += sum([size for *_, size in found])
        if found:
            file.last = found[-1][0]
        if len(found) < PORTION:
            file.is_last = True
            break
    file.content += gzip.flush()
    return file
