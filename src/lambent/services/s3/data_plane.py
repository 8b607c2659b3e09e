"""Object bytes on their way in and out.

In: small bodies are collected, larger ones stream into a file whose digests are computed by the writing thread; nothing
is visible until a row refers to it. Out: a small object came with its row; one file is sent by the listener straight
from its descriptor; an object of parts is read piece by piece, and its files are kept until the last reader is done.
"""

import hashlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable

from lambent.kit.frozen import frozen
from lambent.services.s3 import checksums, errors, store
from lambent.services.s3.checksums import Announced, Digest
from lambent.services.s3.ranges import ByteRange
from lambent.services.s3.records import FULL_OBJECT, Part, StoredObject
from lambent.storage.blobs import BlobStore, BlobWriter
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction
from lambent.wire.http import Body, FileSlice

#: Up to here bytes are kept in the database: one commit, no file (measured; see DESIGN "object bytes").
INLINE_LIMIT = 32 * 1024
#: One PutObject or UploadPart (S3 user guide, "Amazon S3 multipart upload limits").
MAX_UPLOAD_BYTES = 5 * 1024**3
#: Bytes read at once from the files of a multipart object.
READ_BYTES = 1 << 20
#: Parts looked up on the event loop; more go to a reader thread.
_FEW_PARTS = 100

Content = bytes | FileSlice | AsyncIterator[bytes]


class BytesGone(Exception):
    """The object was replaced or deleted between its row and its file: look at the row again."""


@frozen
class Received:
    """A body that is safely here, though nobody can see it yet."""

    size: int
    md5: bytes
    algorithm: str
    checksum: str
    data: bytes | None
    blob_id: str | None

    @property
    def etag(self) -> str:
        return self.md5.hex()


@frozen
class Expected:
    """What the client said about its body."""

    checksum: Announced = checksums.NOTHING_SAID
    md5: bytes | None = None
    default_algorithm: str = checksums.DEFAULT_ALGORITHM
    """Computed when the client chose none."""
    keep_algorithm: str | None = None
    """Computed and kept whatever the client chose: that of the upload a part belongs to."""


NOTHING_EXPECTED = Expected()


class _Tally:
    """The digests of one body."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        said = expected.checksum.algorithm
        self._sent_as = said.name if said else None
        names = {expected.keep_algorithm or self._sent_as or expected.default_algorithm, self._sent_as}
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._by_name: dict[str, Digest] = {
            name: checksums.ALGORITHMS[name].start() for name in names if name is not None
        }

    @property
    def digests(self) -> list[Digest]:
        return [self._md5, *self._by_name.values()]

    def update(self, data: bytes) -> None:
        for digest in self.digests:
            digest.update(data)

    def settle(self, body: Body | None) -> tuple[str, str] | Announced:
        """(algorithm, checksum) to keep; or what a trailer promises in an algorithm that we did not compute.

        Raises BadDigest, InvalidRequest.
        """
        expected = self._expected
        said = checksums.settle(expected.checksum, body.trailers) if body is not None else expected.checksum
        if said.algorithm is not None and said.algorithm.name not in self._by_name:
            return said
        checksums.verify_md5(expected.md5, self.md5)
        computed = {name: digest.digest() for name, digest in self._by_name.items()}
        if said.algorithm is not None:
            checksums.verify(said, computed[said.algorithm.name])
        sent_as = said.algorithm.name if said.algorithm else None
        kept = expected.keep_algorithm or sent_as or expected.default_algorithm
        return kept, checksums.verify(checksums.NOTHING_SAID, computed[kept])

    @property
    def md5(self) -> bytes:
        return self._md5.digest()


class DataPlane:
    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs
        self._reading: Counter[str] = Counter()
        self._doomed: set[str] = set()

    # In

    async def receive(
        self, body: Body, expected: Expected = NOTHING_EXPECTED, *, always_file: bool = False
    ) -> Received:
        """All of a request's body. Raises EntityTooLarge, BadDigest, InvalidRequest."""
        length = body.length
        _check_size(length or 0)
        if length is not None and length <= INLINE_LIMIT and not always_file:
            return await self._keep_small(await body.read(INLINE_LIMIT), expected, body)
        return await self._receive_pieces(body.chunks(), expected, body, always_file=always_file)

    async def duplicate(
        self, stored: StoredObject, data: bytes | None, algorithm: str, *, span: ByteRange | None, always_file: bool
    ) -> Received:
        """The bytes of an object (or a span of them) once more, with a checksum over all of them in `algorithm`.

        A whole file is linked, not copied, if its digests are known. Raises BytesGone.
        """
        is_known = stored.checksum_algorithm == algorithm and stored.checksum_type == FULL_OBJECT and not stored.parts
        if span is None and is_known and (data is None or not always_file):
            blob_id = None if stored.blob_id is None else await self._twin(stored.blob_id)
            return Received(stored.size, bytes.fromhex(stored.etag), algorithm, stored.checksum, data, blob_id)
        pieces = await self.pieces(stored, data, span)
        expected = Expected(default_algorithm=algorithm)
        return await self._receive_pieces(pieces, expected, None, always_file=always_file)

    async def _twin(self, blob_id: str) -> str:
        twin = await self._blobs.link(blob_id)
        if twin is None:
            raise BytesGone
        return twin

    def discard(self, received: Received) -> None:
        """It will not become visible."""
        if received.blob_id is not None:
            self._blobs.delete_later([received.blob_id])

    async def _receive_pieces(
        self, pieces: AsyncIterator[bytes], expected: Expected, body: Body | None, *, always_file: bool
    ) -> Received:
        gathered = bytearray()
        writer: BlobWriter | None = None
        tally = _Tally(expected)
        try:
            async for piece in pieces:
                if writer is None:
                    gathered += piece
                    if len(gathered) <= INLINE_LIMIT and not always_file:
                        continue
                    writer = await self._blobs.create(tally.digests)
                    piece = bytes(gathered)  # noqa: PLW2901 - what was held back, and this one
                await writer.write(piece)
                _check_size(writer.length)
            if writer is None and not always_file:
                return await self._keep_small(bytes(gathered), expected, body)
            writer = writer or await self._blobs.create(tally.digests)
            return await self._keep_file(writer, tally, body)
        except BaseException:
            if writer is not None:
                await writer.discard()
            raise

    async def _keep_small(self, data: bytes, expected: Expected, body: Body | None) -> Received:
        tally = _Tally(expected)
        tally.update(data)
        settled = tally.settle(body)
        if isinstance(settled, Announced):
            return await self._keep_small(data, _with(expected, settled), None)
        return Received(len(data), tally.md5, *settled, data, None)

    async def _keep_file(self, writer: BlobWriter, tally: _Tally, body: Body | None) -> Received:
        blob_id = await writer.finish()
        try:
            settled = tally.settle(body)
            if isinstance(settled, Announced):
                settled = await self._compute_again(blob_id, settled)
        except BaseException:
            self._blobs.delete_later([blob_id])
            raise
        return Received(writer.length, tally.md5, *settled, None, blob_id)

    async def _compute_again(self, blob_id: str, said: Announced) -> tuple[str, str]:
        """For the client that named its algorithm in the trailer only. Raises BadDigest."""
        assert said.algorithm is not None
        algorithm = said.algorithm
        computed = await self._blobs.in_thread(lambda: self._digest_file(blob_id, algorithm.start()))
        return algorithm.name, checksums.verify(said, computed)

    def _digest_file(self, blob_id: str, digest: Digest) -> bytes:
        with self._blobs.path(blob_id).open("rb") as file:
            while piece := file.read(READ_BYTES):
                digest.update(piece)
        return digest.digest()

    # Out

    async def content(self, stored: StoredObject, data: bytes | None, span: ByteRange | None) -> Content:
        """The bytes of an object, or a span of them. Raises BytesGone."""
        if data is not None:
            return data if span is None else data[span.first : span.last + 1]
        if stored.blob_id is not None:
            chosen = span or ByteRange(0, stored.size - 1)
            return FileSlice(self._open(stored.blob_id), chosen.first, chosen.length)
        return await self._content_of_parts(stored, span or ByteRange(0, stored.size - 1))

    async def pieces(self, stored: StoredObject, data: bytes | None, span: ByteRange | None) -> AsyncIterator[bytes]:
        """The same, always to be read here. Raises BytesGone."""
        content = await self.content(stored, data, span)
        if isinstance(content, FileSlice):
            return self._read_slice(content)
        return _once(content) if isinstance(content, bytes) else content

    def forget(self, blob_ids: Iterable[str]) -> None:
        """After the commit that removed the last row about them: delete the files, held ones when they are let go."""
        free = []
        for blob_id in blob_ids:
            if self._reading[blob_id] > 0:
                self._doomed.add(blob_id)
            else:
                del self._reading[blob_id]
                free.append(blob_id)
        self._blobs.delete_later(free)

    async def sweep(self) -> int:
        """At start: remove the files no row refers to; how many."""
        return await self._database.scan(lambda tx: self._blobs.sweep(lambda blob_id: store.blob_is_live(tx, blob_id)))

    def _open(self, blob_id: str) -> int:
        try:
            return self._blobs.open(blob_id)
        except FileNotFoundError as error:
            raise BytesGone from error

    async def _content_of_parts(self, stored: StoredObject, span: ByteRange) -> Content:
        upload_id = stored.upload_id
        assert upload_id is not None
        if stored.size == 0:
            return b""

        def find(tx: Transaction) -> list[Part]:
            return store.parts_between(tx, upload_id, span.first, span.last)

        parts = await self._database.scan(find) if stored.parts > _FEW_PARTS else self._database.read(find)
        if not parts:
            raise BytesGone
        if len(parts) == 1:
            return FileSlice(self._open(parts[0].blob_id), span.first - parts[0].start, span.length)
        return self._read_parts(parts, span)

    async def _read_parts(self, parts: list[Part], span: ByteRange) -> AsyncIterator[bytes]:
        self._reading.update(part.blob_id for part in parts)
        try:
            for part in parts:
                first = max(span.first - part.start, 0)
                last = min(span.last - part.start, part.size - 1)
                slice_ = FileSlice(self._open(part.blob_id), first, last - first + 1)
                async for piece in self._read_slice(slice_):
                    yield piece
        finally:
            self._let_go([part.blob_id for part in parts])

    async def _read_slice(self, chosen: FileSlice) -> AsyncIterator[bytes]:
        offset, end = chosen.offset, chosen.offset + chosen.length
        try:
            while offset < end:
                wanted = min(READ_BYTES, end - offset)
                piece = await self._blobs.in_thread(lambda: os.pread(chosen.fd, wanted, offset))  # noqa: B023 - awaited
                if not piece:
                    raise BytesGone
                offset += len(piece)
                yield piece
        finally:
            os.close(chosen.fd)

    def _let_go(self, blob_ids: list[str]) -> None:
        self._reading.subtract(blob_ids)
        free = [blob_id for blob_id in blob_ids if self._reading[blob_id] == 0]
        for blob_id in free:
            del self._reading[blob_id]
        self._blobs.delete_later([blob_id for blob_id in free if blob_id in self._doomed])
        self._doomed.difference_update(free)


def _with(expected: Expected, said: Announced) -> Expected:
    return Expected(said, expected.md5, expected.default_algorithm, expected.keep_algorithm)


def _check_size(size: int) -> None:
    if size > MAX_UPLOAD_BYTES:
        raise errors.EntityTooLarge(MAX_UPLOAD_BYTES)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
