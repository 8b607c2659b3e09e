"""A client that speaks HTTP/2 through h2, and lets a test send frames as it likes; for the tests beside this file."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from hyperframe.frame import Frame

from lambent.net.limits import Limits
from lambent.net.listener import Listener
from lambent.net.serving import Handler

Fields = list[tuple[str, str]]


@dataclass(slots=True)
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    continued: int = 0
    is_complete: bool = False
    reset: ErrorCodes | int | None = None


@dataclass(slots=True)
class Http2Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    h2: H2Connection
    answers: dict[int, Answer] = field(default_factory=lambda: defaultdict(Answer))
    farewells: list[ErrorCodes | int] = field(default_factory=list)
    takes_data: bool = True
    """Whether what is received is acknowledged, so that more may come."""
    is_ended: bool = False
    largest_piece: int = 0

    def request(
        self, stream_id: int, path: str = "/", *more: tuple[str, str], method: str = "GET", end: bool = True
    ) -> int:
        self.h2.send_headers(stream_id, head(path, *more, method=method), end_stream=end)
        return stream_id

    async def flush(self) -> None:
        """The server may have closed by now; what it said before is read all the same."""
        data = self.h2.data_to_send()
        with suppress(ConnectionResetError, BrokenPipeError):
            self.writer.write(data)
            await self.writer.drain()

    async def send(self, *frames: Frame | bytes) -> None:
        """As they are, whatever h2 would say; the server may have had enough."""
        with suppress(ConnectionResetError, BrokenPipeError):
            await self.flush()
            self.writer.write(b"".join(one if isinstance(one, bytes) else one.serialize() for one in frames))
            await self.writer.drain()

    async def receive(self) -> bool:
        """What comes next; False if the connection has ended."""
        with suppress(ConnectionResetError, BrokenPipeError):
            await self.flush()
        try:
            data = await self.reader.read(65_536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.is_ended = True
            return False
        for event in self.h2.receive_data(data):
            self._take(event)
        return True

    async def answer(self, stream_id: int) -> Answer:
        """Complete, or reset."""
        found = self.answers[stream_id]
        while not found.is_complete and found.reset is None:
            assert await self.receive(), "the connection has ended"
        await self.flush()
        return found

    async def end(self) -> list[ErrorCodes | int]:
        """Read until the server closes; why it says it does."""
        while await self.receive():
            pass
        return self.farewells

    def _take(self, event: Event) -> None:
        if isinstance(event, ConnectionTerminated):
            assert event.error_code is not None
            self.farewells.append(event.error_code)
            return
        answer = self.answers[getattr(event, "stream_id", None) or 0]
        if isinstance(event, InformationalResponseReceived):
            answer.continued += 1
        elif isinstance(event, ResponseReceived):
            answer.headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
            answer.status = int(answer.headers.pop(":status"))
        elif isinstance(event, DataReceived):
            answer.body += event.data
            self.largest_piece = max(self.largest_piece, len(event.data))
            if self.takes_data:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            answer.is_complete = True
        elif isinstance(event, StreamReset):
            answer.reset = event.error_code


def head(path: str = "/", *more: tuple[str, str], method: str = "GET") -> Fields:
    return [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path), *more]


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Http2Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    h2 = H2Connection(
        H2Configuration(client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False)
    )
    h2.initiate_connection()
    try:
        yield Http2Client(reader, writer, h2)
    finally:
        writer.close()
        with suppress(ConnectionResetError, BrokenPipeError):
            await writer.wait_closed()


@asynccontextmanager
async def talking(handler: Handler, limits: Limits | None = None) -> AsyncIterator[Http2Client]:
    """One connection to one listener."""
    async with Listener(handler, limits=limits or Limits()) as listener:
        await listener.bind("127.0.0.1", 0)
        async with connected(listener.port) as client:
            yield client
