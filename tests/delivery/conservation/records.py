"""Records: their names, `<number>.<key>.<source>`, and where those stand in whatever a record becomes on its way.

A replayed event is another record: its name goes on with `@` and the replay.
"""

import base64
import contextlib
import gzip
import re
from collections.abc import Iterator
from typing import Any

import orjson

#: Recognized also where it stands among other bytes.
NAME = re.compile(r"[0-9]{6}\.[a-z]\.[a-z]+")
REPLAYS = "replays"

_ZIPPED = b"\x1f\x8b\x08"

Document = dict[str, Any]


def source_of(name: str) -> str:
    return REPLAYS if "@" in name else name.rpartition(".")[2]


def first_of(name: str) -> str:
    """The record that it is a replay of, or itself."""
    return name.partition("@")[0]


def order_of(name: str) -> str:
    """Records of the same come in their order: of a key, and of a replay."""
    first, _, replay = name.partition("@")
    return f"{first.split('.')[1]}@{replay}"


def key_of(name: str) -> str:
    return name.split(".")[1]


def names_in(document: Any) -> list[str]:
    """The records that an event, an invocation record or a dead letter is about, each once, in their order."""
    return list(dict.fromkeys(_all_names(document)))


def names_in_bytes(data: bytes) -> list[str]:
    """Of what a stream's record holds: a name, an event, zipped log events; or any of these with a head before it."""
    at = data.find(_ZIPPED)
    if at >= 0:
        data = gzip.decompress(data[at:])
    start = data.find(b"{")
    text = (data if start < 0 else data[start:]).decode(errors="replace")
    return names_in(text) or NAME.findall(data.decode(errors="replace"))


def _all_names(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield from _names_in_text(document)
    elif isinstance(document, list):
        for one in document:
            yield from _all_names(one)
    elif isinstance(document, dict):
        yield from _names_in_members(document)


def _names_in_text(text: str) -> Iterator[str]:
    """JSON in JSON is looked through."""
    inner = None
    if text.startswith("{"):
        with contextlib.suppress(orjson.JSONDecodeError):
            inner = orjson.loads(text)
    yield from NAME.findall(text) if inner is None else _all_names(inner)


def _names_in_members(document: Document) -> Iterator[str]:
    if "kinesis" in document:
        yield from names_in_bytes(base64.b64decode(document["kinesis"]["data"]))
    elif "awslogs" in document:
        yield from names_in_bytes(base64.b64decode(document["awslogs"]["data"]))
    elif "replay-name" in document:
        for name in NAME.findall(orjson.dumps(document).decode()):
            yield f"{name}@{document['replay-name']}"
    else:
        for one in document.values():
            yield from _all_names(one)
