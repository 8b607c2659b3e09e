"""The two phases of an edit, on one site's state: the partial build if it may be, and the account of it when the whole
build has come. `rounds` calls it.

In the state bucket: graph.json.z (`graph`), texts.pack (`pack`), ledger.json (`ledger`), learned.json (`learning`),
demand.json (what the last cold run asked for). All are written with the turn in hand, and each may be missing: then the
next build is a whole one, or something has to be learned again.
"""

import json
import shutil
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sitebuilder import buckets, statics
from sitebuilder.buckets import Bucket
from sitebuilder.hugo import HugoDied
from sitebuilder.partial import (
    awaited,
    classification,
    cold,
    costs,
    fast,
    hindsight,
    learning,
    ledger,
    pack,
    runs,
    survey,
    tokens,
)
from sitebuilder.partial import graph as graphs
from sitebuilder.partial.classification import Whole
from sitebuilder.partial.cold import Range, StubRuns
from sitebuilder.partial.fast import Ready
from sitebuilder.partial.graph import Graph
from sitebuilder.partial.learning import Lessons
from sitebuilder.partial.ledger import Ledger, Settlement
from sitebuilder.partial.pack import Prefix
from sitebuilder.partial.runs import HugoFailed, Runs
from sitebuilder.settings import Settings
from sitebuilder.sources import Source
from sitebuilder.state import State
from sitebuilder.workspace import Workspace

GRAPH, PACK, LEDGER, DEMAND = "graph.json.z", "texts.pack", "ledger.json", "demand.json"
LEARNED = "learned.json"
#: Once it happened, only other templates make a site eligible again.
WRONG = "a partial build published wrong bytes: "


@dataclass(frozen=True, slots=True)
class First:
    ready: Ready
    graph: Graph
    bytes: int = 0
    downloads: int = 0
    restarts: int = 0
    seconds: float = 0.0
    """What each run of it took."""


@dataclass(frozen=True, slots=True)
class Settled:
    account: Settlement
    news: tuple[str, ...]
    """What was learned from it, for people."""


@dataclass(frozen=True, slots=True)
class Phases:
    settings: Settings
    source: Bucket
    state: State
    workspace: Workspace
    threshold: float
    """Seconds of a whole build: quicker sites are always built whole."""
    max_share: float = costs.MAX_SHARE

    def first(self, rendered: Mapping[str, Source], published: Mapping[str, str], *, deadline: float) -> First | Whole:
        """With all of hugo's sources in the workspace."""
        graph = self._eligible()
        if isinstance(graph, Whole):
            return graph
        changed = classification.changed_keys(graph, rendered)
        if (why := classification.of_change(rendered, changed)) is not None:
            return why
        texts = {key: (self.workspace.source / key).read_bytes() for key in changed}
        renders, begun = self._runs(self.workspace.source, deadline), time.monotonic()
        found = fast.build(graph, rendered, texts, renders, published, self._lessons(), max_share=self.max_share)
        return found if isinstance(found, Whole) else First(found, graph, seconds=time.monotonic() - begun)

    def first_cold(
        self,
        wanted: Mapping[str, Source],
        before: Mapping[str, Source],
        published: Mapping[str, str],
        *,
        deadline: float,
    ) -> First | Whole:
        """With nothing in the workspace; `before` is all sources of the last publication."""
        graph = self._eligible()
        if isinstance(graph, Whole):
            return graph
        if not graph.findings.may_be_stubbed:
            return Whole(f"templates that read texts by themselves: {graph.findings.blind[:1]}")
        rendered = {key: it for key, it in wanted.items() if key in graph.sources or not statics.is_candidate(key)}
        others = {key: it.etag for key, it in wanted.items() if key not in rendered}
        if others != {key: it.etag for key, it in before.items() if key not in graph.sources}:
            return Whole("static files changed")
        changed = classification.changed_keys(graph, rendered)
        if (why := classification.of_change(rendered, changed)) is not None:
            return why
        try:
            return self._first_cold(graph, rendered, changed, published, deadline)
        except HugoFailed as error:
            return Whole(str(error))
        except (ValueError, zlib.error) as error:  # damaged, or replaced between two reads of it
            return Whole(f"the pack of texts cannot be read: {error}")

    def publishes(self, first: First, *, built_from: str, now: float) -> float:
        """To be called before the first upload; when the whole build is to begin."""
        before = self._ledger()
        pace = costs.paced(before.pace or self._lessons().pace, expected=first.ready.expected, taken=first.seconds)
        account = ledger.entered(before, first.ready, built_from=built_from, now=now, pace=pace)
        self.state.write(LEDGER, ledger.encode(account))
        return ledger.due(account, now, seconds=first.graph.seconds)

    def settle(
        self,
        rendered: Mapping[str, Source],
        *,
        built: Mapping[str, str],
        published: Mapping[str, str],
        built_from: str,
        seconds: float,
        deadline: float,
    ) -> Settled:
        """After a whole build was published: `published` is the website before it."""
        known, account = self._graph(), self._ledger()
        made = self._surveyed(known, rendered, built, seconds, deadline)
        settled = Settlement()
        if known is not None:
            pages = (made or known).pages or known.pages
            settled = ledger.settle(account, pages, built, published, built_from) or settled
        before = self._lessons()
        lessons = before if made is None else learning.of_templates(before, _templates(made))
        pace = account.pace if account.is_open else costs.relaxed(lessons.pace)
        lessons = replace(lessons, pace=round(pace or 1.0, 2))
        if settled.wrong:
            lessons = replace(lessons, wrong=settled.wrong[0])
        if account.is_open:
            lessons = learning.accepted(lessons, account.kinds)
        if settled.misses:
            lessons = learning.missed(lessons, account.kinds, settled.rules, time.time())
        elif known is not None and made is not None and not account.is_open:
            lessons = self._looked_back(lessons, known, made, rendered, built, published)
        if lessons != before:
            self.state.write(LEARNED, learning.encode(lessons))
        if made is not None:
            self._keep(replace(made, refusal=f"{WRONG}{lessons.wrong}") if lessons.wrong else made, rendered)
        if account.is_open:
            self.state.delete(LEDGER)
        return Settled(settled, learning.news(before, lessons))

    def _surveyed(
        self,
        known: Graph | None,
        rendered: Mapping[str, Source],
        built: Mapping[str, str],
        seconds: float,
        deadline: float,
    ) -> Graph | None:
        """None: of a site that is small, or where hugo died over it; what is known is forgotten then."""
        if self.settings.is_preview or seconds <= self.threshold:
            if known is not None:
                self.state.delete(GRAPH, PACK, DEMAND)
            return None
        try:
            return survey.make(
                self._runs(self.workspace.source, deadline),
                rendered,
                output=self.workspace.output,
                built=built,
                recipe=self.settings.recipe,
                seconds=seconds,
            )
        except HugoDied:  # the site is published; that the next edit is a whole build is all there is to lose
            self.state.delete(GRAPH)
            return None

    def _looked_back(
        self,
        lessons: Lessons,
        known: Graph,
        made: Graph,
        rendered: Mapping[str, Source],
        built: Mapping[str, str],
        published: Mapping[str, str],
    ) -> Lessons:
        """What a partial build would have made of this edit, or has tried to; closed kinds may be opened by it."""
        changed = classification.changed_keys(known, rendered)
        if made.refusal or known.refusal or classification.of_change(rendered, changed) is not None:
            return lessons
        edit = classification.of_texts(known, {key: made.sources[key] for key in changed})
        if isinstance(edit, Whole) or classification.of_pages(known, made.pages) is not None:
            return lessons
        was_complete = hindsight.was_complete(known, made.pages, edit, lessons.rules, built=built, published=published)
        kinds = fast.kinds_of(edit, known.pages, made.pages)
        if was_complete is None:
            return learning.refused(lessons, kinds, time.time())
        return learning.looked_back(lessons, kinds, was_complete=was_complete)

    def _keep(self, made: Graph, rendered: Mapping[str, Source]) -> None:
        if not made.refusal and made.findings.may_be_stubbed:
            sizes = {key: (self.workspace.source / key).stat().st_size for key in rendered}
            keys = pack.packable(rendered, sizes)
            contents = {key: (self.workspace.source / key).read_bytes() for key in keys}
            packed = pack.encode(rendered, contents)
            self.state.bucket.write(self.state.key(PACK), packed)
            made = replace(made, prefix=pack.prefix_end(packed))
        self.state.write(GRAPH, graphs.encode(made))

    def _first_cold(
        self,
        graph: Graph,
        rendered: Mapping[str, Source],
        changed: frozenset[str],
        published: Mapping[str, str],
        deadline: float,
    ) -> First | Whole:
        folder = self.workspace.root / "stubs"
        shutil.rmtree(folder, ignore_errors=True)
        read = Range(lambda first, end: self.state.bucket.read_range(self.state.key(PACK), first, end))
        prefix = cold.read_prefix(read, graph.prefix)
        if prefix is None:
            return Whole("there is no pack of texts")
        texts = {
            key: self._download(key, it, folder)
            for key, it in rendered.items()
            if key in changed or _is_missing(key, it, prefix)
        }
        source_runs = self._runs(folder, deadline)
        stubbed = StubRuns(
            source_runs,
            prefix,
            read,
            rendered,
            texts,
            graph.pages,
            download=lambda keys: self._download_all(keys, rendered, folder),
            published=published,
            only_copies_files=graph.findings.only_copies_files and not any(map(_is_adapter, rendered)),
            seed=self._seed(),
        )
        stubbed.lay_out()
        edited = {key: texts[key] for key in changed}
        begun = time.monotonic()
        found = fast.build(graph, rendered, edited, stubbed, published, self._lessons(), max_share=self.max_share)
        taken = (time.monotonic() - begun) / (stubbed.restarts + 1)
        demanded = stubbed.demanded - _beside(changed, stubbed.downloaded)
        self.state.write(DEMAND, json.dumps(sorted(demanded or self._seed())).encode())
        if isinstance(found, Whole):
            return found
        files = stubbed.downloaded
        weight = read.weight + sum(map(len, texts.values())) + sum(rendered[key].size for key in files)
        return First(found, graph, weight, read.requests + len(texts) + len(files), stubbed.restarts, taken)

    def _download_all(self, keys: Iterable[str], rendered: Mapping[str, Source], folder: Path) -> None:
        buckets.in_parallel(lambda key: self.source.download(key, rendered[key].etag, folder / key), keys)

    def _download(self, key: str, wanted: Source, folder: Path) -> bytes:
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        self.source.download(key, wanted.etag, file)
        return file.read_bytes()

    def _runs(self, source: Path, deadline: float) -> Runs:
        runs.remove_leftovers(source)
        return Runs(self.settings, source, self.workspace.root / "partial", self.workspace.cache, deadline)

    def _eligible(self) -> Graph | Whole:
        graph = self._graph()
        against = classification.of_site(graph, self.settings.recipe, threshold=self.threshold)
        if against is not None or graph is None:
            return against or Whole("")
        return graph

    def _graph(self) -> Graph | None:
        found = self.state.read(GRAPH)
        return graphs.decode(found[0]) if found else None

    def _ledger(self) -> Ledger:
        found = self.state.read(LEDGER)
        return ledger.decode(found[0]) if found else Ledger()

    def _lessons(self) -> Lessons:
        found = self.state.read(LEARNED)
        return learning.decode(found[0]) if found else learning.NONE

    def _seed(self) -> frozenset[str]:
        found = self.state.read(DEMAND)
        return frozenset(json.loads(found[0])) if found else frozenset()


def _is_missing(key: str, wanted: Source, prefix: Prefix) -> bool:
    """Neither packed as it is now, nor to be awaited."""
    entry = prefix.entries.get(key)
    return not awaited.is_awaited(key, wanted.size) if entry is None else entry.etag != wanted.etag


def _is_adapter(key: str) -> bool:
    """A template among the texts (hugo: "content adapters"), which no search of templates finds."""
    return key.rpartition("/")[2].startswith("_content.")


def _beside(changed: Iterable[str], files: Iterable[str]) -> set[str]:
    """Files of the pages that were edited: the next edit is of another page and needs others."""
    folders = {key.rpartition("/")[0] for key in changed}
    return {file for file in files if file.rpartition("/")[0] in folders}


def _templates(graph: Graph) -> str:
    return graphs.digest(
        repr(sorted((key, text.etag) for key, text in graph.sources.items() if tokens.is_searched(key))).encode()
    )
