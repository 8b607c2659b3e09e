"""Which pages may an edit have changed?                                                                    (pure)

Observed, not declared: pages that linked to the edited one, its terms, neighbours and ancestors, those that share a
term with it, the few pages of a kind of their own that may show anything (hubs: search, archives), and what former
whole builds showed to be missing here. Of large groups three samples go first; if none of them changes, the others are
taken not to, and the whole build that follows checks it.

Canaries are pages that the edit should *not* reach. One that comes out different means that the site does not work as
we think it does.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sitebuilder.partial.classification import Partial
from sitebuilder.partial.graph import Graph
from sitebuilder.partial.page_index import Page

#: Groups up to this are rendered whole, larger ones by samples.
SMALL_GROUP = 8
SAMPLES = 3
MAX_COTERM = 40
MAX_HUBS = 40
#: A group of so few pages is a page of a special kind.
HUB_GROUP = 2
MAX_CANARIES = 24
#: Shares of the bytes of all pages: a page heavier than this (a paginated home page, a feed of everything) is left to
#: the whole build, and so is what does not fit in all. Rendering costs about as much as it writes.
MAX_PAGE_SHARE, MAX_PAGE_BYTES = 0.02, 400_000
MAX_SHARE, MAX_BYTES = 0.08, 2_000_000
#: A site where everything is small may be rendered to a good part.
FREE_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Sampled:
    samples: frozenset[str]
    rest: frozenset[str]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Reach:
    pages: frozenset[str]
    """Logical paths to render and publish."""
    sampled: tuple[Sampled, ...]
    canaries: frozenset[str]
    left: frozenset[str] = frozenset()
    """Too heavy: for the whole build."""

    @property
    def rendered(self) -> frozenset[str]:
        return self.pages.union(self.canaries, *(group.samples for group in self.sampled))


@dataclass(slots=True)
class _Budget:
    weights: Mapping[str, int]
    each: float
    remaining: float
    taken: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    def offer(self, path: str) -> None:
        weight = self.weights.get(path, 0)
        if path in self.taken:
            return
        if weight > self.each or weight > self.remaining:
            self.left.add(path)
        else:
            self.remaining -= weight
            self.taken.add(path)


def find(graph: Graph, now: tuple[Page, ...], edit: Partial, rules: Iterable[str] = ()) -> Reach:
    """`rules` are what former misses taught (`learning`)."""
    edited = _edited(graph.pages, edit.changed) + _edited(now, edit.changed)
    own = {page.path for page in edited}
    total = graph.total_weight
    budget = _Budget(
        graph.weights,
        each=max(FREE_BYTES, min(total * MAX_PAGE_SHARE, MAX_PAGE_BYTES)),
        remaining=max(FREE_BYTES * 4, min(total * MAX_SHARE, MAX_BYTES)),
    )
    budget.taken |= own
    sampled: list[Sampled] = []
    linked: set[str] = set()
    for path in sorted(own):
        for group in graph.links.get(path, ()):
            linked.update(group.paths)
            _offer_group(group.paths, group.is_complete, budget, sampled)
    for path in _related(edited, is_structural=not edit.body_only):
        budget.offer(path)
    for path in _hubs(now, edited):
        budget.offer(path)
    if not edit.body_only:
        for path in _differing(graph.pages, now):
            budget.offer(path)
        _offer_group(_coterm(now, edited), True, budget, sampled, small=MAX_COTERM)
    for paths in _learned(rules, now, edited, edit):
        _offer_group(paths, True, budget, sampled)
    budget.offer("/")
    canaries = _canaries(graph, edited, without=budget.taken | linked | budget.left)
    return Reach(frozenset(budget.taken), tuple(sampled), canaries, frozenset(budget.left))


def widen(reach: Reach, changed: Iterable[Sampled]) -> Reach | None:
    """With the rest of the groups of which a sample changed; None where the rest is not known."""
    more: set[str] = set()
    for group in changed:
        if not group.is_complete:
            return None
        more |= group.samples | group.rest
    sampled = tuple(group for group in reach.sampled if not group.samples <= more)
    return Reach(reach.pages | more, sampled, reach.canaries - more, reach.left)


def rule(edit: str, page: Page) -> str:
    """A thing learned: edits of that kind (and type of page) reach pages like this one."""
    return f"{edit}|{page.kind}|{page.type}|{page.layout}"


def edit_kind(edit: Partial) -> str:
    return "body" if edit.body_only else "fields"


def _edited(pages: Iterable[Page], changed: frozenset[str]) -> list[Page]:
    return [page for page in pages if page.source in changed]


def _related(edited: Iterable[Page], *, is_structural: bool) -> Iterator[str]:
    for page in edited:
        yield from page.terms
        yield from (path for path in page.up if path != "/")
        if is_structural:
            yield from page.beside
            yield from ("/" + term.split("/")[1] for term in page.terms)


def _differing(before: Iterable[Page], now: Iterable[Page]) -> Iterator[str]:
    known = {(page.path, page.lang): page for page in before}
    for page in now:
        if page.kind != "home" and known.get((page.path, page.lang)) != page:
            yield page.path


def _hubs(now: Iterable[Page], edited: Iterable[Page]) -> list[str]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for page in now:
        groups.setdefault(page.group, []).append(page.path)
    langs = {page.lang for page in edited}
    found = [
        path
        for (kind, _, layout, lang), paths in groups.items()
        for path in paths
        if len(paths) <= HUB_GROUP and lang in langs and path != "/" and (kind != "page" or layout)
    ]
    return found[:MAX_HUBS]


def _coterm(now: Iterable[Page], edited: list[Page]) -> tuple[str, ...]:
    terms = {term for page in edited for term in page.terms}
    own = {page.path for page in edited}
    return tuple(page.path for page in now if page.path not in own and not terms.isdisjoint(page.terms))


def _learned(rules: Iterable[str], now: Iterable[Page], edited: list[Page], edit: Partial) -> Iterator[tuple[str, ...]]:
    types = {page.type for page in edited}
    for learned in rules:
        kind, edited_type, *like = learned.split("|")
        if kind == edit_kind(edit) and edited_type in types:
            yield tuple(page.path for page in now if [page.kind, page.type, page.layout] == like)


def _offer_group(
    paths: tuple[str, ...], is_complete: bool, budget: _Budget, sampled: list[Sampled], *, small: int = SMALL_GROUP
) -> None:
    if len(paths) <= small and is_complete:
        for path in paths:
            budget.offer(path)
        return
    light = sorted((p for p in paths if p not in budget.taken), key=lambda path: (budget.weights.get(path, 0), path))
    samples = frozenset(path for path in light[:SAMPLES] if budget.weights.get(path, 0) <= budget.each)
    if samples:
        sampled.append(Sampled(samples, frozenset(light) - samples, is_complete))


def _canaries(graph: Graph, edited: list[Page], *, without: set[str]) -> frozenset[str]:
    """The lightest page of every kind that has nothing to do with the edited ones; if it may be, in a language of theirs,
    for what a sidebar shows is its language's."""
    terms, langs = {term for page in edited for term in page.terms}, {page.lang for page in edited}
    found: dict[tuple[str, ...], str] = {}
    for page in sorted(
        graph.pages, key=lambda page: (page.lang not in langs, graph.weights.get(page.path, 0), page.path)
    ):
        unrelated = page.path not in without and terms.isdisjoint(page.terms) and page.kind != "home"
        if unrelated and 0 < graph.weights.get(page.path, 0) <= FREE_BYTES:
            found.setdefault((page.kind, page.type, page.layout, page.path.split("/")[1]), page.path)
    return frozenset(list(found.values())[:MAX_CANARIES])
