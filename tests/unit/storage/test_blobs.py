"""Large object bytes: whole or not at all, digests of every byte, leftovers swept."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from lambent.kit.ids import RandomIds
from lambent.storage.blobs import PIECE_BYTES, BlobStore


def test_blob_is_what_was_written_and_digests_saw_it(tmp_path: Path) -> None:
    async def main() -> None:
        blobs = BlobStore(tmp_path / "blobs", RandomIds())
        pieces = [os.urandom(size) for size in (1, PIECE_BYTES - 1, PIECE_BYTES + 3, 0, 70_000)]
        digest = hashlib.md5()
        writer = await blobs.create([digest])
        for piece in pieces:
            await writer.write(piece)
        blob_id = await writer.finish()
        whole = b"".join(pieces)
        assert (tmp_path / "blobs" / blob_id[:2] / blob_id).read_bytes() == whole
        assert writer.length == len(whole)
        assert digest.digest() == hashlib.md5(whole).digest()
        blobs.close()

    asyncio.run(main())


def test_unfinished_and_unreferenced_blobs_are_swept(tmp_path: Path) -> None:
    async def main() -> None:
        blobs = BlobStore(tmp_path / "blobs", RandomIds())
        live = await (await blobs.create()).finish()
        dead = await (await blobs.create()).finish()
        abandoned = await blobs.create()
        await abandoned.write(bytes(PIECE_BYTES))
        blobs.close()
        again = BlobStore(tmp_path / "blobs", RandomIds())
        assert again.sweep(lambda blob_id: blob_id == live) == 2
        os.close(again.open(live))
        with pytest.raises(FileNotFoundError):
            again.open(dead)
        again.close()

    asyncio.run(main())


def test_directories_are_made_for_the_first_blobs(tmp_path: Path) -> None:
    async def main() -> None:
        blobs = BlobStore(tmp_path / "blobs", RandomIds())
        assert blobs.sweep(lambda _: False) == 0
        assert list(tmp_path.iterdir()) == []
        ids = [await writer.finish() for writer in await asyncio.gather(*[blobs.create() for _ in range(8)])]
        assert len({*map(blobs.path, ids)}) == len(list((tmp_path / "blobs").glob("??/*"))) == 8
        assert len(list((tmp_path / "blobs").iterdir())) == 257
        blobs.close()

    asyncio.run(main())


def test_discarded_blob_leaves_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        blobs = BlobStore(tmp_path / "blobs", RandomIds())
        writer = await blobs.create()
        await writer.write(b"x")
        await writer.discard()
        assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []
        blobs.close()

    asyncio.run(main())


def test_open_reader_outlives_delete(tmp_path: Path) -> None:
    async def main() -> None:
        blobs = BlobStore(tmp_path / "blobs", RandomIds())
        writer = await blobs.create()
        await writer.write(b"still here")
        blob_id = await writer.finish()
        fd = blobs.open(blob_id)
        blobs.delete(blob_id)
        assert os.pread(fd, 100, 0) == b"still here"
        os.close(fd)
        blobs.delete(blob_id)
        blobs.close()

    asyncio.run(main())
