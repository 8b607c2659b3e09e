"""Chunks: the lines one log stream gained within one flush, packed into one row.

A function under load prints thousands of lines a second; a row each would cost more than running it. A chunk is
`count` timestamps, `count` lengths, then the messages. An event's place is its time, then where it stands (log
stream, chunk, index); written as 56 digits it is the event's id, and ids sort as events do. Next: `reading`.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lambent.kit.frozen import frozen

#: What AWS adds to each event's UTF-8 length when it counts bytes (PutLogEvents, "maximum batch size").
EVENT_OVERHEAD_BYTES = 26
#: Events of one chunk; bounds what a reader unpacks at once.
MAX_CHUNK_EVENTS = 10_000
#: No chunk spans more time. A reader that wants order must look this far around each event, so it is kept small.
MAX_CHUNK_SPAN_MS = 60_000


class Place(NamedTuple):
    """Where an event stands among all others; a NamedTuple because searches make and compare millions."""

    time_ms: int
    stream_id: int
    position: int
    """Of the chunk, dense per log stream, from 1."""
    ordinal: int
    """In the chunk."""


class LogEvent(NamedTuple):
    """Compares by its place, which no two events share."""

    place: Place
    message: bytes
    ingested_ms: int


@frozen
class Chunk:
    """A row: `count` events of one log stream between `first_ms` and `last_ms`."""

    stream_id: int
    position: int
    first_ms: int
    last_ms: int
    count: int
    ingested_ms: int
    payload: bytes


@frozen
class Batch:
    """Events on their way into one chunk: times and messages side by side, as they came."""

    times: Sequence[int]
    messages: Sequence[bytes]

    @property
    def stored_bytes(self) -> int:
        """As AWS counts them."""
        return sum(map(len, self.messages)) + EVENT_OVERHEAD_BYTES * len(self.messages)


def event_id(place: Place) -> str:
    return f"{place.time_ms:015d}{place.stream_id:015d}{place.position:016d}{place.ordinal:010d}"


def parse_event_id(text: str) -> Place:
    """Raises ValueError."""
    if len(text) != 56 or not text.isascii() or not text.isdecimal():
        raise ValueError(f"not an event id: {text!r}")
    return Place(int(text[:15]), int(text[15:30]), int(text[30:46]), int(text[46:]))


def split(batch: Batch) -> Iterator[Batch]:
    """Cut a batch where it would exceed what a chunk may hold."""
    start, first_ms, last_ms = 0, batch.times[0], batch.times[0]
    for index, time_ms in enumerate(batch.times):
        low, high = min(first_ms, time_ms), max(last_ms, time_ms)
        if high - low > MAX_CHUNK_SPAN_MS or index - start >= MAX_CHUNK_EVENTS:
            yield Batch(batch.times[start:index], batch.messages[start:index])
            start, low, high = index, time_ms, time_ms
        first_ms, last_ms = low, high
    yield batch if start == 0 else Batch(batch.times[start:], batch.messages[start:])


def pack(batch: Batch) -> bytes:
    count = len(batch.times)
    header = struct.pack(f"<{count}q{count}I", *batch.times, *map(len, batch.messages))
    return header + b"".join(batch.messages)


def unpack(chunk: Chunk) -> list[LogEvent]:
    """The events of a chunk, in order of their places."""
    count, payload = chunk.count, chunk.payload
    numbers = struct.unpack_from(f"<{count}q{count}I", payload)
    events = []
    offset = 12 * count
    for index in range(count):
        end = offset + numbers[count + index]
        place = Place(numbers[index], chunk.stream_id, chunk.position, index)
        events.append(LogEvent(place, payload[offset:end], chunk.ingested_ms))
        offset = end
    events.sort()
    return events
