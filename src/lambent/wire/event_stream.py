"""Event streams: length-prefixed, checksummed messages with typed headers, in both directions.

    total length u32 | headers length u32 | CRC32 of those eight bytes | headers | payload | CRC32 of all before

https://smithy.io/2.0/aws/amazon-eventstream.html. Lambda's response streams, Logs' live tail, S3 Select and Kinesis'
SubscribeToShard answer this way.
"""

import struct
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from dataclasses import field
from typing import Any, Protocol
from zlib import crc32

from lambent.kit.frozen import frozen, mutable
from lambent.wire.errors import ServiceError
from lambent.wire.model import Member, Operation, Shape

CONTENT_TYPE = "application/vnd.amazon.eventstream"

#: https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html and the SDKs agree on these.
MAX_HEADERS_BYTES = 128 * 1024
MAX_PAYLOAD_BYTES = 16 * 1024 * 1024

_PRELUDE = struct.Struct(">III")
_OVERHEAD_BYTES = 16

HeaderValue = bool | int | str | bytes | float | uuid.UUID
"""float: a timestamp in epoch seconds."""


class MalformedEventStream(ServiceError):
    """A message breaks the framing: lengths, checksums or header types."""

    code = "SerializationException"
    status = 400


@frozen
class Message:
    headers: Mapping[str, HeaderValue]
    payload: bytes = b""


def encode_message(headers: Mapping[str, HeaderValue], payload: bytes = b"") -> bytes:
    block = b"".join([_encode_header(name, value) for name, value in headers.items()])
    prelude = struct.pack(">II", _OVERHEAD_BYTES + len(block) + len(payload), len(block))
    message = b"".join((prelude, struct.pack(">I", crc32(prelude)), block, payload))
    return message + struct.pack(">I", crc32(message))


def _encode_header(name: str, value: HeaderValue) -> bytes:
    raw = name.encode()
    return struct.pack(">B", len(raw)) + raw + _encode_value(value)


def _encode_value(value: HeaderValue) -> bytes:
    match value:
        case True:
            return b"\x00"
        case False:
            return b"\x01"
        case int():
            return struct.pack(">Bi", 4, value) if -(2**31) <= value < 2**31 else struct.pack(">Bq", 5, value)
        case bytes():
            return struct.pack(">BH", 6, len(value)) + value
        case str():
            raw = value.encode()
            return struct.pack(">BH", 7, len(raw)) + raw
        case float():
            return struct.pack(">Bq", 8, round(value * 1000))
        case uuid.UUID():
            return b"\x09" + value.bytes


@mutable
class Decoder:
    """Feed bytes as they come; take whole messages out. Raises MalformedEventStream."""

    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Message]:
        self._buffer += data
        messages = []
        while len(self._buffer) >= _PRELUDE.size:
            total, headers_length = _check_prelude(self._buffer)
            if len(self._buffer) < total:
                break
            messages.append(_decode_message(bytes(self._buffer[:total]), headers_length))
            del self._buffer[:total]
        return messages

    def finish(self) -> None:
        if self._buffer:
            raise MalformedEventStream("The event stream ends inside a message")


def _check_prelude(buffer: bytearray) -> tuple[int, int]:
    total, headers_length, checksum = _PRELUDE.unpack_from(buffer)
    if crc32(buffer[:8]) != checksum:
        raise MalformedEventStream("Prelude checksum mismatch")
    payload_length = total - headers_length - _OVERHEAD_BYTES
    if headers_length > MAX_HEADERS_BYTES or not 0 <= payload_length <= MAX_PAYLOAD_BYTES:
        raise MalformedEventStream("Message lengths out of range")
    return total, headers_length


def _decode_message(message: bytes, headers_length: int) -> Message:
    if crc32(message[:-4]) != int.from_bytes(message[-4:], "big"):
        raise MalformedEventStream("Message checksum mismatch")
    end = _PRELUDE.size + headers_length
    try:
        headers = _decode_headers(message[_PRELUDE.size : end])
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise MalformedEventStream("Malformed headers") from error
    return Message(headers, message[end:-4])


def _decode_headers(block: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    at = 0
    while at < len(block):
        name_end = at + 1 + block[at]
        name = block[at + 1 : name_end].decode()
        if name in headers:
            raise MalformedEventStream(f"Header {name!r} appears twice")
        headers[name], at = _decode_value(block, name_end)
    return headers


def _decode_value(block: bytes, at: int) -> tuple[HeaderValue, int]:
    kind = block[at]
    at += 1
    match kind:
        case 0 | 1:
            return kind == 0, at
        case 2 | 3 | 4 | 5 | 8:
            layout = struct.Struct({2: ">b", 3: ">h", 4: ">i", 5: ">q", 8: ">q"}[kind])
            number: int = layout.unpack_from(block, at)[0]
            return (number / 1000 if kind == 8 else number), at + layout.size
        case 6 | 7:
            start = at + 2
            end = start + int.from_bytes(block[at:start], "big")
            if start > len(block) or end > len(block):
                raise IndexError
            return (block[start:end] if kind == 6 else block[start:end].decode()), end
        case 9:
            if at + 16 > len(block):
                raise IndexError
            return uuid.UUID(bytes=block[at : at + 16]), at + 16
    raise MalformedEventStream(f"Unknown header type {kind}")


class WriteEvents(Protocol):
    def __call__(
        self, events: AsyncIterator[Mapping[str, Any]], *, initial_response: bytes | None = None
    ) -> AsyncIterator[bytes]: ...


EncodeShape = Callable[[Shape], Callable[[Mapping[str, Any]], bytes]]
_EncodeEvent = Callable[[Mapping[str, Any]], bytes]


def compile_writers(
    operations: Iterable[Operation], encode_shape: EncodeShape, content_type: str
) -> dict[str, WriteEvents]:
    """One writer for each operation that answers with events; `encode_shape` compiles the protocol's documents."""
    return {
        operation.name: _compile_writer(
            operation.output.members[operation.event_stream_output].shape, encode_shape, content_type
        )
        for operation in operations
        if operation.output is not None and operation.event_stream_output is not None
    }


def _compile_writer(stream: Shape, encode_shape: EncodeShape, content_type: str) -> WriteEvents:
    encoders = {
        name: _compile_event(name, member.shape, encode_shape, content_type) for name, member in stream.members.items()
    }

    async def write(
        events: AsyncIterator[Mapping[str, Any]], *, initial_response: bytes | None = None
    ) -> AsyncIterator[bytes]:
        if initial_response is not None:
            yield encode_message(_event_headers("initial-response", content_type), initial_response)
        try:
            async for event in events:
                for name, value in event.items():
                    yield encoders[name](value)
        except ServiceError as error:
            yield _encode_exception(error, stream, encode_shape, content_type)
        finally:
            # A client that goes away closes this generator; whoever feeds it should hear of it now, not when collected.
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    return write


def _event_headers(name: str, content_type: str) -> dict[str, HeaderValue]:
    return {":message-type": "event", ":event-type": name, ":content-type": content_type}


def _compile_event(name: str, shape: Shape, encode_shape: EncodeShape, content_type: str) -> _EncodeEvent:
    header_members = [member for member in shape.members.values() if member.is_event_header]
    payload = next((member for member in shape.members.values() if member.is_event_payload), None)
    payload_type, encode_payload = _compile_payload(shape, payload, encode_shape, content_type)

    def encode(event: Mapping[str, Any]) -> bytes:
        headers = _event_headers(name, payload_type)
        headers.update({one.name: event[one.name] for one in header_members if event.get(one.name) is not None})
        return encode_message(headers, encode_payload(event))

    return encode


def _compile_payload(
    shape: Shape, payload: Member | None, encode_shape: EncodeShape, content_type: str
) -> tuple[str, _EncodeEvent]:
    if payload is None:
        return content_type, encode_shape(shape)
    name = payload.name
    if payload.shape.type == "blob":
        return "application/octet-stream", lambda event: event.get(name) or b""
    if payload.shape.type == "string":
        return "text/plain", lambda event: (event.get(name) or "").encode()
    encode = encode_shape(payload.shape)
    return content_type, lambda event: encode(event.get(name) or {})


def _encode_exception(error: ServiceError, stream: Shape, encode_shape: EncodeShape, content_type: str) -> bytes:
    """The stream's last message when it fails on the way: the status line has long been sent."""
    member = stream.members.get(error.code)
    if member is None:
        return encode_message({":message-type": "error", ":error-code": error.code, ":error-message": error.message})
    headers: dict[str, HeaderValue] = {
        ":message-type": "exception",
        ":exception-type": error.code,
        ":content-type": content_type,
    }
    spelled = next((name for name in member.shape.members if name.lower() == "message"), "message")
    return encode_message(headers, encode_shape(member.shape)({**error.members, spelled: error.message}))
