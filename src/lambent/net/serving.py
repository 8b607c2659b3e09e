"""What all connections of a listener share: the handler, the limits, the places that are left."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import field
from typing import Any, Protocol

from lambent.kit.frozen import mutable
from lambent.net.limits import Limits
from lambent.net.parsing import HeaderNames
from lambent.net.response_head import DateLine
from lambent.wire.http import Request, Response

Handler = Callable[[Request], Awaitable[Response]]


class Served(Protocol):
    """A connection as the listener sees it: one that has said nothing yet, or speaks HTTP/1.1, or HTTP/2."""

    environment: Any
    """Which execution environment it comes from; None: from outside."""
    task: asyncio.Task[None] | None
    """Ends when the connection is done with; None: nothing was asked yet."""

    def request_stop(self) -> None:
        """Finish what has been asked, take nothing new."""
        ...

    def end_stream(self) -> None:
        """Break off what nobody would wait for: a response without an end of its own (a live tail), and lingering."""
        ...

    def abort(self) -> None: ...

    def check(self, now: float) -> None:
        """Cut off a client that takes too long; asked every `limits.sweep_seconds`."""
        ...


class Places:
    """So many at once, so many of them from any one execution environment."""

    def __init__(self, most: int, most_of_environment: int) -> None:
        self._most = most
        self._most_of_environment = most_of_environment
        self._taken = 0
        self._by_environment: Counter[Any] = Counter()

    def are_left(self, environment: Any) -> bool:
        if self._taken >= self._most:
            return False
        return environment is None or self._by_environment[environment] < self._most_of_environment

    def take(self, environment: Any) -> None:
        self._taken += 1
        if environment is not None:
            self._by_environment[environment] += 1

    def give_back(self, environment: Any) -> None:
        self._taken -= 1
        if environment is not None:
            self._by_environment[environment] -= 1
            if not self._by_environment[environment]:
                del self._by_environment[environment]


@mutable
class Serving:
    handler: Handler
    limits: Limits
    tasks: asyncio.TaskGroup
    loop: asyncio.AbstractEventLoop
    connections: set[Served] = field(default_factory=set)
    names: HeaderNames = field(default_factory=HeaderNames)
    date: DateLine = field(default_factory=DateLine)
    is_draining: bool = False
    """Nothing new from outside."""
    is_closed: bool = False
    """Nothing new at all."""
    stream_places: Places = field(init=False)
    """For the requests of connections that carry many at once; each counts like a connection of HTTP/1.1."""
    _places: Places = field(init=False)

    def __post_init__(self) -> None:
        limits = self.limits
        self._places = Places(limits.connections, limits.environment_connections)
        self.stream_places = Places(limits.connections, limits.environment_connections)

    def admits(self, environment: Any) -> bool:
        """Whether there is a place for one more connection, from this environment (None: from outside)."""
        if self.is_closed or (environment is None and self.is_draining):
            return False
        return self._places.are_left(environment)

    def add(self, connection: Served) -> None:
        self.connections.add(connection)
        self._places.take(connection.environment)

    def replace(self, connection: Served, successor: Served) -> None:
        """The same client, with whom somebody else goes on."""
        self.connections.remove(connection)
        self.connections.add(successor)

    def remove(self, connection: Served) -> None:
        self.connections.discard(connection)
        self._places.give_back(connection.environment)
