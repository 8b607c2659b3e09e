"""How is one file of the site published: content type, cache rule, and when?                           (pure)

The order lets a visitor in the middle of a publication see a whole page: what pages refer to arrives before them, lists
that link to pages after them, feeds last, and nothing is deleted before everything else is in place.
"""

import html
import re
from collections.abc import Callable, Iterable
from enum import IntEnum
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit, urlunsplit

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


#: hugo's own alias template ("alias.html"): nothing but a title, the canonical link and the refresh.
ALIAS = re.compile(
    r"\s*<!DOCTYPE html>\s*<html[^>]*>\s*<head>\s*<title>[^<]*</title>\s*"
    r"""<link rel="?canonical"? href="?(?P<canonical>[^">\s]+)"?>\s*(?:<meta[^>]*charset[^>]*>\s*)?"""
    r"""<meta http-equiv="?refresh"? content="0; ?url=(?P<target>[^">]+)">\s*(?:</head>\s*)?(?:</html>)?\s*\Z""",
    re.IGNORECASE,
)
MAX_ALIAS_BYTES = 4096
#: Of x-amz-website-redirect-location (Amazon S3 User Guide, "Configuring a webpage redirect").
MAX_REDIRECT_BYTES = 2048


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


def is_fingerprinted(path: str) -> bool:
    return FINGERPRINTED.search(path) is not None


def redirect(page: bytes, *, ours: Callable[[str], bool]) -> str | None:
    """Where a page made by hugo's alias template leads, as S3 wants it, if that is a page of ours; else None.

    The path alone, so that it holds under whatever name the website is reached; `ours` is asked about the path.
    """
    if len(page) > MAX_ALIAS_BYTES:
        return None
    found = ALIAS.search(page.decode("utf-8", "replace"))
    if found is None or found["canonical"] != found["target"]:
        return None
    parts = urlsplit(html.unescape(found["target"]))
    if not parts.path.startswith("/") or not ours(unquote(parts.path)):
        return None
    target = urlunsplit(("", "", parts.path, parts.query, parts.fragment))
    return target if len(target) <= MAX_REDIRECT_BYTES else None


def content_type(path: str) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in TEXT_TYPES:
        return f"{TEXT_TYPES[suffix]}; charset=utf-8"
    return BINARY_TYPES.get(suffix, UNKNOWN_TYPE)


def cache_control(path: str) -> str:
    if is_fingerprinted(path):
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
    if is_fingerprinted(path):
        return Stage.FINGERPRINTED
    pure = PurePosixPath(path)
    if pure.suffix in (".xml", ".rss", ".atom"):
        return Stage.FEED
    if pure.suffix not in (".html", ".htm"):
        return Stage.ASSET
    is_list = pure.name == "index.html" and (str(pure.parent) in parents or path == "index.html")
    return Stage.LIST if is_list else Stage.PAGE
