"""A partial build in an environment that has no sources yet: stubs first, and what hugo asks for.

hugo runs on the stubs. If a rendered page wanted the text of another, the trap says of which; those texts are fetched
and hugo runs again, until nothing is wanted that is not there. Only then are the bytes a whole build's. The run begins
with the texts of the pages it renders and with what the last one wanted, which makes most runs the only one. Pictures
of pages are placeholders (`awaited`); of those the system says whether hugo opened them (`opens`).
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from threading import Lock

from sitebuilder import buckets
from sitebuilder.partial import awaited, opens, pack, stubs
from sitebuilder.partial.pack import Prefix
from sitebuilder.partial.page_index import Page
from sitebuilder.partial.runs import HugoFailed, Runs
from sitebuilder.sources import Source

#: After so many restarts, or with this share of the texts demanded, all of them are fetched.
MAX_RESTARTS, MAX_DEMANDED_SHARE = 3, 0.6
#: A site that asks for one file after the other is built whole.
MAX_RUNS = 8


@dataclass(slots=True)
class Range:
    """Reads of one object, counted; several threads may read at once."""

    read: Callable[[int, int], bytes]
    """From a first byte to an end, which may be behind the object's."""
    weight: int = 0
    """Bytes read."""
    requests: int = 0
    lock: Lock = field(default_factory=Lock)

    def __call__(self, first: int, end: int) -> bytes:
        content = self.read(first, end)
        with self.lock:
            self.weight += len(content)
            self.requests += 1
        return content


def read_prefix(read: Range, length: int) -> Prefix | None:
    """None if there is no pack, or not the one whose prefix is so long."""
    content = read(0, length) if length else b""
    return pack.decode_prefix(content) if pack.prefix_end(content) == len(content) else None


@dataclass(slots=True)
class StubRuns:
    runs: Runs
    """On a source folder of its own, which nothing else uses."""
    prefix: Prefix
    read: Range
    wanted: Mapping[str, Source]
    texts: Mapping[str, bytes]
    """Of sources that are newer than the pack, and others that it has not."""
    pages: tuple[Page, ...]
    download: Callable[[Iterable[str]], None]
    """Of sources, into the folder."""
    published: Mapping[str, str]
    only_copies_files: bool = False
    """No template can tell what is in a page's files (`tokens`)."""
    seed: frozenset[str] = frozenset()
    """What the last run demanded."""
    awaiting: set[str] = field(default_factory=set)
    """Files that are placeholders."""
    downloaded: set[str] = field(default_factory=set)
    present: set[str] = field(default_factory=set)
    demanded: set[str] = field(default_factory=set)
    restarts: int = 0

    def lay_out(self) -> None:
        """Raises HugoFailed where a source is neither packed nor given, nor can be awaited."""
        files = {stubs.SHORTCODE_FILE: stubs.SHORTCODE_LAYOUT}
        for key, source in self.wanted.items():
            entry = self.prefix.entries.get(key)
            if key in self.texts:
                files[key] = self.texts[key]
                self.present.add(key)
            elif entry is not None and entry.etag == source.etag:
                files[key] = entry.content
                if entry.place is None:
                    self.present.add(key)
            elif awaited.is_awaited(key, source.size):
                files[key] = awaited.placeholder(key)
                self.awaiting.add(key)
            else:
                raise HugoFailed(f"{key} is not in the pack")
        for folder in {(self.runs.source / key).parent for key in files}:
            folder.mkdir(parents=True, exist_ok=True)
        for key, content in files.items():
            self._write(key, content)

    def page_index(self) -> tuple[Page, ...]:
        self.pages = self.runs.page_index()
        return self.pages

    def render_pages(self, paths: frozenset[str]) -> Path:
        own = {page.source for page in self.pages if page.path in paths and page.kind == "page"}
        self._fetch(own | self.seed)
        self._download(self.awaiting & self.seed)
        for _ in range(MAX_RUNS):
            folder, asked = self._run(paths)
            if folder is not None and not asked:
                return folder
            self.restarts += 1
            self.demanded |= asked
            texts = asked & self.prefix.entries.keys()
            self._download(asked - texts)
            known = sum(entry.place is not None for entry in self.prefix.entries.values())
            too_many = len(self.demanded & self.prefix.entries.keys()) > MAX_DEMANDED_SHARE * known
            everything = texts and (too_many or self.restarts >= MAX_RESTARTS)
            self._fetch(self.prefix.entries if everything else texts)
        raise HugoFailed(f"something was not there in {MAX_RUNS} runs of hugo")

    def _run(self, paths: frozenset[str]) -> tuple[Path | None, set[str]]:
        """The folder, and what was wanted and is not there. No folder: hugo failed for want of it."""
        try:
            return self._watched_run(paths)
        except opens.Unwatchable:
            self._download(self.awaiting)
            return self._watched_run(paths)

    def _watched_run(self, paths: frozenset[str]) -> tuple[Path | None, set[str]]:
        with self._watched() as opened:
            try:
                folder, warnings = self.runs.render(paths)
            except HugoFailed:
                if asked := opened():
                    return None, asked
                raise
            files = opened() | self._copies(folder)
        texts = {file.removeprefix(f"{self.runs.source}/") for file in stubs.sprung(warnings)}
        if not texts <= self.prefix.entries.keys() or texts & self.present:
            raise HugoFailed(f"{min(texts)} was asked for, and is not where it was expected")
        return folder, texts | files

    @contextlib.contextmanager
    def _watched(self) -> Iterator[Callable[[], set[str]]]:
        """Where files are only copied they need no watching: the copies of placeholders tell."""
        if self.only_copies_files or not self.awaiting:
            yield set
            return
        files = {self.runs.source / key: key for key in self.awaiting}
        with opens.watched(files) as opened:
            yield lambda: {files[file] for file in opened()}

    def _copies(self, folder: Path) -> set[str]:
        """Keys of files that this run has published, and that have to be there for it. A copy of a file that is on the
        website as it is among the sources is left out of the folder: nothing is to be done about it."""
        wanted: set[str] = set()
        for file in folder.rglob("*"):
            key = self._key_of(file) if self.awaiting and file.is_file() else None
            if key is None:
                continue
            is_the_same = self.published.get(file.relative_to(folder).as_posix()) == self.wanted[key].etag
            if self.only_copies_files and is_the_same:
                file.unlink()
            else:
                wanted.add(key)
        return wanted

    @staticmethod
    def _key_of(file: Path) -> str | None:
        try:
            return awaited.key_of(file.read_bytes())
        except awaited.Shown as shown:
            raise HugoFailed(str(shown)) from shown

    def _download(self, keys: Iterable[str]) -> None:
        missing = self.awaiting.intersection(keys)
        self.download(missing)
        for key in missing:
            os.utime(self.runs.source / key, (self.wanted[key].modified, self.wanted[key].modified))
        self.awaiting -= missing
        self.downloaded |= missing

    def _fetch(self, keys: Iterable[str]) -> None:
        missing = {key for key in keys if key in self.prefix.entries and key in self.wanted and key not in self.present}
        frames = pack.frames_of(self.prefix, missing)
        stored = dict(chain.from_iterable(buckets.in_parallel(self._read_frames, _neighbours(frames))))
        for key in missing:
            place = self.prefix.entries[key].place
            if place is not None:
                self._write(key, pack.text_in(stored[place.frame], place))
                self.present.add(key)

    def _read_frames(self, group: tuple[int, int]) -> list[tuple[int, bytes]]:
        """From the first to the last, in one read."""
        places = self.prefix.frames[group[0] : group[1] + 1]
        start, end = places[0][0], places[-1][1]
        content = self.read(start, end)
        return [(group[0] + n, content[first - start : last - start]) for n, (first, last) in enumerate(places)]

    def _write(self, key: str, content: bytes) -> None:
        file = self.runs.source / key
        file.write_bytes(content)
        if key in self.wanted:
            os.utime(file, (self.wanted[key].modified, self.wanted[key].modified))


def _neighbours(frames: tuple[int, ...]) -> list[tuple[int, int]]:
    """Frames that follow each other are one read."""
    groups: list[tuple[int, int]] = []
    for number in frames:
        if groups and groups[-1][1] == number - 1:
            groups[-1] = (groups[-1][0], number)
        else:
            groups.append((number, number))
    return groups
