"""Slow clients are cut off, each at the part of a request that it dawdles over."""

import asyncio
import os
from pathlib import Path

import pytest
import uvloop

from lambent.net.limits import Limits
from lambent.wire.http import ClientDisconnected, FileSlice, Request, Response
from unit.net.talking import get, talking

pytestmark = pytest.mark.alone


async def echo(request: Request) -> Response:
    return Response(200, {}, await request.body.read(1_000_000))


def test_a_head_that_does_not_end() -> None:
    async def main() -> None:
        async with talking(echo, Limits(head_seconds=0.1, linger_seconds=0.1)) as client:
            await client.send(b"GET / HTTP/1.1\r\nhost")
            answer = await client.receive()
            assert (answer.status, b"RequestTimeout" in answer.body) == (400, True)
            assert await client.ended()

    uvloop.run(main())


def test_a_head_that_comes_byte_by_byte() -> None:
    async def main() -> None:
        async with talking(echo, Limits(head_seconds=0.15, linger_seconds=1)) as client:
            for byte in get()[:15]:
                await client.send(bytes([byte]))
                await asyncio.sleep(0.02)
            assert (await client.receive()).status == 400

    uvloop.run(main())


def test_a_connection_without_requests() -> None:
    async def main() -> None:
        async with talking(echo, Limits(idle_seconds=0.1)) as client:
            assert await client.ended()
        async with talking(echo, Limits(idle_seconds=0.2)) as client:
            await client.send(get())
            assert (await client.receive()).status == 200
            await asyncio.sleep(0.1)
            await client.send(get())
            assert (await client.receive()).status == 200
            assert await client.ended()

    uvloop.run(main())


@pytest.mark.parametrize("drip", [b"", b"x"])
def test_a_body_that_does_not_come_on(drip: bytes) -> None:
    async def upload(request: Request) -> Response:
        try:
            return await echo(request)
        except ClientDisconnected:
            outcomes.append("discarded")
            raise

    outcomes: list[str] = []

    async def main() -> None:
        limits = Limits(body_window_seconds=0.1, linger_seconds=0.1)
        async with talking(upload, limits) as client:
            await client.send(get("/", "content-length: 1000", method="PUT") + b"abc")
            while not outcomes:
                await client.send(drip)
                await asyncio.sleep(0.01)
            answer = await client.receive()
            assert (answer.status, b"RequestTimeout" in answer.body) == (400, True)
            assert await client.ended()

    uvloop.run(main())
    assert outcomes == ["discarded"]


def test_a_body_is_not_slow_while_nobody_asks_for_it() -> None:
    async def patient(request: Request) -> Response:
        await asyncio.sleep(0.3)
        return await echo(request)

    async def main() -> None:
        async with talking(patient, Limits(body_window_seconds=0.1)) as client:
            await client.send(get("/", "content-length: 3", method="PUT"))
            await asyncio.sleep(0.25)
            await client.send(b"abc")
            assert (await client.receive()).body == b"abc"

    uvloop.run(main())


def test_a_steady_slow_body_gets_through() -> None:
    async def main() -> None:
        async with talking(echo, Limits(body_window_seconds=0.1, body_window_bytes=10)) as client:
            await client.send(get("/", "content-length: 600", method="PUT"))
            for _ in range(30):
                await client.send(bytes(20))
                await asyncio.sleep(0.01)
            assert (await client.receive()).body == bytes(600)

    uvloop.run(main())


@pytest.mark.parametrize("form", ["bytes", "file"])
def test_a_response_that_is_not_taken(form: str, tmp_path: Path) -> None:
    size = 50_000_000
    path = tmp_path / "content"
    path.write_bytes(b"")
    os.truncate(path, size)

    async def large(request: Request) -> Response:
        return Response(200, {}, bytes(size) if form == "bytes" else FileSlice(os.open(path, os.O_RDONLY), 0, size))

    async def main() -> None:
        async with talking(large, Limits(write_stall_seconds=0.2)) as client:
            await client.send(get())
            await client.reader.readexactly(100)
            await asyncio.sleep(0.8)
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await client.reader.readexactly(size)

    uvloop.run(main())


def test_a_response_that_is_taken_slowly_arrives(tmp_path: Path) -> None:
    size = 8_000_000
    path = tmp_path / "content"
    path.write_bytes(os.urandom(size))

    async def large(request: Request) -> Response:
        return Response(200, {}, FileSlice(os.open(path, os.O_RDONLY), 0, size))

    async def main() -> None:
        async with talking(large, Limits(write_stall_seconds=0.2)) as client:
            await client.send(get())
            await client.reader.readuntil(b"\r\n\r\n")
            received = b""
            while len(received) < size:
                received += await client.reader.readexactly(min(1_000_000, size - len(received)))
                await asyncio.sleep(0.05)
            assert received == path.read_bytes()

    uvloop.run(main())
