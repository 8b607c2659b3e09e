"""A client that costs little: keep-alive connections, requests signed before the clock starts, nothing per request.

It speaks to any AWS endpoint, so that Lambent and others are measured by the same hand. A connection sends its next
request the moment the last response is complete; latencies are taken per request.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from bench.signing import Target


@dataclass(slots=True)
class Outcome:
    """What a run of requests gave."""

    seconds: float
    latencies_ms: list[float]
    failures: dict[int, int] = field(default_factory=dict)
    """HTTP status -> how many, of those that were not 2xx."""
    bodies: list[bytes] = field(default_factory=list)
    cpu_seconds: float | None = None
    """What the server took, if it can be asked for."""
    began_ms: float = 0.0
    """When the first request was sent, by the clock that handlers read, too."""

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.seconds


class _Connection(asyncio.Protocol):
    """Sends from a shared iterator until it is empty."""

    def __init__(self, requests: Iterator[bytes], outcome: Outcome, *, keep_bodies: bool) -> None:
        self._requests = requests
        self._outcome = outcome
        self._keep_bodies = keep_bodies
        self._buffer = bytearray()
        self._missing = -1  # bytes of the body still to come; -1 while reading a head
        self._status = 0
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._outcome.began_ms = self._outcome.began_ms or time.time() * 1000
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            if self._buffer:
                data = bytes(self._buffer + data)
                self._buffer.clear()
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._buffer += data
                return
            self._status = int(data[9:12])
            self._missing = content_length(data, end)
            data = data[end + 4 :]
        self._missing -= len(data)
        if self._keep_bodies:
            self._buffer += data
        if self._missing == 0:
            self._complete()

    def _complete(self) -> None:
        self._outcome.latencies_ms.append((time.perf_counter() - self._sent) * 1000)
        if not 200 <= self._status < 300:
            self._outcome.failures[self._status] = self._outcome.failures.get(self._status, 0) + 1
        if self._keep_bodies:
            self._outcome.bodies.append(bytes(self._buffer))
            self._buffer.clear()
        self._missing = -1
        self._next()


def content_length(data: bytes, head_end: int) -> int:
    start = data.find(b"content-length: ", 0, head_end)
    if start < 0:
        start = data[:head_end].lower().find(b"content-length: ")
    if start < 0:
        raise ValueError("the response has no content-length; this client does not read chunked bodies")
    end = data.find(b"\r\n", start)
    return int(data[start + 16 : end])


async def run(host: str, port: int, requests: list[bytes], connections: int, *, keep_bodies: bool = False) -> Outcome:
    """Send all of `requests`, spread over so many connections."""
    outcome = Outcome(0.0, [])
    source = iter(requests)
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    made = [
        await loop.create_connection(lambda: _Connection(source, outcome, keep_bodies=keep_bodies), host, port)
        for _ in range(min(connections, len(requests)))
    ]
    await asyncio.gather(*[protocol.done for _, protocol in made])
    outcome.seconds = time.perf_counter() - start
    return outcome


def send(target: Target, requests: list[bytes], connections: int) -> Outcome:
    """The same from outside of a loop, with the server's CPU time."""
    before = cpu_seconds(target.pid)
    outcome = asyncio.run(run(target.host, target.port, requests, connections))
    after = cpu_seconds(target.pid)
    outcome.cpu_seconds = None if before is None or after is None else after - before
    return outcome


def send_one(target: Target, request: bytes) -> float:
    """One request on a connection of its own; when it was sent, in milliseconds since 1970."""
    return asyncio.run(run(target.host, target.port, [request], 1)).began_ms


def cpu_seconds(pid: int | None) -> float | None:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
