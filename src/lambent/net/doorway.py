"""Every connection begins here: its first bytes tell what the client speaks, and who goes on with it.

A client that knows HTTP/2 to be spoken here says so before anything else (RFC 9113, 3.4: "PRI * HTTP/2.0"); no request
of HTTP/1.1 begins like that. The door then hands the transport over and is out of the way: requests never pass it.

HTTP/2 and the library under it take 20 ms to load, which the platform's start shall not wait for. So `http2` is not
imported up here but by `preload`, which the platform calls when it has started, or by the first such client.
"""

import asyncio
from typing import Any, cast

from lambent.kit.deferred import Deferred
from lambent.net.connection import Connection
from lambent.net.serving import Serving

_HTTP_2 = Deferred("lambent.net.http2")
_PREFACE = b"PRI * HTTP/2.0\r\n"


def preload() -> None:
    """For when nobody waits: load what serves HTTP/2."""
    _HTTP_2.load()


def speaks_http_2(first: bytes) -> bool | None:
    """None: that cannot be told yet."""
    if first.startswith(_PREFACE):
        return True
    return None if _PREFACE.startswith(first) else False


class Door(asyncio.Protocol):
    """A connection that has not said enough."""

    def __init__(self, serving: Serving, environment: Any = None) -> None:
        self.environment = environment
        self.task: asyncio.Task[None] | None = None
        self._serving = serving
        self._first = b""
        self._is_inside = False
        self._since = serving.loop.time()

    # The transport's callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases
        if self._serving.admits(self.environment):
            self._serving.add(self)
            self._is_inside = True
        else:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if not self._is_inside:
            return
        if self._first:
            data = self._first + data
        else:
            self._since = self._serving.loop.time()
        is_http_2 = speaks_http_2(data)
        if is_http_2 is None:
            self._first = data
            return
        successor = self._successor(is_http_2=is_http_2)
        self._serving.replace(self, successor)
        self._transport.set_protocol(successor)
        successor.connection_made(self._transport)
        successor.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        if self._is_inside:
            self._serving.remove(self)

    def _successor(self, *, is_http_2: bool) -> Any:
        if is_http_2:
            return _HTTP_2.load().Http2Connection(self._serving, self.environment)
        return Connection(self._serving, self.environment)

    # Stopping and timeouts, called by the listener.

    def request_stop(self) -> None:
        self._transport.close()

    def end_stream(self) -> None:
        """It has no response to break off."""

    def abort(self) -> None:
        self._transport.abort()

    def check(self, now: float) -> None:
        limits = self._serving.limits
        if now - self._since > (limits.head_seconds if self._first else limits.idle_seconds):
            self._transport.close()
