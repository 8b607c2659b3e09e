"""The HTTP listener: sockets on one side, `Request -> Response` on the other.

Ours because nothing at hand lets a body be refused unread, hands a raw target through, cuts off slow clients and is as
fast; the parsing itself is llhttp's (parsing.py). One listener serves the public address (`bind`) and, beside it, any
number of sockets that were opened inside the network namespaces of execution environments (`adopt`): requests from
those say which environment sent them. doorway.py tells HTTP/1.1 from HTTP/2; connection.py is the module to read next.
"""

import asyncio
import errno
import socket
from collections import Counter
from types import TracebackType
from typing import Any, Self

from lambent.net.doorway import Door
from lambent.net.limits import Limits
from lambent.net.serving import Handler, Served, Serving

_BACKLOG = 2048  # connections the kernel holds while the loop is busy; it cuts this to its own maximum
_STREAM_GRACE_SECONDS = 0.5  # for responses without a length at drain: the last words of a function, not a live tail
_DEFAULT_LIMITS = Limits()


class PortInUse(Exception):
    """Somebody else listens there."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"port {port} on {host} is in use by another program")
        self.host = host
        self.port = port


class Adopted:
    """A listening socket of an execution environment, until `close`, which also ends its connections."""

    def __init__(self, server: asyncio.Server, serving: Serving, environment: Any) -> None:
        self._server = server
        self._serving = serving
        self._environment = environment

    def close(self) -> None:
        self._server.close()
        for connection in list(self._serving.connections):
            if connection.environment is self._environment:
                connection.abort()


class Listener:
    """Use as `async with Listener(handler) as listener: await listener.bind(...)`; leaving cuts off what still runs."""

    def __init__(self, handler: Handler, *, limits: Limits = _DEFAULT_LIMITS) -> None:
        self._handler = handler
        self._limits = limits
        self._tasks = asyncio.TaskGroup()
        self._servers: list[asyncio.Server] = []
        self._serving: Serving
        self._sweep: asyncio.Task[None]
        self.port = 0

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._serving = Serving(
            handler=self._handler,
            limits=self._limits,
            tasks=self._tasks,
            loop=asyncio.get_running_loop(),
        )
        self._sweep = self._tasks.create_task(self._check_connections())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.drain(0)
        self._serving.is_closed = True
        await _finish(list(self._serving.connections), 0)
        self._sweep.cancel()
        await self._tasks.__aexit__(None, None, None)  # what was raised inside goes on as it is, in no group

    async def bind(self, host: str, port: int) -> None:
        """Serve the public address; port 0 takes a free one, see `port`. Raises PortInUse."""
        loop = self._serving.loop
        try:
            server = await loop.create_server(lambda: Door(self._serving), host, port, backlog=_BACKLOG)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(host, port) from error
            raise
        self._servers.append(server)
        self.port = server.sockets[0].getsockname()[1]

    async def adopt(self, listening: socket.socket, environment: Any) -> Adopted:
        """Serve a socket that listens elsewhere, ours from here on; its requests carry `environment` (hashable)."""
        listening.setblocking(False)
        server = await self._serving.loop.create_server(
            lambda: Door(self._serving, environment), sock=listening, backlog=_BACKLOG
        )
        return Adopted(server, self._serving, environment)

    def connections(self) -> Counter[str]:
        """Open ones: of clients, and of execution environments."""
        opened = self._serving.connections
        return Counter("clients" if one.environment is None else "environments" for one in opened)

    async def drain(self, timeout_seconds: float) -> None:
        """Take nothing new from outside, finish what was asked; what is not finished in time is cut off.

        Execution environments are served on, for a function that is waited for may need the platform to come to its
        end. Their connections end with `Adopted.close`, or when the listener is left.
        """
        serving = self._serving
        serving.is_draining = True
        for server in self._servers:
            server.close()
        await _finish([each for each in serving.connections if each.environment is None], timeout_seconds)

    async def _check_connections(self) -> None:
        interval_seconds = self._limits.sweep_seconds
        loop = self._serving.loop
        while True:
            await asyncio.sleep(interval_seconds)
            now = loop.time()
            for connection in list(self._serving.connections):
                connection.check(now)


async def _finish(connections: list[Served], timeout_seconds: float) -> None:
    for connection in connections:
        connection.request_stop()
    tasks = [connection.task for connection in connections if connection.task is not None]
    if not tasks:
        return
    grace_seconds = min(timeout_seconds, _STREAM_GRACE_SECONDS)
    await asyncio.wait(tasks, timeout=grace_seconds)
    for connection in connections:
        connection.end_stream()
    _, unfinished = await asyncio.wait(tasks, timeout=timeout_seconds - grace_seconds)
    for connection in connections:
        connection.abort()
    for task in unfinished:
        task.cancel()
