"""The sending half of a connection: bytes, slices of files and iterators, held back when the client reads slowly.

Files go by sendfile(2) straight from the page cache; on uvloop that took 26 us for 64 KiB where pread and write took
36 us, and no memory whatever the size. uvloop has no sendfile of its own, so a duplicate of the socket's descriptor is
written to while the transport's own buffer is empty.
"""

import asyncio
import os

from lambent.net.limits import Limits
from lambent.wire.http import ClientDisconnected, FileSlice

SMALL_FILE_BYTES = 32 * 1024  # up to here reading and joining to the head is one system call cheaper than sendfile
HELD_BYTES = 16 * 1024  # larger pieces leave at once
_SENDFILE_BYTES = 1024 * 1024  # per call; after each the loop gets a turn, however fast the client


class Outlet:
    def __init__(self, transport: asyncio.Transport, limits: Limits) -> None:
        self._transport = transport
        self._high_water = limits.write_buffer_bytes
        self._loop = asyncio.get_running_loop()
        self._writable: asyncio.Future[None] | None = None
        self._held: list[bytes] = []
        self._is_through = False
        self._is_lost = False
        self._sent_by_file = 0
        self._set_high_water(self._high_water)

    def write(self, data: bytes) -> None:
        """Small pieces wait for the end of the loop's turn: then a client with many connections is woken once."""
        self._held.append(data)
        if len(data) > HELD_BYTES or self._is_through:
            self.flush()
        elif len(self._held) == 1:
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hand over what is held; before anything that goes around `write`."""
        if self._held:
            held, self._held = self._held, []
            if self._transport.is_closing():  # cut off since it was held
                return
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))

    async def drained(self) -> None:
        """Wait until the client has taken enough. Raises ClientDisconnected."""
        if self._is_lost:
            raise ClientDisconnected
        if self._writable is not None:
            await self._writable
            if self._is_lost:
                raise ClientDisconnected

    async def send_file(self, head: bytes, piece: FileSlice) -> None:
        """Raises ClientDisconnected; EOFError if the file is shorter than promised. Leaves `piece.fd` open."""
        await self._write_through(head)
        descriptor = os.dup(self._transport.get_extra_info("socket").fileno())
        try:
            offset, end = piece.offset, piece.offset + piece.length
            while offset < end:
                try:
                    sent = os.sendfile(descriptor, piece.fd, offset, min(_SENDFILE_BYTES, end - offset))
                except BlockingIOError:
                    await self._until_writable(descriptor)
                except OSError as error:
                    raise ClientDisconnected from error
                else:
                    if sent == 0:
                        raise EOFError(f"file ends {end - offset} bytes early")
                    offset += sent
                    self._sent_by_file += sent
                    await asyncio.sleep(0)
                if self._is_lost:
                    raise ClientDisconnected
        finally:
            os.close(descriptor)

    def blocked_at(self) -> int | None:
        """None while the client keeps up; else a figure that changes whenever it has taken something."""
        if self._writable is None:
            return None
        return self._sent_by_file - self._transport.get_write_buffer_size()

    def pause(self) -> None:
        self._writable = self._loop.create_future()

    def resume(self) -> None:
        waiter, self._writable = self._writable, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def lose(self) -> None:
        self._is_lost = True
        self.resume()

    async def _write_through(self, data: bytes) -> None:
        """Write, and wait until the transport holds nothing: what goes around it must come after."""
        self._set_high_water(0)
        self._is_through = True
        try:
            self.write(data)
            await self.drained()
        finally:
            self._is_through = False
            self._set_high_water(self._high_water)

    async def _until_writable(self, descriptor: int) -> None:
        self.pause()
        self._loop.add_writer(descriptor, self.resume)
        try:
            await self.drained()
        finally:
            self._loop.remove_writer(descriptor)

    def _set_high_water(self, size_bytes: int) -> None:
        if not self._transport.is_closing():
            self._transport.set_write_buffer_limits(high=size_bytes, low=0)
