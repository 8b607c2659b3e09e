"""One client connection that speaks HTTP/1.1: requests in, in order; responses out, in the same order.

The transport's callbacks (`data_received` and so on) feed the parser, whose events fill a short queue of exchanges.
One task per connection, `serve`, takes them one by one: ask the handler, send the response, see what became of the
body, next. A handler is never cancelled because its client left (an invocation that began, runs); its body raises
ClientDisconnected instead. Only an iterator that is being sent is cancelled, for nobody is left to hear it.

Timeouts are looked at from outside, by the listener's sweep (`check`).
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, cast

from lambent.kit.frozen import mutable
from lambent.net import response_head, sending
from lambent.net.body import IncomingBody
from lambent.net.outlet import Outlet
from lambent.net.parsing import Head, RequestParser
from lambent.net.progress import Progress
from lambent.net.refusals import BAD_REQUEST, INTERNAL_ERROR, REQUEST_TIMEOUT, Refusal, Refused
from lambent.net.sending import Manner
from lambent.net.serving import Serving
from lambent.wire.http import BytesBody, ClientDisconnected, Request, Response

_log = logging.getLogger(__name__)
_NO_BODY = BytesBody()
_MAX_QUEUED = 1024  # requests parsed ahead from what one read brought; whoever sends more at once is not heard further


@mutable
class _Exchange:
    request: Request
    head: Head
    body: IncomingBody | None
    refusal: Refusal | None = None
    """Set when the body broke off through the client's fault."""


class Connection(asyncio.Protocol):
    def __init__(self, serving: Serving, environment: Any = None) -> None:
        self.environment = environment
        self.task: asyncio.Task[None] | None = None
        self._serving = serving
        self._limits = serving.limits
        self._parser = RequestParser(self, limits=serving.limits, names=serving.names)
        self._queue: deque[_Exchange] = deque()
        self._arrival: asyncio.Future[None] | None = None
        self._receiving: _Exchange | None = None
        self._answering: _Exchange | None = None
        self._refusal: Refusal | None = None
        self._is_deaf = False
        self._is_paused = False
        self._has_ended = False
        """The client's side of the connection has."""
        self._is_streaming = False
        self._is_endless = False
        self._is_lingering = False
        self._owes_continue = False
        self._stop_requested = False
        self._head_began: float | None = None
        self._idle_since = serving.loop.time()
        self._body_progress = Progress()
        self._write_progress = Progress()

    # The transport's callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the door (doorway.py), which has counted us in."""
        serving = self._serving
        self._transport = transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if peer else ""
        self._gone: asyncio.Future[None] = serving.loop.create_future()
        self._outlet = Outlet(transport, self._limits)
        self.task = serving.tasks.create_task(self.serve())

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        try:
            self._parser.feed(data)
        except Refused as refused:
            self._refuse(refused.refusal)
        self._adjust_reading()

    def eof_received(self) -> bool:
        """Keep the other direction open: a client may end its side and still wait for answers.

        Not for an iterator's: that may be endless, and a client that is gone altogether looks the same from here.
        """
        self._has_ended = True
        if self._receiving is not None:
            self._refuse(BAD_REQUEST)
        self._become_deaf()
        if self._is_streaming and self.task is not None:
            self.task.cancel()
        return self.task is not None

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self._serving.remove(self)
        self._become_deaf()
        self._queue.clear()
        for exchange in (self._receiving, self._answering):
            if exchange is not None and exchange.body is not None and not exchange.body.is_complete:
                exchange.body.fail(ClientDisconnected())
        self._outlet.lose()
        if not self._gone.done():
            self._gone.set_result(None)
        if self._is_streaming and self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        self._outlet.pause()

    def resume_writing(self) -> None:
        self._outlet.resume()

    # The parser's events.

    def request_began(self) -> None:
        self._head_began = self._serving.loop.time()

    def request_arrived(self, head: Head) -> None:
        self._head_began = None
        body = None if head.length == 0 else IncomingBody(head.length, self._body_wanted)
        request = Request(
            head.method, head.target, head.headers, body or _NO_BODY, self._peer, self.environment, self._client_left
        )
        exchange = _Exchange(request, head, body)
        self._receiving = exchange
        self._queue.append(exchange)
        if len(self._queue) > _MAX_QUEUED:
            self._become_deaf()
        self._wake()

    def body_arrived(self, piece: bytes) -> None:
        assert self._receiving is not None
        assert self._receiving.body is not None
        self._receiving.body.feed(piece)

    def trailer_arrived(self, name: str, value: str) -> None:
        assert self._receiving is not None
        assert self._receiving.body is not None
        self._receiving.body.add_trailer(name, value)

    def request_ended(self) -> None:
        exchange, self._receiving = self._receiving, None
        assert exchange is not None
        if exchange.body is not None:
            exchange.body.finish()
            self._body_progress.restart()
        if not exchange.head.keep_alive:
            self._become_deaf()

    def _client_left(self) -> bool:
        """Also if only its side has ended: as a rule it is gone, and nobody can tell the difference."""
        return self._has_ended or self._gone.done()

    # The task.

    async def serve(self) -> None:
        try:
            while (exchange := await self._next()) is not None:
                self._answering = exchange
                if not await self._answer(exchange):
                    break
                self._answering = None
                self._idle_since = self._serving.loop.time()
            else:
                await self._say_why()
        except ClientDisconnected:
            pass
        except Exception:  # noqa: BLE001 (a bug of ours here ends this connection, not the task group with all others)
            _log.exception("connection from %s failed", self._peer)
        finally:
            self._become_deaf()
            self._outlet.flush()
            self._transport.close()

    async def _next(self) -> _Exchange | None:
        while not self._queue:
            if self._is_deaf or self._stop_requested:
                return None
            self._arrival = self._serving.loop.create_future()
            await self._arrival
        exchange = self._queue.popleft()
        self._owes_continue = exchange.head.expects_continue and exchange.head.is_http_1_1
        self._adjust_reading()
        return exchange

    async def _answer(self, exchange: _Exchange) -> bool:
        """Whether the connection can be used on."""
        response = await self._ask(exchange)
        body = exchange.body
        if self._gone.done():
            await sending.dispose(response)
            return False
        keep = self._may_keep(exchange, response)
        manner = Manner(is_head=exchange.head.method == "HEAD", is_http_1_1=exchange.head.is_http_1_1, keep_alive=keep)
        try:
            # Asked of the type first: `isinstance` of an abstract class takes a microsecond, and most bodies are bytes.
            self._is_streaming = type(response.body) is not bytes and isinstance(response.body, AsyncIterator)
            self._is_endless = self._is_streaming and "content-length" not in response.headers
            await sending.send(response, self._outlet, manner, self._serving.date)
        except (ClientDisconnected, asyncio.CancelledError):
            raise
        except Exception:  # noqa: BLE001 (as above: one response, not the listener)
            # Its head is out: breaking off is the only way left to say that this response is not whole.
            _log.exception("response to %s %s broke off", exchange.head.method, exchange.request.path)
            self._transport.abort()
            return False
        finally:
            self._is_streaming = self._is_endless = False
        if body is None or body.is_complete:
            return keep
        if not keep:
            await self._linger()
            return False
        await body.discard()
        return True

    async def _ask(self, exchange: _Exchange) -> Response:
        """The handler's response, or ours in its place."""
        try:
            return await self._serving.handler(exchange.request)
        except ClientDisconnected:
            return (exchange.refusal or BAD_REQUEST).response()
        except Exception:  # noqa: BLE001 (a bug in a handler must not cost the platform)
            _log.exception("handler failed at %s %s", exchange.head.method, exchange.request.path)
            response = INTERNAL_ERROR.response()
            response.close = False
            return response

    def _may_keep(self, exchange: _Exchange, response: Response) -> bool:
        head, body = exchange.head, exchange.body
        if response.close or not head.keep_alive or self._stop_requested or exchange.refusal is not None:
            return False
        if not head.is_http_1_1 and isinstance(response.body, AsyncIterator):
            return False  # without chunks only the end of the connection tells the end of the body
        if body is None or body.is_complete:
            return True
        remaining = body.remaining
        return (
            not self._owes_continue
            and not self._is_deaf
            and remaining is not None
            and remaining <= self._limits.unread_body_bytes
        )

    async def _say_why(self) -> None:
        """After the last good request: answer the bad one that ended the reading."""
        if self._refusal is None or self._gone.done():
            return
        manner = Manner(is_head=False, is_http_1_1=True, keep_alive=False)
        await sending.send(self._refusal.response(), self._outlet, manner, self._serving.date)
        await self._linger()

    async def _linger(self) -> None:
        """Let a client that is still sending read our answer: closing now would reset its connection."""
        self._become_deaf()
        self._is_lingering = True
        if self._transport.can_write_eof():
            self._outlet.flush()
            self._transport.write_eof()
        try:
            async with asyncio.timeout(self._limits.linger_seconds):
                await self._gone
        except TimeoutError:
            self._transport.abort()

    # Stopping and timeouts, called by the listener.

    def request_stop(self) -> None:
        """Finish what has been asked, take nothing new."""
        self._stop_requested = True
        self._wake()

    def end_stream(self) -> None:
        """Break off what nobody would wait for: a response without an end of its own (a live tail), and lingering."""
        if self._is_lingering:
            self._transport.abort()
        if self._is_endless and self.task is not None:
            self.task.cancel()

    def abort(self) -> None:
        self._transport.abort()

    def check(self, now: float) -> None:
        """Cut off a client that takes too long over a head, a body, a response or its next request."""
        limits = self._limits
        blocked_at = self._outlet.blocked_at()
        if blocked_at is None:
            self._write_progress.restart()
        elif self._write_progress.is_stalled(now, blocked_at, window_seconds=limits.write_stall_seconds, least=1):
            self._transport.abort()
            return
        if self._is_deaf:
            return
        if self._head_began is not None:
            if now - self._head_began > limits.head_seconds:
                self._refuse(REQUEST_TIMEOUT)
        elif self._receiving is not None:
            self._check_body(now, self._receiving)
        elif self._answering is None and not self._queue and now - self._idle_since > limits.idle_seconds:
            self.request_stop()

    def _check_body(self, now: float, exchange: _Exchange) -> None:
        body = exchange.body
        if body is None or not body.is_awaited:
            self._body_progress.restart()
        elif self._body_progress.is_stalled(
            now,
            body.received,
            window_seconds=self._limits.body_window_seconds,
            least=self._limits.body_window_bytes,
        ):
            self._refuse(REQUEST_TIMEOUT)

    # Reading.

    def _body_wanted(self) -> None:
        answering = self._answering
        if self._owes_continue:
            self._owes_continue = False
            if answering is not None and answering.body is not None and not answering.body.received:
                self._outlet.write(response_head.CONTINUE)
        self._adjust_reading()

    def _refuse(self, refusal: Refusal) -> None:
        """Nothing that comes after this point makes sense."""
        exchange = self._receiving
        if exchange is None:
            self._refusal = refusal
        else:
            exchange.refusal = refusal
            if exchange.body is not None:
                exchange.body.fail(ClientDisconnected())
        self._become_deaf()

    def _become_deaf(self) -> None:
        self._is_deaf = True
        self._head_began = None
        self._adjust_reading()
        self._wake()

    def _adjust_reading(self) -> None:
        """Hold the client back while a body or the queue is full."""
        receiving = self._receiving
        is_full = len(self._queue) > self._limits.pipelined_requests or (
            receiving is not None
            and receiving.body is not None
            and receiving.body.buffered > self._limits.body_buffer_bytes
        )
        should_pause = is_full and not self._is_deaf
        if should_pause != self._is_paused and not self._transport.is_closing():
            self._is_paused = should_pause
            if should_pause:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
