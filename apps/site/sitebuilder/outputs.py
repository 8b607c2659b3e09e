"""How is one file of the site published: content type, cache rule, and when?                           (pure)

The order lets a visitor in the middle of a publication see a whole page: what pages refer to arrives before them, lists
that link to pages after them, feeds last, and nothing is deleted before everything else is in place.
"""

import re
from collections.abc import Iterable
from enum import IntEnum
from pathlib import PurePosixPath

#: Text is always UTF-8, because hugo writes nothing else.
TEXT_TYPES = {
    ".html": "text/html",
    ".htm": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".geojson": "application/geo+json",
    ".webmanifest": "application/manifest+json",
    ".xml": "application/xml",
    ".rss": "application/rss+xml",
    ".atom": "application/atom+xml",
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".ics": "text/calendar",
    ".vcf": "text/vcard",
    ".svg": "image/svg+xml",
}
BINARY_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".bmp": "image/bmp",
    ".tiff": "image/tiff",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    ".eot": "application/vnd.ms-fontobject",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
    ".gz": "application/gzip",
    ".wasm": "application/wasm",
}
UNKNOWN_TYPE = "application/octet-stream"

#: Names that change with their content: hugo's `fingerprint` (main.min.<sha>.css) and images (cat_hu_<hash>.webp).
FINGERPRINTED = re.compile(r"(\.[0-9a-f]{32,128}|_hu_?[0-9a-f]{12,64})\.[a-z0-9]+$")
FOREVER = "public, max-age=31536000, immutable"
#: Kept, but checked with the ETag before use: an edit is seen at the next look.
ALWAYS_CHECK = "public, max-age=0, must-revalidate"
ONE_HOUR = "public, max-age=3600"
#: Large things without a fingerprint, seldom replaced under the same name.
ONE_HOUR_TYPES = ("image/", "font/", "audio/", "video/")


class Stage(IntEnum):
    """In this order; each is complete before the next begins."""

    #: Files whose names change with their content: nothing refers to them yet.
    FINGERPRINTED = 0
    #: Styles, scripts, images, data.
    ASSET = 1
    #: Pages of their own.
    PAGE = 2
    #: Pages that link to the pages below them, and the home page.
    LIST = 3
    #: Feeds and site maps: they call others to come and look.
    FEED = 4


def content_type(path: str) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in TEXT_TYPES:
        return f"{TEXT_TYPES[suffix]}; charset=utf-8"
    return BINARY_TYPES.get(suffix, UNKNOWN_TYPE)


def cache_control(path: str) -> str:
    if FINGERPRINTED.search(path):
        return FOREVER
    return ONE_HOUR if content_type(path).startswith(ONE_HOUR_TYPES) else ALWAYS_CHECK


def stages(paths: Iterable[str]) -> dict[str, Stage]:
    """Each path's stage. A list is an index page with further index pages below it."""
    every = list(paths)
    parents: set[str] = set()
    for path in every:
        if path.endswith("/index.html"):
            parents.update(str(folder) for folder in PurePosixPath(path).parent.parents)
    return {path: _stage(path, parents) for path in every}


def _stage(path: str, parents: set[str]) -> Stage:
    if FINGERPRINTED.search(path):
        return Stage.FINGERPRINTED
    pure = PurePosixPath(path)
    if pure.suffix in (".xml", ".rss", ".atom"):
        return Stage.FEED
    if pure.suffix not in (".html", ".htm"):
        return Stage.ASSET
    is_list = pure.name == "index.html" and (str(pure.parent) in parents or path == "index.html")
    return Stage.LIST if is_list else Stage.PAGE
