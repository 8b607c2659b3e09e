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

Only the one who has the turn writes. So what was read or written with the turn in hand stays true until somebody else
has had it, and is remembered by a warm environment: an edit reads nothing here. `turn_keeper` says when to forget.
"""

from collections.abc import Callable, Mapping
from typing import Generic

from sitebuilder import buckets, heads, manifests
from sitebuilder.buckets import Bucket
from sitebuilder.heads import Head, Release
from sitebuilder.manifests import Difference, Entry, Output
from sitebuilder.sources import Source

HEAD = "head.json"
TURN = "turn.json"
PACK = "sources.pack"
HISTORY = "history.json"


class HeadMoved(Exception):
    """Somebody else has published since we looked: whose turn it was has changed while we built."""


class _Manifests(Generic[Entry]):
    """Those of one kind. They never change; the last one is remembered, and the whole one that it goes back to."""

    def __init__(self, read: Callable[[str], bytes | None], kind: type[Entry]) -> None:
        self._read = read
        self._kind = kind
        self.name = self.whole = ""
        self._entries: Mapping[str, Entry] = {}
        self._of_whole: Mapping[str, Entry] = {}

    def named(self, name: str) -> Mapping[str, Entry]:
        """Nothing, where it is gone."""
        if name != self.name:
            found = self._found(name)
            if isinstance(found, Difference):
                if found.since != self.whole:
                    self.whole, self._of_whole = found.since, self._whole(found.since)
                self._entries = found.applied(self._of_whole) if self._of_whole else {}
            else:
                self.whole, self._of_whole, self._entries = name, found, found
            self.name = name
        return self._entries

    def change(self, entries: Mapping[str, Entry]) -> Difference[Entry] | None:
        """From the whole one; None where it is too large, or there is none."""
        found = manifests.difference(self.whole, self._of_whole, entries)
        return found if self.whole and manifests.is_small(found, entries) else None

    def remember(self, name: str, whole: str, entries: Mapping[str, Entry]) -> None:
        """That it was written."""
        if name == whole:
            self.whole, self._of_whole = name, entries
        self.name, self._entries = name, entries

    def _whole(self, name: str) -> Mapping[str, Entry]:
        found = self._found(name)
        return {} if isinstance(found, Difference) else found

    def _found(self, name: str) -> Mapping[str, Entry] | Difference[Entry]:
        content = self._read(name)
        return {} if content is None else manifests.decode(content, self._kind)


class State:
    def __init__(self, bucket: Bucket, site: str) -> None:
        self.bucket = bucket
        self._site = site
        self._remembered: dict[str, tuple[bytes, str] | None] = {}
        self._outputs = _Manifests(lambda name: self._unremembered(f"out/{name}"), Output)
        self._sources = _Manifests(lambda name: self._unremembered(f"src/{name}"), Source)

    def key(self, name: str) -> str:
        return f"{self._site}/{name}"

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and ETag; None where there is no such object."""
        if name not in self._remembered:
            self._remembered[name] = self.bucket.read(self.key(name))
        return self._remembered[name]

    def write(self, name: str, content: bytes) -> None:
        self._remembered.pop(name, None)  # an error does not tell whether it was written
        etag = self.bucket.write(self.key(name), content)
        self._remembered[name] = content, etag

    def replace(self, name: str, content: bytes, *, etag: str | None) -> str | None:
        """Write if the object still has this ETag (None: if there is none). The new ETag, or None if it has not."""
        self._remembered.pop(name, None)
        new = self.bucket.replace(self.key(name), content, etag=etag)
        if new is not None:
            self._remembered[name] = content, new
        return new

    def delete(self, *names: str) -> None:
        self.forget(*names)
        self.bucket.delete([self.key(name) for name in names])

    def remembers(self, name: str) -> bool:
        return name in self._remembered

    def renew(self, name: str) -> None:
        """Read it again. If it is another by now, so may be everything else: that is forgotten."""
        found = self.bucket.read(self.key(name))
        if name not in self._remembered or self._remembered[name] != found:
            self._remembered.clear()
        self._remembered[name] = found

    def forget(self, *names: str) -> None:
        for name in names:
            self._remembered.pop(name, None)

    def head(self) -> tuple[Head, str | None]:
        """And its ETag, the condition of the next write."""
        found = self.read(HEAD)
        return (heads.decode(found[0]), found[1]) if found else (Head(), None)

    def move_head(self, head: Head, *, etag: str | None) -> str:
        """The new ETag. Raises HeadMoved if the head is no longer the one that was read."""
        moved = self.replace(HEAD, heads.encode(head), etag=etag)
        if moved is None:
            raise HeadMoved(f"{self.key(HEAD)} was written by another invocation while this one built")
        return moved

    def outputs(self, release: Release | None) -> Mapping[str, Output]:
        return self._outputs.named(release.name) if release else {}

    def sources(self, release: Release | None) -> Mapping[str, Source]:
        return self.sources_named(release.name) if release else {}

    def last_sources(self) -> tuple[str, Mapping[str, Source]]:
        """The manifest that was read or written last, and its name."""
        return self._sources.name, self._sources.named(self._sources.name)

    def sources_named(self, name: str) -> Mapping[str, Source]:
        return self._sources.named(name) if name else {}

    def keep_manifests(
        self, generation: int, outputs: Mapping[str, Output], sources: Mapping[str, Source]
    ) -> tuple[str, str]:
        """The name they are kept under, and that of the whole ones they are differences from, or the same."""
        out, src = self._outputs.change(outputs), self._sources.change(sources)
        since = self._outputs.whole if self._outputs.whole == self._sources.whole else ""
        if out and src and since:
            contents = manifests.encode_difference(out), manifests.encode_difference(src)
        else:
            contents = manifests.encode_whole(outputs), manifests.encode_whole(sources)
            since = ""
        name = manifests.name(generation, *contents)
        keys = self.key(f"out/{name}"), self.key(f"src/{name}")
        buckets.in_parallel(lambda written: self.bucket.write(*written), zip(keys, contents, strict=True))
        whole = since or name
        self._outputs.remember(name, whole, outputs)
        self._sources.remember(name, whole, sources)
        return name, whole

    def _unremembered(self, name: str) -> bytes | None:
        found = self.bucket.read(self.key(name))
        return found[0] if found else None
