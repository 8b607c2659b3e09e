"""Which pages do the published files link to?                                                             (pure)

Read from what hugo made, not from templates: whatever lists, menus, shortcodes and render hooks brought a link about,
it is in the file. Links are compared as addresses of pages; what a page shows without linking is found by other means
(`reach`), or by the whole build.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

_ATTRIBUTE = re.compile(
    rb"""\b(?:href|loc|link|permalink|url|src)["']?\s*(?:=|:)\s*["']?([^"'\s>]+)|<(?:loc|link|guid[^>]*)>([^<]+)<"""
)
LINKING_SUFFIXES = (".html", ".htm", ".xml", ".json")


def targets(content: bytes, output: str, pages: Mapping[str, str], prefix: str = "") -> frozenset[str]:
    """The logical paths of the pages that `output` links to; `pages` is published path to logical path."""
    return frozenset(pages[path] for path in _addressed(content, output, prefix) if path in pages)


def _addressed(content: bytes, output: str, prefix: str) -> Iterator[str]:
    base = posixpath.dirname(f"/{output}")
    for raw in {first or second for first, second in _ATTRIBUTE.findall(content)}:
        url = raw.decode(errors="replace").replace("\\/", "/").replace("&amp;", "&")
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        path = unquote(parts.path)
        if not path or parts.scheme not in ("", "http", "https"):
            continue
        whole = path if path.startswith("/") else posixpath.join(base, path)
        normal = posixpath.normpath(whole).removeprefix(prefix).lstrip("/")
        yield normal
        yield f"{normal}/index.html".lstrip("/")
