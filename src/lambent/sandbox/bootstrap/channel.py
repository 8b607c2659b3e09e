"""The runtime's end of the frames on descriptor 3 (`lambent/sandbox/frames.py` is the other end)."""

from __future__ import annotations

import os
import socket
import struct
import threading

ASSIGN = 0
INVOKE = 1
RESULT = 2
HANDLED_ERROR = 3
FATAL_ERROR = 4
READY = 7
LAUNCH = 9

_HEADER = struct.Struct(">IB")
_FIRST_READ_BYTES = 64 * 1024


class Closed(Exception):
    """The platform has hung up."""


class Channel:
    """Frames in and out. The platform sends one and waits for the answer, so a read never holds two."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def receive(self) -> tuple[int, bytes]:
        data = self._sock.recv(_FIRST_READ_BYTES)
        while 0 < len(data) < _HEADER.size:
            data += self._sock.recv(_HEADER.size - len(data)) or _hung_up()
        if not data:
            raise Closed
        length, kind = _HEADER.unpack_from(data)
        if len(data) == _HEADER.size + length:
            return kind, data[_HEADER.size :]
        payload = bytearray(length)
        have = len(data) - _HEADER.size
        payload[:have] = data[_HEADER.size :]
        view = memoryview(payload)
        while have < length:
            received = self._sock.recv_into(view[have:])
            if not received:
                raise Closed
            have += received
        return kind, bytes(payload)

    def send(self, kind: int, payload: bytes) -> None:
        with self._lock:  # a function's threads log while its handler returns
            self._sock.sendall(_HEADER.pack(len(payload), kind) + payload)

    @property
    def is_ours(self) -> bool:
        """False in processes that a function has forked: they must not speak for it."""
        return os.getpid() == self._owner


def _hung_up() -> bytes:
    raise Closed
