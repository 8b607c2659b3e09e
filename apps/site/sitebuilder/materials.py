"""The sources, where hugo finds them: everything but the static files that S3 can copy by itself (`statics`).

A cold environment begins with the pack; a warm one fetches what changed. Which static files may pass hugo by depends on
the configuration and the templates, so those come first; the answer is kept as long as they stay as they are.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sitebuilder import buckets, hugo, lint, packs, sources, spellings, statics
from sitebuilder.buckets import Bucket
from sitebuilder.caches import Caches
from sitebuilder.packs import Packed
from sitebuilder.settings import Settings
from sitebuilder.sources import Source
from sitebuilder.spellings import Term, Vocabulary
from sitebuilder.state import PACK, State
from sitebuilder.workspace import Workspace

#: Sources may change between listing and download; who changes them more often than this is served by the retry.
MAX_LISTINGS = 20


class StillChanging(Exception):
    """The sources change faster than the invocation's time allows to follow; Lambda's retry goes on from here."""


@dataclass(frozen=True, slots=True)
class Fetched:
    sources: Mapping[str, Source]
    """All of them, as they are now."""
    rendered: Mapping[str, Source]
    """Those that hugo sees: they are in the workspace."""
    copied: Mapping[str, str]
    """Path on the website to the key of its static source."""
    downloads: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Copying:
    """May static files be copied past hugo, and those of which themes? True of one set of decisive sources."""

    decisive: str
    themes: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Doubts:
    conflicts: tuple[str, ...]
    """Spellings between which hugo chooses anew in every build."""
    advice: tuple[str, ...]


class Materials:
    def __init__(self, settings: Settings, source: Bucket, state: State, workspace: Workspace) -> None:
        self._settings = settings
        self._source = source
        self._state = state
        self.workspace = workspace
        self.caches = Caches(state, workspace, max_bytes=settings.cache_bytes)
        self._copying: _Copying | None = None
        self._packed: Mapping[str, str] | None = None
        self._vocabulary: tuple[str, Vocabulary] = ("", Vocabulary())
        """Of one set of decisive sources."""
        self._terms: dict[tuple[str, str], tuple[Term, ...]] = {}
        """(key, ETag) of a page to its terms in these taxonomies."""

    def listed(self) -> dict[str, Source]:
        return sources.select(self._source.list())

    def fetch(self, wanted: Mapping[str, Source], *, seconds: Callable[[], float], from_nothing: bool) -> Fetched:
        """They may change under our hands: what was fetched in the end is what the answer says."""
        if from_nothing:
            self.workspace.empty()
            self._packed = {}
        for _ in range(MAX_LISTINGS):
            try:
                return self._fetch(wanted, seconds, may_unpack=not from_nothing)
            except buckets.Changed:
                wanted = self.listed()
        raise StillChanging(f"the sources changed during each of {MAX_LISTINGS} downloads")

    def _fetch(self, wanted: Mapping[str, Source], seconds: Callable[[], float], *, may_unpack: bool) -> Fetched:
        if may_unpack and not self.workspace.holds():
            self.caches.restore()
        pack = self._read_pack if may_unpack else _no_pack
        downloads = weight = 0
        decisive = sources.fingerprint({key: it for key, it in wanted.items() if statics.is_decisive(key)}, "")
        if self._copying is None or self._copying.decisive != decisive:
            first = self._without_new_candidates(wanted)
            synced = self.workspace.sync(self._source, first, pack)
            downloads, weight = synced.fetched, synced.bytes
            self._copying = _Copying(decisive, self._themes(wanted, seconds()))
        themes = self._copying.themes
        copied = {} if themes is None else statics.targets(wanted, themes)
        rendered = {key: it for key, it in wanted.items() if themes is None or not statics.is_candidate(key)}
        synced = self.workspace.sync(self._source, rendered, pack)
        return Fetched(wanted, rendered, copied, downloads + synced.fetched, weight + synced.bytes)

    def texts(self, keys: Iterable[str]) -> dict[str, str]:
        """Of the decisive ones among them: configuration and templates."""
        return {key: self.workspace.text(key) for key in keys if statics.is_decisive(key)}

    def doubts(self, rendered: Mapping[str, Source], *, seconds: float) -> Doubts:
        pages = self._terms_of_pages(rendered, seconds)
        languages = spellings.by_language(pages, self._vocabulary[1])
        conflicts = (sentence for of_one in languages for sentence in spellings.conflicts(of_one, of_one))
        return Doubts(tuple(conflicts), lint.advice(languages, self.texts(rendered)))

    def _terms_of_pages(self, rendered: Mapping[str, Source], seconds: float) -> dict[str, tuple[Term, ...]]:
        decisive = sources.fingerprint({key: it for key, it in rendered.items() if statics.is_decisive(key)}, "")
        if self._vocabulary[0] != decisive:
            work, before = self.workspace, self._vocabulary[1]
            told = hugo.vocabulary(self._settings, source=work.source, cache=work.cache, seconds=seconds)
            self._vocabulary = (decisive, told or Vocabulary())
            self._terms = self._terms if self._vocabulary[1].taxonomies == before.taxonomies else {}
        known: dict[tuple[str, str], tuple[Term, ...]] = {}
        for key, source in rendered.items():
            if key.startswith("content/") and key.endswith((".md", ".html")):
                page = (key, source.etag)
                if page in self._terms:
                    known[page] = self._terms[page]
                else:
                    known[page] = spellings.terms(self.workspace.text(key), self._vocabulary[1].taxonomies)
        self._terms = known
        return {key: terms for (key, _), terms in known.items()}

    def refresh_pack(self, rendered: Mapping[str, Source]) -> None:
        if packs.is_stale(self._packed, rendered):
            files = self.workspace.packed(rendered)
            self._state.bucket.write(self._state.key(PACK), packs.encode(files))
            self._packed = {key: file.etag for key, file in files.items()}

    def _without_new_candidates(self, wanted: Mapping[str, Source]) -> dict[str, Source]:
        """Static files that are here stay until it is known whether hugo needs them; new ones are not fetched yet."""
        holds = self.workspace.holds()
        return {key: it for key, it in wanted.items() if not statics.is_candidate(key) or holds.get(key) == it}

    def _themes(self, wanted: Mapping[str, Source], seconds: float) -> tuple[str, ...] | None:
        variables = [name for name, _ in self._settings.hugo_variables]
        if not any(map(statics.is_candidate, wanted)):
            return None
        if not statics.may_be_copied(self.texts(wanted), wanted, variables):
            return None
        work = self.workspace
        return hugo.themes(self._settings, source=work.source, cache=work.cache, seconds=seconds)

    def _read_pack(self) -> tuple[Mapping[str, Packed], int]:
        found = self._state.bucket.read(self._state.key(PACK))
        files = packs.decode(found[0]) if found else {}
        self._packed = {key: file.etag for key, file in files.items()}
        return files, len(found[0]) if found else 0


def _no_pack() -> tuple[Mapping[str, Packed], int]:
    return {}, 0
