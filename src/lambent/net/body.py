"""The body of a request on its way in: pieces from the connection on one side, a reader on the other.

Whoever reads slowly holds the client back: past `body_buffer_bytes` the connection stops reading its socket until the
reader has caught up. A client that goes away, stalls or breaks the framing raises ClientDisconnected at the reader, so
that an operation drops what it has stored so far.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Self

from lambent.wire.http import NO_TRAILERS, BodyTooLarge, ClientDisconnected

#: Pieces that wait for a slow reader; more are put together: an object around each byte would be most of the memory.
_MAX_PIECES = 1024


class IncomingBody:
    """A `wire.http.Body`; `wanted` is called whenever the reader has nothing left and is about to wait."""

    __slots__ = (
        "_discarding",
        "_failure",
        "_pieces",
        "_waiter",
        "_wanted",
        "buffered",
        "is_complete",
        "length",
        "received",
        "trailers",
    )

    def __init__(self, length: int | None, wanted: Callable[[], None]) -> None:
        self.length = length
        self.trailers: Mapping[str, str] = NO_TRAILERS
        self.received = 0
        self.buffered = 0
        self.is_complete = False
        self._pieces: list[bytes] = []
        self._failure: ClientDisconnected | None = None
        self._discarding = False
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = wanted

    # The reader's side.

    async def read(self, limit: int) -> bytes:
        if self.length is not None and self.length > limit:
            raise BodyTooLarge(limit)
        pieces: list[bytes] = []
        total = 0
        while True:
            taken = self._take()
            total += len(taken)
            if total > limit:
                raise BodyTooLarge(limit)
            pieces.append(taken)
            if self.is_complete:
                return taken if len(pieces) == 1 else b"".join(pieces)
            await self._more()

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self.is_complete:
                raise StopAsyncIteration
            await self._more()
        return self._take()

    async def discard(self) -> None:
        """Read to the end and keep nothing."""
        self._discarding = True
        self._take()
        while not self.is_complete:
            await self._more()

    def _take(self) -> bytes:
        pieces = self._pieces
        if not pieces:
            return b""
        self._pieces = []
        self.buffered = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _more(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        self._wanted()
        try:
            await self._waiter
        finally:
            self._waiter = None

    # The connection's side.

    @property
    def is_awaited(self) -> bool:
        """Somebody sits and waits for the client."""
        return self._waiter is not None

    @property
    def remaining(self) -> int | None:
        return None if self.length is None else self.length - self.received

    def feed(self, piece: bytes) -> None:
        self.received += len(piece)
        if not self._discarding:
            self._pieces.append(piece)
            if len(self._pieces) > _MAX_PIECES:
                self._pieces = [b"".join(self._pieces)]
            self.buffered += len(piece)
            self._wake()

    def add_trailer(self, name: str, value: str) -> None:
        if not isinstance(self.trailers, dict):
            self.trailers = {}
        self.trailers[name] = value

    def finish(self) -> None:
        self.is_complete = True
        self._wake()

    def fail(self, failure: ClientDisconnected) -> None:
        """The rest will not come. What has come may still be read."""
        self._failure = failure
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
