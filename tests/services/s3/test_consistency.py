"""The operations on a real database, without HTTP: what needs a hand on the moment between two steps."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lambent.kit.clock import VirtualClock
from lambent.kit.ids import CountedIds
from lambent.services.caller import Caller
from lambent.services.s3 import store
from lambent.services.s3.notification_operations import Telling
from lambent.services.s3.notifications import ChangeRecord
from lambent.services.s3.operations import S3Operations
from lambent.storage import log
from lambent.storage.blobs import BlobStore
from lambent.storage.database import Database
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError
from lambent.wire.http import BytesBody, ClientDisconnected, FileSlice

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", "test", "REQUEST1", "192.0.2.7")
LARGE = os.urandom(100_000)
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:build"
EVERYTHING = {"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"], "Id": "all"}


class BrokenBody:
    """A client that goes away in the middle."""

    length = len(LARGE)
    trailers: Mapping[str, str] = {}

    async def read(self, limit: int) -> bytes:
        raise ClientDisconnected(f"before {limit} bytes had come")

    async def chunks(self) -> AsyncIterator[bytes]:
        yield LARGE[:50_000]
        raise ClientDisconnected


@dataclass
class World:
    database: Database
    blobs: BlobStore
    directory: Path
    clock: VirtualClock
    s3: S3Operations

    async def put(self, key: str, body: bytes, **more: Any) -> Any:
        request = {"Bucket": "box", "Key": key, "Body": BytesBody(body), **more}
        return await self.s3.put_object(CALLER, request)

    async def get(self, key: str, **more: Any) -> bytes:
        result = await self.s3.get_object(CALLER, {"Bucket": "box", "Key": key, **more})
        return await drained(result["Body"])

    async def delete(self, key: str) -> None:
        await self.s3.delete_object(CALLER, {"Bucket": "box", "Key": key})

    async def upload(self, key: str, *bodies: bytes) -> None:
        here = {"Bucket": "box", "Key": key}
        upload_id = (await self.s3.create_multipart_upload(CALLER, here))["UploadId"]
        parts = []
        for number, body in enumerate(bodies, start=1):
            request = {**here, "UploadId": upload_id, "PartNumber": number}
            sent = await self.s3.upload_part(CALLER, {**request, "Body": BytesBody(body)})
            parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        completion = {**here, "UploadId": upload_id, "MultipartUpload": {"Parts": parts}}
        await self.s3.complete_multipart_upload(CALLER, completion)

    async def listen(self) -> None:
        document = {"LambdaFunctionConfigurations": [EVERYTHING]}
        request = {"Bucket": "box", "NotificationConfiguration": document}
        await self.s3.put_bucket_notification_configuration(CALLER, request)

    def records(self) -> list[ChangeRecord]:
        rows = self.database.read(lambda tx: log.read_after(tx, "s3", 0, 100))
        return [ChangeRecord.from_bytes(row.payload) for row in rows]

    async def files(self) -> list[Path]:
        """When everything that was to be deleted is."""
        for _ in range(4):  # each deleting thread takes one
            await self.blobs.in_thread(lambda: None)
        await asyncio.sleep(0.05)
        return [path for path in self.directory.rglob("*") if path.is_file()]


async def drained(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, FileSlice):
        try:
            return os.pread(body.fd, body.length, body.offset)
        finally:
            os.close(body.fd)
    return b"".join([piece async for piece in body])


@asynccontextmanager
async def world(path: Path) -> AsyncIterator[World]:
    clock, ids = VirtualClock(), CountedIds()
    database, blobs = Database.open(path / "db"), BlobStore(path / "blobs", ids)

    def tell(tx: Transaction, telling: Telling) -> str | None:
        return None if telling.target_arn == FUNCTION else "there is no such function"

    s3 = S3Operations(database=database, blobs=blobs, clock=clock, ids=ids, tell=tell)
    if database.read(lambda tx: store.find_bucket(tx, "box")) is None:
        await s3.create_bucket(CALLER, {"Bucket": "box"})
    try:
        yield World(database, blobs, path / "blobs", clock, s3)
    finally:
        await database.close()
        blobs.close()


Story = Callable[[World], Awaitable[None]]


def tell(path: Path, story: Story) -> None:
    async def told() -> None:
        async with world(path) as here:
            await story(here)

    asyncio.run(told())


@pytest.mark.parametrize("replacement", [b"small", LARGE[::-1], None])
def test_whoever_reads_an_object_reads_on_when_it_is_replaced_or_deleted(
    tmp_path: Path, replacement: bytes | None
) -> None:
    async def story(here: World) -> None:
        await here.put("k", LARGE)
        reading = await here.s3.get_object(CALLER, {"Bucket": "box", "Key": "k"})
        if replacement is None:
            await here.delete("k")
        else:
            await here.put("k", replacement)
        assert await drained(reading["Body"]) == LARGE
        assert len(await here.files()) == (1 if replacement and len(replacement) > 50_000 else 0)

    tell(tmp_path, story)


def test_the_files_of_a_multipart_object_stay_until_its_last_reader_is_done(tmp_path: Path) -> None:
    first = os.urandom(5 * 1024**2)

    async def story(here: World) -> None:
        await here.upload("k", first, LARGE)
        body = (await here.s3.get_object(CALLER, {"Bucket": "box", "Key": "k"}))["Body"]
        begun = await anext(body)
        await here.delete("k")
        assert len(await here.files()) == 2
        assert begun + await drained(body) == first + LARGE
        assert await here.files() == []

    tell(tmp_path, story)


def test_readers_and_writers_of_one_key_never_mix(tmp_path: Path) -> None:
    """Every read is one whole version, with the ETag and length that belong to it."""
    versions = [bytes([number]) * size for number, size in enumerate([10, 40_000, 70_000, 20, 200_000])]

    async def story(here: World) -> None:
        await here.put("k", versions[0])

        async def write() -> None:
            for _ in range(5):
                for version in versions:
                    await here.put("k", version)

        async def read() -> None:
            for _ in range(40):
                result = await here.s3.get_object(CALLER, {"Bucket": "box", "Key": "k"})
                content = await drained(result["Body"])
                assert content in versions
                assert len(content) == result["ContentLength"]
                await asyncio.sleep(0)

        await asyncio.gather(write(), write(), *(read() for _ in range(4)))
        assert len(await here.files()) == 1

    tell(tmp_path, story)


def test_what_a_client_did_not_finish_leaves_nothing(tmp_path: Path) -> None:
    async def story(here: World) -> None:
        with pytest.raises(ClientDisconnected):
            await here.s3.put_object(CALLER, {"Bucket": "box", "Key": "k", "Body": BrokenBody()})
        assert await here.files() == []
        with pytest.raises(ServiceError):
            await here.get("k")

    tell(tmp_path, story)


def test_what_a_condition_refuses_leaves_nothing(tmp_path: Path) -> None:
    async def story(here: World) -> None:
        await here.put("k", b"first")
        with pytest.raises(ServiceError):
            await here.put("k", LARGE, IfNoneMatch="*")
        assert await here.files() == []
        assert await here.get("k") == b"first"

    tell(tmp_path, story)


def test_the_sweep_removes_what_no_row_refers_to(tmp_path: Path) -> None:
    async def before(here: World) -> None:
        await here.put("kept", LARGE)
        await here.upload("parts", LARGE)
        writer = await here.blobs.create()
        await writer.write(b"a crash came between the file and its row")
        await writer.finish()
        await (await here.blobs.create()).write(b"or before the file was whole")

    async def after(here: World) -> None:
        assert len(await here.files()) == 4
        assert await here.s3.sweep() == 2
        assert await here.get("kept") == await here.get("parts") == LARGE

    tell(tmp_path, before)
    tell(tmp_path, after)


def test_every_change_reaches_the_log_with_the_object(tmp_path: Path) -> None:
    async def story(here: World) -> None:
        await here.put("unheard", b"x")
        await here.listen()
        await here.put("a b", b"hello")
        await here.s3.copy_object(CALLER, {"Bucket": "box", "Key": "copy", "CopySource": "box/a b"})
        await here.upload("parts", b"part")
        await here.delete("a b")
        await here.delete("was never there")
        await here.s3.delete_objects(CALLER, {"Bucket": "box", "Delete": {"Objects": [{"Key": "copy"}]}})
        records = here.records()
        assert [(record.event_name, record.key) for record in records] == [
            ("ObjectCreated:Put", "a b"),
            ("ObjectCreated:Copy", "copy"),
            ("ObjectCreated:CompleteMultipartUpload", "parts"),
            ("ObjectRemoved:Delete", "a b"),
            ("ObjectRemoved:Delete", "copy"),
        ]
        put = records[0]
        assert (put.size, put.etag, put.bucket) == (5, "5d41402abc4b2a76b9719d911017c592", "box")
        assert (put.principal_id, put.source_ip, put.request_id) == ("AWS:test", "192.0.2.7", "REQUEST1")
        assert put.time_ms == here.clock.now_ms()
        sequencers = [record.sequencer for record in records]
        assert sequencers == sorted(set(sequencers))

    tell(tmp_path, story)


def test_what_failed_is_not_in_the_log(tmp_path: Path) -> None:
    async def story(here: World) -> None:
        await here.listen()
        await here.put("k", b"x")
        for attempt in (
            here.put("k", b"y", IfNoneMatch="*"),
            here.put("k", b"y", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA=="),
            here.s3.delete_object(CALLER, {"Bucket": "box", "Key": "k", "IfMatch": '"other"'}),
        ):
            with pytest.raises(ServiceError):
                await attempt
        assert len(here.records()) == 1

    tell(tmp_path, story)


def test_a_destination_is_asked_for_and_configurations_are_found(tmp_path: Path) -> None:
    async def story(here: World) -> None:
        assert here.database.read(lambda tx: store.notification_configuration(tx, "box")) is None
        await here.listen()
        found = here.database.read(lambda tx: store.notification_configuration(tx, "box"))
        assert found is not None
        assert [function.configuration_id for function in found.targets] == ["all"]
        unknown = {**EVERYTHING, "LambdaFunctionArn": FUNCTION + "-unknown"}
        with pytest.raises(ServiceError) as refused:
            await here.s3.put_bucket_notification_configuration(
                CALLER,
                {"Bucket": "box", "NotificationConfiguration": {"LambdaFunctionConfigurations": [unknown]}},
            )
        assert "Unable to validate" in refused.value.message

    tell(tmp_path, story)


def test_a_changed_bucket_is_never_remembered_as_it_was(tmp_path: Path) -> None:
    """Rows of buckets are kept in memory; also a request that was cancelled in the middle may have changed one."""

    async def story(here: World) -> None:
        for number in range(20):
            tags = {"TagSet": [{"Key": "n", "Value": str(number)}]}
            change = asyncio.ensure_future(here.s3.put_bucket_tagging(CALLER, {"Bucket": "box", "Tagging": tags}))
            await asyncio.sleep(0)
            await here.s3.head_bucket(CALLER, {"Bucket": "box"})
            if number % 2:
                change.cancel()
            await asyncio.gather(change, return_exceptions=True)
            await here.database.write(lambda tx: tx.rows("SELECT 1"))
            row = here.database.read(lambda tx: store.find_bucket(tx, "box"))
            assert row is not None
            shown = await here.s3.get_bucket_tagging(CALLER, {"Bucket": "box"})
            assert row.tags == f'[["n","{shown["TagSet"][0]["Value"]}"]]'

    tell(tmp_path, story)


def test_nothing_is_put_into_a_bucket_that_is_being_deleted(tmp_path: Path) -> None:
    async def story(here: World) -> None:
        outcomes = await asyncio.gather(
            *(here.put(f"k{number}", b"x") for number in range(10)),
            here.s3.delete_bucket(CALLER, {"Bucket": "box"}),
            *(here.put(f"l{number}", b"x") for number in range(10)),
            return_exceptions=True,
        )
        codes = {outcome.code for outcome in outcomes if isinstance(outcome, ServiceError)}
        is_there = here.database.read(lambda tx: store.find_bucket(tx, "box")) is not None
        assert codes == ({"BucketNotEmpty"} if is_there else {"NoSuchBucket"})

    tell(tmp_path, story)
