"""One request on a connection that speaks HTTP/2, and the response to it: a stream, with a task of its own.

As on a connection of HTTP/1.1, a handler is never cancelled because its client left; its body raises
ClientDisconnected instead, and only an iterator that is being sent is cancelled. The client's window holds a response
back, ours holds back a body that is read slowly: what the reader has taken is acknowledged, and as much may come again.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from typing import Any

from h2.errors import ErrorCodes

from lambent.net import http2_head, sending
from lambent.net.body import IncomingBody
from lambent.net.http2_line import Line
from lambent.net.parsing import Head
from lambent.net.progress import Progress
from lambent.net.refusals import BAD_REQUEST, INTERNAL_ERROR, REQUEST_TIMEOUT, Refusal
from lambent.net.serving import Handler, Serving
from lambent.wire.http import BytesBody, ClientDisconnected, FileSlice, Request, Response

_log = logging.getLogger(__name__)
_NO_BODY = BytesBody()
#: What a stream sends before the others have their turn, however wide its window.
_TURN_BYTES = 64 * 1024
_CONTINUE = [(b":status", b"100")]


class Stream:
    def __init__(self, serving: Serving, line: Line, stream_id: int) -> None:
        self.task: asyncio.Task[None]
        self.is_endless = False
        """It sends a response without an end of its own."""
        self._serving = serving
        self._line = line
        self._id = stream_id
        self._body: IncomingBody | None = None
        self._refusal: Refusal | None = None
        self._owes_continue = False
        self._is_heard_out = False
        """The request has ended."""
        self._is_gone = False
        """Neither side says anything more."""
        self._is_streaming = False
        self._unacknowledged = 0
        self._sent = 0
        self._window: asyncio.Future[None] | None = None
        self._body_progress = Progress()
        self._window_progress = Progress()

    # What the client does, told by the connection.

    def begin(self, head: Head, peer: str, environment: Any) -> None:
        if head.length != 0:
            self._body = IncomingBody(head.length, self._body_wanted)
        self._owes_continue = head.expects_continue
        request = Request(
            head.method, head.target, head.headers, self._body or _NO_BODY, peer, environment, self._client_left
        )
        self.task = self._serving.tasks.create_task(self._serve(request, self._ask))

    def begin_refusing(self, refusal: Refusal) -> None:
        """What came is no request that we take."""

        async def refuse(_: Request) -> Response:
            return refusal.response()

        self.task = self._serving.tasks.create_task(self._serve(Request("", "/", {}, _NO_BODY), refuse))

    def data_arrived(self, data: bytes, size: int) -> None:
        """`size`: as flow control counts, with padding."""
        body = self._body
        if body is None or self._refusal is not None or self._is_gone:
            self._line.acknowledge(self._id, size)
            return
        is_taken_at_once = body.is_awaited
        if data:
            body.feed(data)
        self._unacknowledged += size
        if is_taken_at_once:
            self._acknowledge()
        if body.length is not None and body.received > body.length:
            self.refuse(BAD_REQUEST)

    def trailers_arrived(self, trailers: dict[str, str]) -> None:
        for name, value in trailers.items():
            if self._body is not None:
                self._body.add_trailer(name, value)

    def ended(self) -> None:
        self._is_heard_out = True
        body = self._body
        if body is None or self._refusal is not None:
            return
        if body.length is not None and body.received != body.length:
            self.refuse(BAD_REQUEST)
        else:
            body.finish()

    def window_opened(self) -> None:
        if self._window is not None and not self._window.done():
            self._window.set_result(None)

    def lose(self) -> None:
        """The client has taken its request back, or is gone."""
        if self._is_gone:
            return
        self._is_gone = True
        if self._body is not None and not self._body.is_complete:
            self._body.fail(ClientDisconnected())
        self.window_opened()
        if self._is_streaming:
            self.task.cancel()

    def _client_left(self) -> bool:
        return self._is_gone

    def check(self, now: float) -> None:
        """Cut off a client that sends too little of its body, or takes nothing of its response."""
        limits, body = self._serving.limits, self._body
        if body is None or not body.is_awaited:
            self._body_progress.restart()
        elif self._body_progress.is_stalled(
            now, body.received, window_seconds=limits.body_window_seconds, least=limits.body_window_bytes
        ):
            self.refuse(REQUEST_TIMEOUT)
        if self._window is None:
            self._window_progress.restart()
        elif self._window_progress.is_stalled(now, self._sent, window_seconds=limits.write_stall_seconds, least=1):
            self._reset(ErrorCodes.CANCEL)

    # The task.

    async def _serve(self, request: Request, ask: Handler) -> None:
        if self._is_gone:  # taken back before it was begun
            return
        try:
            await self._send(request.method, await ask(request))
            await self._hear_out()
        except ClientDisconnected:
            self._reset(ErrorCodes.CANCEL)
        except Exception:  # noqa: BLE001 (one response, not all of this client's, nor the listener)
            _log.exception("response to %s %s broke off", request.method, request.path)
            self._reset(ErrorCodes.INTERNAL_ERROR)
        finally:
            self._acknowledge()

    async def _ask(self, request: Request) -> Response:
        """The handler's response, or ours in its place."""
        try:
            return await self._serving.handler(request)
        except ClientDisconnected:
            return (self._refusal or BAD_REQUEST).response()
        except Exception:  # noqa: BLE001 (a bug in a handler must not cost the platform)
            _log.exception("handler failed at %s %s", request.method, request.path)
            return INTERNAL_ERROR.response()

    async def _hear_out(self) -> None:
        """After the response: a short rest of a body nobody wanted is dropped, a long one need not be sent."""
        body = self._body
        if self._is_heard_out or self._is_gone:
            return
        remaining = body.remaining if body is not None else None
        is_short = remaining is not None and remaining <= self._serving.limits.unread_body_bytes
        if body is None or self._refusal is not None or self._owes_continue or not is_short:
            self._reset(ErrorCodes.NO_ERROR)  # RFC 9113, 8.1: "without error after sending a complete response"
        else:
            await body.discard()

    # Sending.

    async def _send(self, method: str, response: Response) -> None:
        if self._is_gone:
            await sending.dispose(response)
            raise ClientDisconnected
        body = response.body
        if isinstance(body, bytes):
            await self._send_bytes(method, response, body)
        elif isinstance(body, FileSlice):
            try:
                await self._send_slice(method, response, body)
            finally:
                os.close(body.fd)
        else:
            await self._send_iterator(method, response, body)

    async def _send_bytes(self, method: str, response: Response, body: bytes) -> None:
        if method == "HEAD" or response.status in (204, 304):
            length = None if response.status in (204, 304) else len(body)
            self._send_head(response, sending.declared_length(response, length), is_end=True)
            return
        self._send_head(response, len(body), is_end=not body)
        rest = memoryview(body)
        while rest:
            room = await self._room()
            piece, rest = rest[:room], rest[room:]
            await self._send_piece(piece, is_end=not rest)

    async def _send_slice(self, method: str, response: Response, body: FileSlice) -> None:
        is_bare = method == "HEAD" or not body.length
        self._send_head(response, body.length, is_end=is_bare)
        offset, end = body.offset, body.offset + (0 if is_bare else body.length)
        while offset < end:
            room = await self._room()
            piece = os.pread(body.fd, min(room, end - offset), offset)
            if not piece:
                raise EOFError(f"file ends {end - offset} bytes early")
            offset += len(piece)
            await self._send_piece(piece, is_end=offset == end)

    async def _send_iterator(self, method: str, response: Response, body: AsyncIterator[bytes]) -> None:
        length = sending.declared_length(response, None)
        is_bare = method == "HEAD"
        self._is_streaming, self.is_endless = True, length is None
        sent_before = self._sent
        try:
            self._send_head(response, length, is_end=is_bare)
            if is_bare:
                return
            async for piece in body:
                rest = memoryview(piece)
                while rest:
                    room = await self._room()
                    await self._send_piece(rest[:room])
                    rest = rest[room:]
            if length is not None and self._sent - sent_before != length:
                raise EOFError(f"response of {self._sent - sent_before} bytes was announced with {length}")
            if not self._is_gone:
                self._line.send_data(self._id, b"", is_end=True)
        finally:
            self._is_streaming = self.is_endless = False
            await sending.end(body)

    def _send_head(self, response: Response, length: int | None, *, is_end: bool) -> None:
        fields = http2_head.response_fields(
            response.status,
            response.headers,
            length=None if response.status == 204 else length,
            date=self._serving.date.value(),
        )
        self._line.send_head(self._id, fields, is_end=is_end)

    async def _room(self) -> int:
        """Wait until something may be sent; how much. Raises ClientDisconnected."""
        while True:
            if self._is_gone:
                raise ClientDisconnected
            room = self._line.room(self._id)
            if room:
                return room
            self._window = self._serving.loop.create_future()
            try:
                await self._window
            finally:
                self._window = None

    async def _send_piece(self, piece: bytes | memoryview, *, is_end: bool = False) -> None:
        """Raises ClientDisconnected."""
        before = self._sent
        self._sent += len(piece)
        self._line.send_data(self._id, piece, is_end=is_end)
        if before // _TURN_BYTES != self._sent // _TURN_BYTES:
            await asyncio.sleep(0)
        await self._line.outlet.drained()

    # Reading.

    def _body_wanted(self) -> None:
        """The reader has taken all there was, and waits."""
        if self._owes_continue:
            self._owes_continue = False
            if self._body is not None and not self._body.received and not self._is_gone:
                self._line.send_head(self._id, _CONTINUE)
        self._acknowledge()

    def _acknowledge(self) -> None:
        size, self._unacknowledged = self._unacknowledged, 0
        if size and not self._line.is_lost:
            self._line.acknowledge(self._id, size)

    def refuse(self, refusal: Refusal) -> None:
        """The body breaks off here, through the client's fault."""
        self._refusal = refusal
        if self._body is not None and not self._body.is_complete:
            self._body.fail(ClientDisconnected())

    def _reset(self, code: ErrorCodes) -> None:
        if not self._is_gone:
            self._line.reset(self._id, code)
            self.lose()
