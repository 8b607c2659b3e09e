"""What the builder remembers of one site, in the state bucket under `SITE/`, SITE being the website's name:

turn.json        whose turn it is to build, and how the last build went              (`turns`)
head.json        which generation is published: written on condition, the commit     (`heads`)
out/NAME         the output manifest of a generation                                 (`manifests`)
src/NAME         its source manifest
sources.pack     all small sources in one object, for cold starts                    (`packs`)
blobs/MD5        contents that a kept generation had and the website has no longer   (`publisher`)
cache/NAME       what hugo keeps of images and styles                                (`caches`)
graph.json.z     what the last whole build showed of pages and links             (`partial.phases`, like the next four)
texts.pack       front matter of all pages, and their texts by range
ledger.json      what partial builds published since the last whole one
learned.json     what misses of partial builds have taught                           (`partial.learning`)
demand.json      texts that the last cold partial build asked for
published.json   gone once it is read: what was published before there were generations  (`former`)
history.json     the last builds, for people                                         (`history`)
"""

from collections.abc import Mapping

from sitebuilder import heads, manifests
from sitebuilder.buckets import Bucket
from sitebuilder.heads import Head, Release
from sitebuilder.manifests import Output
from sitebuilder.sources import Source

HEAD = "head.json"
TURN = "turn.json"
PACK = "sources.pack"
HISTORY = "history.json"


class HeadMoved(Exception):
    """Somebody else has published since we looked: whose turn it was has changed while we built."""


class State:
    def __init__(self, bucket: Bucket, site: str) -> None:
        self.bucket = bucket
        self._site = site
        #: The last manifest read or written; they never change.
        self._known: tuple[str, dict[str, Output]] = ("", {})
        self._known_sources: tuple[str, Mapping[str, Source]] = ("", {})

    def key(self, name: str) -> str:
        return f"{self._site}/{name}"

    def head(self) -> tuple[Head, str | None]:
        """And its ETag, the condition of the next write."""
        found = self.bucket.read(self.key(HEAD))
        return (heads.decode(found[0]), found[1]) if found else (Head(), None)

    def move_head(self, head: Head, *, etag: str | None) -> str:
        """The new ETag. Raises HeadMoved if the head is no longer the one that was read."""
        moved = self.bucket.replace(self.key(HEAD), heads.encode(head), etag=etag)
        if moved is None:
            raise HeadMoved(f"{self.key(HEAD)} was written by another invocation while this one built")
        return moved

    def outputs(self, release: Release | None) -> Mapping[str, Output]:
        if release is None:
            return {}
        if self._known[0] != release.name:
            found = self.bucket.read(self.key(f"out/{release.name}"))
            self._known = (release.name, manifests.decode_outputs(found[0]) if found else {})
        return self._known[1]

    def sources(self, release: Release | None) -> Mapping[str, Source]:
        if release is None:
            return {}
        if self._known_sources[0] != release.name:
            found = self.bucket.read(self.key(f"src/{release.name}"))
            self._known_sources = (release.name, manifests.decode_sources(found[0]) if found else {})
        return self._known_sources[1]

    def keep_manifests(self, generation: int, outputs: Mapping[str, Output], sources: Mapping[str, Source]) -> str:
        """The name they are kept under."""
        out, src = manifests.encode_outputs(outputs), manifests.encode_sources(sources)
        name = manifests.name(generation, out, src)
        self.bucket.write(self.key(f"out/{name}"), out)
        self.bucket.write(self.key(f"src/{name}"), src)
        self._known, self._known_sources = (name, dict(outputs)), (name, dict(sources))
        return name

    def forget(self, names: tuple[str, ...]) -> None:
        self.bucket.delete([self.key(f"{kind}/{name}") for name in names for kind in ("out", "src")])
