"""Conversation: how one environment is spoken to while it runs; by frames here, by HTTP in `runtime_api.py`.

Both turn what the runtime says into the same (kind, payload) frames, handed to `receive` on the loop. The end of a
conversation says nothing about the process: the environment watches that by itself.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol, cast

from lambent.sandbox.frames import HUNG_UP, FrameReader, encode, encode_invoke

Receive = Callable[[int, bytes], None]
"""(kind, payload) of a frame from the runtime."""

#: A response of 6 MB and a hundred bytes is the largest that AWS passes on; error documents and log events are smaller.
MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100
#: Both ways, so that an event or response of the usual size is one write and one read.
SOCKET_BUFFER_BYTES = 4 * 1024 * 1024


class Conversation(Protocol):
    def send(self, kind: int, payload: bytes) -> None:
        """LAUNCH or ASSIGN."""
        ...

    def invoke(self, meta: bytes, event: bytes) -> None:
        """`meta`: JSON {"aws_request_id", "deadline_ms", "invoked_function_arn", "client_context", "trace_id"}."""
        ...

    def close(self) -> None: ...


class FrameConversation(asyncio.Protocol):
    """Frames over the socketpair."""

    __slots__ = ("_reader", "_receive", "_transport")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._reader = FrameReader(MAX_RESPONSE_BYTES)
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, sock: socket.socket, receive: Receive) -> "FrameConversation":
        """Takes `sock` over."""
        sock.setblocking(False)
        _, conversation = await asyncio.get_running_loop().create_connection(lambda: cls(receive), sock=sock)
        return conversation

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=2 * MAX_RESPONSE_BYTES)

    def data_received(self, data: bytes) -> None:
        for kind, payload in self._reader.feed(data):
            self._receive(kind, payload)

    def connection_lost(self, _error: Exception | None) -> None:
        self._receive(HUNG_UP, b"")

    def send(self, kind: int, payload: bytes) -> None:
        assert self._transport is not None
        self._transport.write(encode(kind, payload))

    def invoke(self, meta: bytes, event: bytes) -> None:
        assert self._transport is not None
        self._transport.write(encode_invoke(meta, event))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
