"""What one generation of the site was made from and consists of, as two objects in the state bucket.     (pure)

`src/NAME`: key -> (etag, size, modified); `out/NAME`: path -> everything the website's object was written with. Both
are JSON under zlib, written once and never changed: NAME holds a digest of what is in them.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

from sitebuilder.sources import Source


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


def encode_outputs(outputs: Mapping[str, Output]) -> bytes:
    return _pack({path: astuple(output) for path, output in outputs.items()})


def decode_outputs(content: bytes) -> dict[str, Output]:
    return {path: Output(*fields) for path, fields in _unpack(content).items()}


def encode_sources(sources: Mapping[str, Source]) -> bytes:
    return _pack({key: astuple(source) for key, source in sources.items()})


def decode_sources(content: bytes) -> dict[str, Source]:
    return {key: Source(*fields) for key, fields in _unpack(content).items()}


def name(generation: int, *contents: bytes) -> str:
    """Of both objects: two builders that both count to this generation cannot overwrite each other's."""
    digest = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()
    return f"{generation:06d}-{digest[:16]}"


def _pack(document: Mapping[str, Any]) -> bytes:
    return zlib.compress(json.dumps(document, ensure_ascii=False, sort_keys=True).encode(), 1)


def _unpack(content: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(zlib.decompress(content))
    return document
