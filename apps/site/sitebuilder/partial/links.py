"""Which pages do the published files link to?                                                             (pure)

Read from what hugo made, not from templates: whatever lists, menus, shortcodes and render hooks brought a link about,
it is in the file. Links are compared as addresses of pages; what a page shows without linking is found by other means
(`reach`), or by the whole build.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_ATTRIBUTE = re.compile(
    rb"""\b(?:href|loc|link|permalink|url|src)["']?\s*(?:=|:)\s*["']?([^"'\s>]+)|<(?:loc|link|guid[^>]*)>([^<]+)<"""
)
LINKING_SUFFIXES = (".html", ".htm", ".xml", ".json")


@dataclass(frozen=True, slots=True)
class Links:
    pages: Mapping[str, str]
    """Published path to logical path."""
    prefix: str = ""
    """The path of the site's base URL."""
    _known: dict[bytes, str | None] = field(default_factory=dict)
    """Links that mean the same wherever they stand: menus and sidebars repeat them in every file."""

    def of(self, content: bytes, output: str) -> frozenset[str]:
        """The logical paths of the pages that this output links to."""
        found = set()
        for raw in {first or second for first, second in _ATTRIBUTE.findall(content)}:
            if not raw.startswith((b"/", b"http")):
                found.add(self._page(raw, output))
                continue
            if raw not in self._known:
                self._known[raw] = self._page(raw, output)
            found.add(self._known[raw])
        return frozenset(path for path in found if path is not None)

    def _page(self, raw: bytes, output: str) -> str | None:
        url = raw.decode(errors="replace").replace("\\/", "/").replace("&amp;", "&")
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        path = unquote(parts.path)
        if not path or parts.scheme not in ("", "http", "https"):
            return None
        whole = path if path.startswith("/") else posixpath.join("/", posixpath.dirname(output), path)
        normal = posixpath.normpath(whole).removeprefix(self.prefix).lstrip("/")
        return self.pages.get(normal) or self.pages.get(f"{normal}/index.html".lstrip("/"))
