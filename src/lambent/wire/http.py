"""Request and Response: what `net` makes of sockets and what everything above it speaks.

Header names are lower-case `str`; values are decoded as latin-1, repeated headers are joined by a comma (RFC 9110,
5.3). The target stays raw: percent-escapes matter to signatures and to S3 keys, so nobody decodes them twice.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, Protocol

from lambent.kit.frozen import frozen, mutable

#: Stands beside `host`, with the same value, in requests that came over HTTP/2: their signatures may name it instead.
AUTHORITY = ":authority"

NO_TRAILERS: Mapping[str, str] = MappingProxyType({})


class Body(Protocol):
    """The request body, read once: whole or in pieces.

    An operation sees the bytes it was sent: the gateway has taken aws-chunked framing off, and verifies signatures and
    digests while the bytes pass. What does not match is raised where the body ends, so whoever stores a body commits
    only after the last piece.
    """

    @property
    def length(self) -> int | None:
        """Bytes of content, without any framing; None if the client did not say."""
        ...

    @property
    def trailers(self) -> Mapping[str, str]:
        """What the client sent after the content (checksums), names in lower case; complete once the body has ended."""
        ...

    async def read(self, limit: int) -> bytes:
        """All of it. Raises BodyTooLarge past `limit` bytes (the rest stays unread)."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Pieces as they arrive; not asking for the next one holds the client back."""
        ...


class BodyTooLarge(Exception):
    """The body is longer than the reader allows; `limit` in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"request body is larger than {limit} bytes")
        self.limit = limit


class ClientDisconnected(Exception):
    """The client went away in the middle of its body (or sent fewer bytes than it announced)."""


class BytesBody:
    """A body that is already here."""

    def __init__(self, content: bytes = b"", trailers: Mapping[str, str] = NO_TRAILERS) -> None:
        self._content = content
        self.length = len(content)
        self.trailers = trailers

    async def read(self, limit: int) -> bytes:
        if len(self._content) > limit:
            raise BodyTooLarge(limit)
        return self._content

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._content:
            yield self._content


def stays() -> bool:
    """`Request.has_left` where nobody can leave."""
    return False


@mutable
class Request:
    method: str
    target: str
    """Raw request target, `/path?query`, percent-escapes untouched."""
    headers: dict[str, str]
    body: Body
    peer: str = "127.0.0.1"
    """Address of the client."""
    environment: Any = None
    """Set when the request came in over a socket that only one execution environment can reach: who that is."""
    has_left: Callable[[], bool] = stays
    """Whether the client is gone by now. No handler is cancelled for that; who waits for long should ask."""
    path: str = field(init=False)
    query: str = field(init=False)

    def __post_init__(self) -> None:
        self.path, _, self.query = self.target.partition("?")


@frozen
class FileSlice:
    """`length` bytes of a file from `offset`. The listener closes `fd` when it has sent them (or could not)."""

    fd: int
    offset: int
    length: int


@mutable
class Response:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    """Lower-case names or AWS's spelling; content-length and date are added by the listener."""
    body: bytes | FileSlice | AsyncIterator[bytes] = b""
    """An iterator is sent chunked, unless `headers` has a content-length."""
    close: bool = False
    """Close the connection afterwards."""
