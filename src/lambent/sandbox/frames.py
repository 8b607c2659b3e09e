"""Frames: how the platform and a runtime inside a sandbox talk over their socketpair (pure).

A frame is `>I` payload length, one byte kind, payload. Event and response bytes pass through unparsed. The runtime
finds the socket as file descriptor 3.

To the runtime: LAUNCH {"argv", "env"} (only a launcher gets it: it executes argv), ASSIGN {"handler", "env",
"task_root"}, INVOKE (`>H` length of a JSON meta document, that document, the event).
From the runtime: READY (once when it waits to be assigned, once when the handler is loaded), RESULT, HANDLED_ERROR
(the error document), FATAL_ERROR (the same, and the process ends), CHUNK and PRELUDE (a streamed response), LOG (one
log event, newlines included).
"""

import struct

ASSIGN = 0
INVOKE = 1
RESULT = 2
HANDLED_ERROR = 3
FATAL_ERROR = 4
CHUNK = 5
PRELUDE = 6
READY = 7
LOG = 8
LAUNCH = 9
#: Never sent: the other side has closed its end, and nothing more will come.
HUNG_UP = 254
#: Never sent: stands for a frame whose payload was longer than the reader takes; its bytes were dropped.
OVERSIZED = 255

_HEADER = struct.Struct(">IB")
_META_LENGTH = struct.Struct(">H")


def encode(kind: int, payload: bytes) -> bytes:
    return _HEADER.pack(len(payload), kind) + payload


def encode_invoke(meta: bytes, event: bytes) -> bytes:
    length = 2 + len(meta) + len(event)
    return b"".join((_HEADER.pack(length, INVOKE), _META_LENGTH.pack(len(meta)), meta, event))


class FrameReader:
    """Bytes in, frames out. What the other side sends is not trusted: a frame holds `limit` bytes or is dropped."""

    __slots__ = ("_buffer", "_limit", "_skip")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._skip = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        if not self._buffer and not self._skip and len(data) >= 5:
            length, kind = _HEADER.unpack_from(data)
            if len(data) == 5 + length:  # the usual case: one whole frame
                return [(kind, data[5:])] if length <= self._limit else [(OVERSIZED, b"")]
        self._buffer += data
        return self._take()

    def _take(self) -> list[tuple[int, bytes]]:
        frames: list[tuple[int, bytes]] = []
        while True:
            if self._skip:
                dropped = min(self._skip, len(self._buffer))
                del self._buffer[:dropped]
                self._skip -= dropped
                if self._skip:
                    return frames
                frames.append((OVERSIZED, b""))
            if len(self._buffer) < 5:
                return frames
            length, kind = _HEADER.unpack_from(self._buffer)
            if length > self._limit:
                del self._buffer[:5]
                self._skip = length
                continue
            if len(self._buffer) < 5 + length:
                return frames
            frames.append((kind, bytes(self._buffer[5 : 5 + length])))
            del self._buffer[: 5 + length]
