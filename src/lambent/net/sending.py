"""One response onto one connection: its head, and its body in whichever form it comes.

Owns what the response holds: a file descriptor is closed and an iterator is ended here, whether all was sent, the
client went away, or nobody was to see the body (HEAD).
"""

import os
from collections.abc import AsyncIterator
from typing import NamedTuple

from lambent.net import response_head
from lambent.net.outlet import SMALL_FILE_BYTES, Outlet
from lambent.net.response_head import DateLine
from lambent.wire.http import FileSlice, Response

_JOIN_BYTES = 64 * 1024  # a body up to here is copied behind its head, so that both leave in one packet train
_LAST_CHUNK = b"0\r\n\r\n"


class Manner(NamedTuple):
    """How this client, for this request, must be answered."""

    is_head: bool
    is_http_1_1: bool
    keep_alive: bool


async def send(response: Response, outlet: Outlet, manner: Manner, date: DateLine) -> None:
    """Raises ClientDisconnected, or whatever the body's iterator raises; then the connection cannot be used again."""
    body = response.body
    if isinstance(body, bytes):
        await _send_bytes(response, body, outlet, manner, date)
    elif isinstance(body, FileSlice):
        try:
            await _send_slice(response, body, outlet, manner, date)
        finally:
            os.close(body.fd)
    else:
        await _send_iterator(response, body, outlet, manner, date)


async def dispose(response: Response) -> None:
    """Let go of a response that cannot be sent."""
    if isinstance(response.body, FileSlice):
        os.close(response.body.fd)
    elif not isinstance(response.body, bytes):
        await end(response.body)


async def end(body: AsyncIterator[bytes]) -> None:
    close = getattr(body, "aclose", None)  # generators have it; a plain iterator holds nothing to let go of
    if close is not None:
        await close()


def declared_length(response: Response, otherwise: int | None) -> int | None:
    """The length that the response itself names: that of the body which HEAD leaves out, or of an iterator's."""
    for name, value in response.headers.items():
        if name.lower() == "content-length":
            return int(value)
    return otherwise


async def _send_bytes(response: Response, body: bytes, outlet: Outlet, manner: Manner, date: DateLine) -> None:
    if manner.is_head or response.status in (204, 304):
        length = declared_length(response, None if response.status == 304 else len(body))
        outlet.write(_head(response, manner, date, length=length))
    elif len(body) <= _JOIN_BYTES:
        outlet.write(_head(response, manner, date, length=len(body)) + body)
    else:
        outlet.write(_head(response, manner, date, length=len(body)))
        outlet.write(body)
    await outlet.drained()


async def _send_slice(response: Response, body: FileSlice, outlet: Outlet, manner: Manner, date: DateLine) -> None:
    head = _head(response, manner, date, length=body.length)
    if manner.is_head:
        outlet.write(head)
    elif body.length <= SMALL_FILE_BYTES:
        content = os.pread(body.fd, body.length, body.offset)
        if len(content) != body.length:
            raise EOFError(f"file ends {body.length - len(content)} bytes early")
        outlet.write(head + content)
    else:
        await outlet.send_file(head, body)
        return
    await outlet.drained()


async def _send_iterator(
    response: Response, body: AsyncIterator[bytes], outlet: Outlet, manner: Manner, date: DateLine
) -> None:
    length = declared_length(response, None)
    is_chunked = length is None and manner.is_http_1_1
    sent = 0
    try:
        outlet.write(_head(response, manner, date, length=length))
        if manner.is_head:
            return
        async for piece in body:
            if piece:
                sent += len(piece)
                outlet.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
                await outlet.drained()
        if is_chunked:
            outlet.write(_LAST_CHUNK)
        elif length is not None and sent != length:
            raise EOFError(f"response of {sent} bytes was announced with {length}")
    finally:
        await end(body)


def _head(response: Response, manner: Manner, date: DateLine, *, length: int | None) -> bytes:
    if length is not None:
        framing = f"content-length: {length}\r\n" if response.status != 204 else ""
    elif manner.is_http_1_1 and response.status != 304:
        framing = "transfer-encoding: chunked\r\n"
    else:
        framing = ""
    if not manner.keep_alive:
        framing += "connection: close\r\n"
    elif not manner.is_http_1_1:
        framing += "connection: keep-alive\r\n"
    return response_head.encode(response.status, response.headers, framing=framing, date_line=date.current())
