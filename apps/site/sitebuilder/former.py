"""The record of what was published as it was kept before there were generations (`published.json`).       (pure)

It is taken over once, so that the first generation uploads only what differs: {"objects": {path: [md5, digest of the
headers, etag]}}. Sizes it had none; the listing has them. An object whose headers were made by other rules than today's
is as good as unknown.
"""

import json
import zlib
from collections.abc import Mapping

from sitebuilder import outputs
from sitebuilder.heads import Head
from sitebuilder.manifests import Output
from sitebuilder.publication import Record
from sitebuilder.sources import Source

NAME = "published.json"


def taken_over(content: bytes, listed: Mapping[str, Source]) -> Record:
    """`listed` is the website as it is. What we wrote and cannot answer for is told as unsure."""
    objects: dict[str, list[str]] = json.loads(content)["objects"]
    known = {
        path: _output(path, md5, listed[path])
        for path, (md5, headers, etag) in objects.items()
        if path in listed and listed[path].etag == etag and headers == headers_digest(path)
    }
    return Record(Head(unsure=tuple(sorted(objects.keys() - known.keys()))), known)


def headers_digest(path: str) -> str:
    """As it was made then."""
    return f"{zlib.crc32(f'{outputs.content_type(path)}|{outputs.cache_control(path)}'.encode()):08x}"


def _output(path: str, md5: str, there: Source) -> Output:
    return Output(md5, there.size, outputs.content_type(path), outputs.cache_control(path), etag=there.etag)
