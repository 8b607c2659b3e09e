"""What one generation of the site was made from and consists of, as two objects in the state bucket.     (pure)

`src/NAME`: key -> (etag, size, modified); `out/NAME`: path -> everything the website's object was written with. Both
are JSON under zlib, written once and never changed: NAME holds a digest of what is in them. An edit changes little, so
most are written as their difference from a *whole* one, which every one that is not whole names.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, Generic, TypeVar

Entry = TypeVar("Entry")

#: Above this share of the entries (and a few) a difference is not worth the second request of who reads it.
MAX_DIFFERENCE, FEW = 0.05, 20


@dataclass(frozen=True, slots=True)
class Output:
    """One object of the website, as it is (or is to be) written."""

    md5: str
    """Of the content; of a copied object the source's ETag, which is the same thing unless it came in parts."""
    size: int
    content_type: str
    cache_control: str
    redirect: str | None = None
    """Where the website endpoint sends who asks for it (x-amz-website-redirect-location)."""
    origin: str | None = None
    """The source it is copied from; None if hugo made it."""
    etag: str = ""
    """As S3 answered the upload; it need not be the MD5 (it is not under SSE-KMS). Empty before the upload."""


@dataclass(frozen=True, slots=True)
class Difference(Generic[Entry]):
    """From a whole manifest to another."""

    since: str
    """The name of the whole one."""
    new: Mapping[str, Entry] = field(default_factory=dict)
    """Added or changed."""
    gone: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return len(self.new) + len(self.gone)

    def applied(self, whole: Mapping[str, Entry]) -> dict[str, Entry]:
        now = {**whole, **self.new}
        for key in self.gone:
            now.pop(key, None)
        return now


def difference(name: str, whole: Mapping[str, Entry], entries: Mapping[str, Entry]) -> Difference[Entry]:
    new = {key: entry for key, entry in entries.items() if whole.get(key) != entry}
    return Difference(name, new, tuple(sorted(whole.keys() - entries.keys())))


def is_small(found: Difference[Any], entries: Mapping[str, Any]) -> bool:
    return found.size <= FEW + MAX_DIFFERENCE * len(entries)


def encode_whole(entries: Mapping[str, Any]) -> bytes:
    return _pack(_rows(entries))


def encode_difference(found: Difference[Any]) -> bytes:
    return _pack([found.since, _rows(found.new), found.gone])


def decode(content: bytes, kind: type[Entry]) -> dict[str, Entry] | Difference[Entry]:
    """A whole one, or a difference. `kind` makes an entry from what `dataclasses.astuple` made of it."""
    document = json.loads(zlib.decompress(content))
    if isinstance(document, list):
        since, new, gone = document
        return Difference(since, _entries(new, kind), tuple(gone))
    return _entries(document, kind)


def name(generation: int, *contents: bytes) -> str:
    """Of both objects: two builders that both count to this generation cannot overwrite each other's."""
    digest = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()
    return f"{generation:06d}-{digest[:16]}"


def _rows(entries: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {key: astuple(entry) for key, entry in entries.items()}


def _entries(rows: Mapping[str, list[Any]], kind: type[Entry]) -> dict[str, Entry]:
    return {key: kind(*fields) for key, fields in rows.items()}


def _pack(document: Any) -> bytes:
    return zlib.compress(json.dumps(document, ensure_ascii=False, sort_keys=True).encode(), 1)
