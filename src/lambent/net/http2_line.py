"""The sending side of a connection that speaks HTTP/2, shared by its streams: h2 makes frames, the outlet sends them.

h2 keeps the state of the protocol and both sides' windows; here is how we set it up, and what we ask of it. Whoever
sends data asks for `room` first and waits for the window to open if there is none.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hpack import Encoder
from hyperframe.frame import GoAwayFrame

from lambent.net.http2_frames import Inspection, Patience
from lambent.net.limits import Limits
from lambent.net.outlet import Outlet

_CONFIGURATION = H2Configuration(
    client_side=False,
    header_encoding=None,
    # Headers are checked by http2_head, coming and going: h2 looks at every single character in Python.
    validate_inbound_headers=False,
    normalize_inbound_headers=False,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)
_DEFAULT_WINDOW_BYTES = 65_535  # of a connection at its start (RFC 9113, 6.9.2)
#: What a field counts beside its bytes in the size of a header list (RFC 9113, 6.5.2).
_FIELD_BYTES = 32
#: Of header fields that were sent before; what both sides begin with (RFC 9113, 6.5.2).
_TABLE_BYTES = 4096
#: In one frame, though a client may allow up to 16 MiB: each is a copy in memory.
_FRAME_BYTES = 64 * 1024
#: How many streams that have ended h2 remembers, to tell late frames from wrong ones.
_REMEMBERED_STREAMS = 1024


class _H2(H2Connection):
    MAX_CLOSED_STREAMS = _REMEMBERED_STREAMS


class _FrugalEncoder(Encoder):
    """Without the Huffman code: in Python it costs more than the bytes it saves, 14 us a character for long values.

    And with a small table, whatever the client offers to remember: all of it is looked through for every field.
    """

    def encode(self, headers: Iterable[Any], huffman: bool = False) -> bytes:
        return super().encode(headers, huffman)

    @property
    def header_table_size(self) -> int:
        return self.header_table.maxsize

    @header_table_size.setter
    def header_table_size(self, value: int) -> None:
        self.header_table.maxsize = min(value, _TABLE_BYTES)
        if self.header_table.resized:  # the client is to be told
            self.table_size_changes.append(self.header_table.maxsize)


class Line:
    def __init__(self, transport: asyncio.Transport, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self.patience = Patience(limits, loop.time)
        self.inspection = Inspection(self.patience)
        self.outlet = Outlet(transport, limits)
        self.is_lost = False
        """Nothing can be sent any more."""
        self.h2 = _H2(_CONFIGURATION)
        self.h2.incoming_buffer = self.inspection
        self.h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: limits.http_2_streams,
                SettingCodes.INITIAL_WINDOW_SIZE: limits.body_buffer_bytes,
                SettingCodes.MAX_HEADER_LIST_SIZE: limits.head_bytes,
            },
        )
        # A little more than we say is decoded, to be answered with 431; a list beyond that ends the connection.
        self.h2.decoder.max_header_list_size = limits.head_bytes + limits.header_count * _FIELD_BYTES
        self.h2.encoder = _FrugalEncoder()
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(max(1, limits.http_2_window_bytes - _DEFAULT_WINDOW_BYTES))
        self.flush()

    def flush(self) -> None:
        """Send what h2 has made."""
        data = self.h2.data_to_send()
        if data and not self.is_lost:
            self.outlet.write(data)

    def send_head(self, stream_id: int, fields: list[tuple[bytes, bytes]], *, is_end: bool = False) -> None:
        self.h2.send_headers(stream_id, fields, end_stream=is_end)
        self.flush()

    def room(self, stream_id: int) -> int:
        """How much data may be sent in one frame now."""
        window = self.h2.local_flow_control_window(stream_id)
        return max(0, min(window, self.h2.max_outbound_frame_size, _FRAME_BYTES))

    def send_data(self, stream_id: int, piece: bytes | memoryview, *, is_end: bool = False) -> None:
        """At most as much as there is `room` for."""
        self.h2.send_data(stream_id, piece, end_stream=is_end)
        self.patience.data_sent()
        self.flush()

    def reset(self, stream_id: int, code: ErrorCodes) -> None:
        with contextlib.suppress(ProtocolError):  # closed already, by something that was read together with this
            self.h2.reset_stream(stream_id, code)
        self.flush()

    def acknowledge(self, stream_id: int, size: int) -> None:
        """So much of a request's data has been read: the client may send as much again."""
        self.h2.acknowledge_received_data(size, stream_id)
        self.flush()

    def say_farewell(self) -> None:
        """Announce that no new request is taken. (h2's own GOAWAY would end what is under way as well.)"""
        frame = GoAwayFrame(0, last_stream_id=self.h2.highest_inbound_stream_id, error_code=ErrorCodes.NO_ERROR)
        if not self.is_lost:
            self.outlet.write(frame.serialize())
