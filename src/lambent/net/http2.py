"""One client connection that speaks HTTP/2 (RFC 9113), from its preface to its end: many requests at once.

The transport's bytes go to h2, whose events go to streams (http2_stream.py), each of which asks the same handler with
the same Request as a connection of HTTP/1.1 does. What breaks the protocol ends the connection with a GOAWAY that says
why. Only prior knowledge brings a client here (doorway.py): there is no TLS in which to agree on it, and an Upgrade is
an offer that may be ignored.

The handler of a request that was taken back runs on. It keeps its stream's place while it does, so that a client that
asks and takes back, over and over, has no more of them run at once than one that waits for its answers.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, cast

from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import DenialOfServiceError, ProtocolError

from lambent.net import http2_head
from lambent.net.http2_line import Line
from lambent.net.http2_stream import Stream
from lambent.net.progress import Progress
from lambent.net.refusals import Refused
from lambent.net.serving import Serving

_log = logging.getLogger(__name__)
#: How many nuisances a head is that we do not take: two thousand fields of a byte each cost 10 ms to take apart.
_REFUSED_HEAD = 10


class Http2Connection(asyncio.Protocol):
    def __init__(self, serving: Serving, environment: Any = None) -> None:
        self.environment = environment
        self.task: asyncio.Task[None] | None = None
        self._serving = serving
        self._limits = serving.limits
        self._streams: dict[int, Stream] = {}
        """Those whose handler runs, and those whose response is being sent."""
        self._is_deaf = False
        self._is_stopping = False
        self._is_lingering = False
        self._head_began: float | None = None
        self._idle_since = serving.loop.time()
        self._write_progress = Progress()

    # The transport's callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the door (doorway.py), which has counted us in."""
        serving = self._serving
        self._transport = transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if peer else ""
        self._gone: asyncio.Future[None] = serving.loop.create_future()
        self._over: asyncio.Future[None] = serving.loop.create_future()
        self._line = Line(transport, self._limits, serving.loop)
        self.task = serving.tasks.create_task(self.serve())

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        try:
            self._take_all(self._line.h2.receive_data(data))
        except ProtocolError as error:
            _log.debug("connection from %s: %s", self._peer, error)
            self._line.flush()  # the GOAWAY that was made of it
            self._break_off()
            return
        self._line.flush()
        is_inside_head = self._line.inspection.is_inside_head
        self._head_began = (self._head_began or self._serving.loop.time()) if is_inside_head else None
        if self._line.inspection.is_farewell:
            self.request_stop()

    def eof_received(self) -> bool:
        """A client that is still to be answered needs its own side as well: for the windows."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self._serving.remove(self)
        if not self._gone.done():
            self._gone.set_result(None)
        self._line.outlet.lose()
        self._break_off()

    def pause_writing(self) -> None:
        """Hear nothing more from whoever does not listen: every ping is answered."""
        self._line.outlet.pause()
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._line.outlet.resume()
        if not self._transport.is_closing():
            self._transport.resume_reading()

    # Events.

    def _take_all(self, events: Iterable[Event]) -> None:
        try:
            for event in events:
                self._take(event)
        except DenialOfServiceError as error:
            self._line.h2.close_connection(error.error_code)
            raise

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._begin(event)
        elif isinstance(event, WindowUpdated | RemoteSettingsChanged):
            self._open_windows(event.stream_id if isinstance(event, WindowUpdated) else 0)
        elif isinstance(event, DataReceived | TrailersReceived | StreamEnded | StreamReset):
            stream = self._streams.get(event.stream_id)
            if stream is not None:
                self._pass_on(event, stream)
            elif isinstance(event, DataReceived):
                self._line.acknowledge(event.stream_id, event.flow_controlled_length)

    def _begin(self, event: RequestReceived) -> None:
        stream_id, places = event.stream_id, self._serving.stream_places
        if (
            self._is_stopping
            or len(self._streams) >= self._limits.http_2_streams
            or not places.are_left(self.environment)
        ):
            self._line.patience.use()
            self._line.reset(stream_id, ErrorCodes.REFUSED_STREAM)
            return
        stream = Stream(self._serving, self._line, stream_id)
        try:
            head = http2_head.read_request(event.headers, self._limits, is_whole=event.stream_ended is not None)
        except Refused as refused:
            self._line.patience.use(_REFUSED_HEAD)
            stream.begin_refusing(refused.refusal)
        else:
            stream.begin(head, self._peer, self.environment)
        places.take(self.environment)
        self._streams[stream_id] = stream
        stream.task.add_done_callback(lambda _: self._end(stream_id))

    def _pass_on(self, event: DataReceived | TrailersReceived | StreamEnded | StreamReset, stream: Stream) -> None:
        if isinstance(event, DataReceived):
            stream.data_arrived(event.data, event.flow_controlled_length)
        elif isinstance(event, StreamEnded):
            stream.ended()
        elif isinstance(event, StreamReset):
            stream.lose()
        else:
            try:
                stream.trailers_arrived(http2_head.read_trailers(event.headers, self._limits))
            except Refused as refused:
                stream.refuse(refused.refusal)

    def _open_windows(self, stream_id: int) -> None:
        """0: all of them."""
        if stream_id:
            stream = self._streams.get(stream_id)
            if stream is not None:
                stream.window_opened()
            return
        for stream in self._streams.values():
            stream.window_opened()

    def _end(self, stream_id: int) -> None:
        del self._streams[stream_id]
        self._serving.stream_places.give_back(self.environment)
        self._idle_since = self._serving.loop.time()
        self._settle()

    # The task.

    async def serve(self) -> None:
        """Until nothing is left to be said, or to be run."""
        try:
            await self._over
            await self._linger()
            while self._streams:
                await asyncio.wait([stream.task for stream in self._streams.values()])
        finally:
            for stream in self._streams.values():
                stream.task.cancel()
            self._line.outlet.flush()
            self._transport.close()

    async def _linger(self) -> None:
        """Let a client that is still sending read why it is not heard: closing now would reset its connection."""
        if self._gone.done() or not self._is_deaf:
            return
        self._is_lingering = True
        if self._transport.can_write_eof():
            self._line.outlet.flush()
            self._transport.write_eof()
        try:
            async with asyncio.timeout(self._limits.linger_seconds):
                await self._gone
        except TimeoutError:
            self._transport.abort()

    def _settle(self) -> None:
        if self._is_stopping and not self._streams and not self._over.done():
            self._over.set_result(None)

    def _break_off(self) -> None:
        """Nothing more can be said or heard; handlers that run come to their end."""
        self._is_deaf = True
        self._head_began = None
        self._line.is_lost = True
        for stream in self._streams.values():
            stream.lose()
        if not self._over.done():
            self._over.set_result(None)

    # Stopping and timeouts, called by the listener.

    def request_stop(self) -> None:
        """Finish what has been asked, take nothing new."""
        if not self._is_stopping:
            self._is_stopping = True
            self._line.say_farewell()
            self._settle()

    def end_stream(self) -> None:
        """Break off what nobody would wait for: responses without an end of their own, and lingering."""
        if self._is_lingering:
            self._transport.abort()
        for stream in self._streams.values():
            if stream.is_endless:
                stream.task.cancel()

    def abort(self) -> None:
        self._transport.abort()

    def check(self, now: float) -> None:
        """Cut off a client that takes too long over a head, a body, a response or its next request."""
        limits = self._limits
        blocked_at = self._line.outlet.blocked_at()
        if blocked_at is None:
            self._write_progress.restart()
        elif self._write_progress.is_stalled(now, blocked_at, window_seconds=limits.write_stall_seconds, least=1):
            self._transport.abort()
            return
        if self._is_deaf:
            return
        if self._head_began is not None and now - self._head_began > limits.head_seconds:
            self._transport.abort()
            return
        for stream in list(self._streams.values()):
            stream.check(now)
        if not self._streams and now - self._idle_since > limits.idle_seconds:
            self.request_stop()
