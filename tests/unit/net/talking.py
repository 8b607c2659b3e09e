"""A listener on a free port and a client that speaks raw bytes, for the tests beside this file."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import uvloop

from lambent.net.limits import Limits
from lambent.net.listener import Listener
from lambent.net.serving import Handler

Run = Callable[[Coroutine[Any, Any, None]], None]
LOOPS: dict[str, Run] = {"uvloop": uvloop.run, "asyncio": asyncio.run}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    continued: list[bytes] = field(default_factory=list)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self, *, head_only: bool = False) -> Answer:
        """The next final response."""
        while True:
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head[:-4].decode("latin-1").split("\r\n")
            status = int(first.split(" ")[1])
            if status != 100:
                break
            self.continued.append(head)
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return Answer(status, headers, b"" if head_only else await self._body(headers))

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            pieces = []
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                pieces.append(await self.reader.readexactly(size))
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
            return b"".join(pieces)
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        return await self.reader.read() if headers.get("connection") == "close" else b""

    async def ended(self) -> bool:
        """The server has closed its side (or reset the connection), saying nothing more."""
        try:
            return await self.reader.read(1) == b""
        except ConnectionResetError:
            return True


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionResetError, BrokenPipeError):
            await writer.wait_closed()


@asynccontextmanager
async def talking(handler: Handler, limits: Limits | None = None) -> AsyncIterator[Client]:
    """One connection to one listener."""
    async with Listener(handler, limits=limits or Limits()) as listener:
        await listener.bind("127.0.0.1", 0)
        async with connected(listener.port) as client:
            yield client


def get(path: str = "/", *headers: str, method: str = "GET", host: str = "localhost") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
