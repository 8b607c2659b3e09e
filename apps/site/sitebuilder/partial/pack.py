"""All sources that hugo reads in one object, laid out so that a cold environment reads little of it.       (pure)

    MAGIC, length of the prefix | prefix: everything but the texts, and of every text its stub | frames of texts

The first read brings the prefix (a site's templates, and the front matter of every page), whose length the graph tells;
each frame is read by its range when one of its texts is wanted. Every file carries the ETag it had when it was packed:
what is newer in the bucket is fetched by itself, so a pack may be old.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sitebuilder.partial import awaited, stubs
from sitebuilder.sources import Source

MAGIC = b"lambent-texts-1\n"
HEAD_BYTES = len(MAGIC) + 8
#: A frame is closed with so many bytes of texts: few enough that one text is cheap, enough that they compress well.
#: Halved, the pages of a text edit take a tenth less and the pack grows by a tenth; doubled, they take half more.
FRAME_BYTES = 12 << 10
#: What is larger, and no text, is fetched by itself; pictures of pages only when hugo opens them (`awaited`).
MAX_PACKED_BYTES = 256 << 10
_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text is: in which frame, from where to where."""

    frame: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    etag: str
    content: bytes
    """A text's stub where it has a place, else the whole file."""
    place: Place | None


@dataclass(frozen=True, slots=True)
class Prefix:
    entries: Mapping[str, Entry]
    frames: tuple[tuple[int, int], ...]
    """First byte and end of each frame, within the object."""


def encode(wanted: Mapping[str, Source], contents: Mapping[str, bytes]) -> bytes:
    stubbed = {key: made for key in contents if stubs.is_text(key) and (made := stubs.stub(contents[key])) is not None}
    frames, places = _framed({key: contents[key] for key in sorted(stubbed)})
    entries = [
        [key, wanted[key].etag, _to_text(stubbed.get(key, contents[key])), places.get(key)] for key in sorted(contents)
    ]
    document = {"entries": entries, "frames": [len(frame) for frame in frames]}
    prefix = zlib.compress(json.dumps(document, ensure_ascii=False).encode(), _LEVEL)
    return b"".join([MAGIC, len(prefix).to_bytes(8, "big"), prefix, *frames])


def _framed(texts: Mapping[str, bytes]) -> tuple[list[bytes], dict[str, tuple[int, int, int]]]:
    """The frames, compressed, and where each text is."""
    frames, places, open_frame = [], {}, bytearray()
    for key, content in texts.items():
        if len(open_frame) >= FRAME_BYTES:
            frames.append(zlib.compress(open_frame, _LEVEL))
            open_frame = bytearray()
        start = len(open_frame)
        open_frame += content
        places[key] = (len(frames), start, len(open_frame))
    return [*frames, zlib.compress(open_frame, _LEVEL)], places


def prefix_end(head: bytes) -> int:
    """Of the object's first bytes; -1 if it is no pack of ours."""
    if not head.startswith(MAGIC) or len(head) < HEAD_BYTES:
        return -1
    return HEAD_BYTES + int.from_bytes(head[len(MAGIC) : HEAD_BYTES], "big")


def decode_prefix(content: bytes) -> Prefix:
    """`content` goes to the prefix's end."""
    document = json.loads(zlib.decompress(content[HEAD_BYTES:]))
    at, frames = len(content), []
    for length in document["frames"]:
        frames.append((at, at + length))
        at += length
    entries = {
        key: Entry(etag, _to_bytes(text), Place(*place) if place else None)
        for key, etag, text, place in document["entries"]
    }
    return Prefix(entries, tuple(frames))


def text_in(frame: bytes, place: Place) -> bytes:
    """Of a frame as it is stored."""
    return zlib.decompress(frame)[place.start : place.end]


def packable(wanted: Mapping[str, Source], sizes: Mapping[str, int]) -> list[str]:
    return [
        key
        for key in sorted(wanted)
        if stubs.is_text(key) or (sizes[key] <= MAX_PACKED_BYTES and not awaited.is_awaited(key, sizes[key]))
    ]


def frames_of(prefix: Prefix, keys: Iterable[str]) -> tuple[int, ...]:
    places = (prefix.entries[key].place for key in keys if key in prefix.entries)
    return tuple(sorted({place.frame for place in places if place is not None}))


def _to_text(content: bytes) -> str | list[str]:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return [base64.b85encode(content).decode()]


def _to_bytes(text: str | list[str]) -> bytes:
    return text.encode() if isinstance(text, str) else base64.b85decode(text[0])
